"""The commands (DESIGN 6). Each imports what it needs when it runs: the server must not load media.

An error of ours is one sentence on standard error and exit status 2 (bad input) or 1 (anything else that failed).
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import time
from collections.abc import Coroutine
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Annotated, Any

import typer
from setproctitle import setproctitle

from openmpu.config import Config, find_config_file, load
from openmpu.errors import Invalid, OpenMpuError
from openmpu.processes.memory import loading
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
    with loading():
        from openmpu.bootstrap import serve as run  # noqa: PLC0415

    run(config)


@app.command()
def demo(
    seconds: Seconds = None,
    save: Annotated[Path | None, typer.Option("--save", help="Keep what the receiver got (FLV).")] = None,
) -> None:
    """Everything at once on this machine: server, three publishers, an RTMP receiver, a signed StartMPUTask."""
    from openmpu.clients.demo import demo as run  # noqa: PLC0415

    raise typer.Exit(run(seconds, save))


@app.command()
def publish(
    channel: Annotated[str, typer.Option("--channel", help="ChannelId.")],
    user: Annotated[str, typer.Option("--user", help="UserId.")],
    server: Annotated[str, typer.Option("--server", help="URL of the server; default: the settings'.")] = "",
    app_id: Annotated[str, typer.Option("--app", help="AppId; default: the first of the settings.")] = "",
    source: Annotated[str, typer.Option("--source", help="camera or shareScreen.")] = "camera",
    given_input: Annotated[str, typer.Option("--input", help="A media file, or `test`: flashes and beeps.")] = "test",
    video: Annotated[str, typer.Option("--video", help="h264, vp8 or none.")] = "h264",
    audio: Annotated[str, typer.Option("--audio", help="opus or none.")] = "opus",
    size: Annotated[str, typer.Option("--size", help="Of the test picture.")] = "1280x720",
    fps: Annotated[int, typer.Option("--fps", help="Of the test picture.")] = 30,
    bitrate: Annotated[int | None, typer.Option("--bitrate", help="kbit/s; default by size and rate.")] = None,
    colour: Annotated[str, typer.Option("--colour", help="Of the test picture; default by user.")] = "",
    tone: Annotated[int | None, typer.Option("--tone", help="Hz of the test sound; 0: none; default by user.")] = None,
    full_size: Annotated[bool, typer.Option("--full-size", help="Never smaller, however small it is shown.")] = False,
    once: Annotated[bool, typer.Option("--once", help="End with the file instead of beginning anew.")] = False,
    seconds: Seconds = None,
    given_token: Annotated[str, typer.Option("--token", help="Join token.")] = "",
    key: Annotated[str, typer.Option("--key", help="AppKey to make a token with.")] = "",
    config: ConfigFile = None,
) -> None:
    """Publish a file or a test picture over real WebRTC; reconnects until told to stop."""
    from openmpu.clients import looks  # noqa: PLC0415
    from openmpu.clients.publish import publish as run  # noqa: PLC0415
    from openmpu.clients.publish_options import PublishOptions  # noqa: PLC0415

    keys = _join_keys(config, app_id, server, key or given_token)
    width, height = _size(size)
    options = PublishOptions(
        keys.server, keys.app_id, channel, user, given_token, "" if given_token else keys.app_key, source, given_input,
        video, audio, seconds, not once, bitrate, width, height, fps,
        looks.parse_colour(colour) if colour else None, tone, full_size,
    )  # fmt: skip
    setproctitle(f"openmpu: publisher {user}")
    _run(run(options, _print_line))


@app.command()
def receive(
    listen: Annotated[str, typer.Option("--listen", help="Where to listen.")] = "rtmp://127.0.0.1:1935/live/x",
    save: Annotated[Path | None, typer.Option("--save", help="Keep the stream (FLV).")] = None,
    seconds: Seconds = None,
) -> None:
    """Receive one RTMP stream at a time; prints figures."""
    from openmpu.clients.receive import receive as run  # noqa: PLC0415

    setproctitle("openmpu: receiver")
    _run(run(listen, save, _print_line, seconds=seconds, on_listening=lambda url: typer.echo(f"listening at {url}")))


@app.command(context_settings={"ignore_unknown_options": False})
def call(
    action: Annotated[str, typer.Argument(help="Operation, such as StartMPUTask.")],
    parameters: Annotated[list[str] | None, typer.Argument(help="Name=Value …")] = None,
    endpoint: Annotated[str, typer.Option("--endpoint", help="URL of the server; default: the settings'.")] = "",
    access_key: Annotated[str, typer.Option("--access-key")] = "",
    secret: Annotated[str, typer.Option("--secret")] = "",
    v1: Annotated[bool, typer.Option("--v1", help="Sign with HMAC-SHA1 instead of V3.")] = False,
    version: Annotated[str, typer.Option("--version", help="Of the API; default by operation.")] = "",
    answer_format: Annotated[str, typer.Option("--format", help="json or xml.")] = "json",
    config: ConfigFile = None,
) -> None:
    """Make a signed API call; the exit status tells success.

    AppId is taken from the settings when it is not given.
    """
    from openmpu.clients.call import CallOptions, read_parameters  # noqa: PLC0415
    from openmpu.clients.call import call as run  # noqa: PLC0415

    keys = _call_keys(config, endpoint, access_key, secret)
    named = {**({"AppId": keys.app_id} if keys.app_id else {}), **read_parameters(parameters or [])}
    options = CallOptions(keys.server, keys.key_id, keys.secret, action, named, version, answer_format, v1=v1)
    answer = asyncio.run(run(options))
    typer.echo(answer.text)
    raise typer.Exit(answer.exit_status)


@app.command()
def render(
    output: Annotated[Path, typer.Option("-o", "--output", help="PNG to write.")],
    parameters: Annotated[list[str] | None, typer.Argument(help="Name=Value of StartMPUTask …")] = None,
    people: Annotated[int | None, typer.Option("--people", help="How many stand in; default: all panes.")] = None,
    config: ConfigFile = None,
) -> None:
    """Draw the scene of a task that nobody has started, with stand-in people, by the worker's own compositor."""
    from openmpu.clients.call import read_parameters  # noqa: PLC0415
    from openmpu.media.render import RenderOrder  # noqa: PLC0415
    from openmpu.media.render import render as run  # noqa: PLC0415
    from openmpu.model.layouts import built_in  # noqa: PLC0415
    from openmpu.wire.rpc.convert.options import ReadingOptions  # noqa: PLC0415
    from openmpu.wire.rpc.convert.previews import preview_spec  # noqa: PLC0415

    found = find_config_file(config)
    settings = load(found)
    spec = preview_spec(read_parameters(parameters or []), ReadingOptions())
    spec = replace(spec, mix=replace(spec.mix, layouts=built_in(spec.mix.layout_ids)))
    security = settings.security
    order = RenderOrder(
        spec, people, None, settings.fonts.dir, settings.media.time_zone, security.allow_networks, security.ca_file
    )
    output.write_bytes(run(order))


