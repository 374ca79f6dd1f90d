"""The commands (DESIGN 6). Each imports what it needs when it runs: the server must not load media.

An error of ours is one sentence on standard error and exit status 2 (bad input) or 1 (anything else that failed).
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from openmpu.config import Config, find_config_file, load
from openmpu.errors import Invalid, OpenMpuError
from openmpu.version import __version__

app = typer.Typer(
    name="openmpu",
    help="A self-hosted media processing unit: WebRTC channels in, one mixed or relayed RTMP stream out.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="Settings; default ./openmpu.toml, else the state directory's own."),
]
Seconds = Annotated[float | None, typer.Option("--seconds", help="End by itself after so long.")]


def main() -> None:
    """Entry point: run the command that the arguments name."""
    try:
        app()
    except OpenMpuError as error:
        sys.stderr.write(f"openmpu: {error.subject}: {error.message}\n")
        sys.exit(2 if isinstance(error, Invalid) else 1)
    except KeyboardInterrupt:
        sys.exit(130)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"openmpu {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show it.")] = False,
) -> None:
    pass


def _settings(path: Path | None) -> Config:
    """The settings for commands that need keys; the server's own rules for which file."""
    found = find_config_file(path)
    if found is None:
        raise Invalid("config", "no settings: give --config, or run `openmpu serve` once to make some")
    return load(found)


@app.command()
def serve(config: ConfigFile = None) -> None:
    """Run the server with its gateway and workers."""
    from openmpu.bootstrap import serve as run  # noqa: PLC0415

    run(config)


@app.command()
def token(
    config: ConfigFile = None,
    app_id: Annotated[str, typer.Option("--app", help="AppId; default: the first of the settings.")] = "",
    channel: Annotated[str, typer.Option("--channel")] = "",
    user: Annotated[str, typer.Option("--user")] = "",
    key: Annotated[str, typer.Option("--key", help="AppKey instead of the settings'.")] = "",
    seconds: Annotated[int, typer.Option("--seconds", help="Valid for so long.")] = 86400,
    nonce: Annotated[str, typer.Option("--nonce")] = "",
) -> None:
    """Print a join token (format B of the manual)."""
    from openmpu.clients.join import make_token  # noqa: PLC0415

    typer.echo(make_token(None if key else _settings(config), app_id, channel, user, key, seconds, nonce))


if __name__ == "__main__":
    main()