@app.command()
def bench(
    names: Annotated[list[str] | None, typer.Argument(help="Which; default: all. `list` names them.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures as data.")] = None,
) -> None:
    """Run the benchmarks of the checkout; each prints a table."""
    from openmpu.clients.benches import find_benches, run_benches  # noqa: PLC0415

    found = find_benches()
    if names == ["list"]:
        typer.echo("\n".join(found))
        return
    raise typer.Exit(run_benches(found, names or list(found), json_file))


@app.command()
def token(
    channel: Annotated[str, typer.Option("--channel", help="ChannelId.")] = "",
    user: Annotated[str, typer.Option("--user", help="UserId.")] = "",
    task: Annotated[str, typer.Option("--task", help="TaskId: a token to watch that task with.")] = "",
    app_id: Annotated[str, typer.Option("--app", help="AppId; default: the first of the settings.")] = "",
    key: Annotated[str, typer.Option("--key", help="AppKey instead of the settings'.")] = "",
    seconds: Annotated[int | None, typer.Option("--seconds", help="Valid for so long; default a day, or 300.")] = None,
    config: ConfigFile = None,
) -> None:
    """Print a join token (format B of the manual), or a preview token."""
    from openmpu.wire.tokens import make_one_string, make_preview  # noqa: PLC0415

    if bool(task) == bool(channel and user):
        raise Invalid("token", "give --channel and --user, or --task alone")
    keys, now = _join_keys(config, app_id, "", key), int(time.time())
    if task:
        typer.echo(make_preview(keys.app_id, keys.app_key, task, now + (seconds or 300)))
    else:
        typer.echo(make_one_string(keys.app_id, keys.app_key, channel, user, now + (seconds or 86_400)))


@dataclass(frozen=True, slots=True)
class _Keys:
    """What a client command needs of the settings."""

    server: str
    app_id: str
    app_key: str = ""
    key_id: str = ""
    secret: str = ""


def _join_keys(config: Path | None, app_id: str, server: str, proof: str) -> _Keys:
    """Server, app and AppKey: as given, the rest from the settings, which need not exist when all is given."""
    if app_id and server and proof:
        return _Keys(server, app_id, proof)
    found = _settings(config)
    apps = {app.id: app for account in found.accounts for app in account.apps}
    app_id = app_id or next(iter(apps), "")
    if not proof and app_id not in apps:
        raise Invalid("app", f"the settings have no app {app_id!r}: give --app, or --key")
    return _Keys(server or found.server.base_url, app_id, proof or apps[app_id].key.get_secret_value())


def _call_keys(config: Path | None, server: str, key_id: str, secret: str) -> _Keys:
    """Endpoint and access key: as given, the rest from the settings."""
    if server and key_id and secret:
        return _Keys(server, "", key_id=key_id, secret=secret)
    found = _settings(config)
    pairs = [(account, key) for account in found.accounts for key in account.access_keys if key_id in ("", key.id)]
    if not pairs:
        raise Invalid("access_key", "the settings have no such access key: give --access-key and --secret")
    account, key = pairs[0]
    app_id = account.apps[0].id if account.apps else ""
    return _Keys(server or found.server.base_url, app_id, "", key.id, secret or key.secret.get_secret_value())


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise Invalid("size", f"{text}: must be like 1280x720")
    return int(width), int(height)


def _print_line(figures: object) -> None:
    """One line of figures, empty ones left out."""
    told = ((field.name, getattr(figures, field.name)) for field in fields(figures))  # type: ignore[arg-type]
    typer.echo("  ".join(f"{name}={_short(value)}" for name, value in told if value not in (None, "")))


def _short(value: object) -> str:
    return f"{value:.1f}" if isinstance(value, float) else str(value)


def _run(job: Coroutine[Any, Any, object]) -> None:
    """Run until done; SIGTERM ends it in order, like Ctrl-C."""

    async def until_told() -> None:
        task = asyncio.ensure_future(job)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, task.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await task

    asyncio.run(until_told())


if __name__ == "__main__":
    main()
