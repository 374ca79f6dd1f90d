"""Settings: file, environment and defaults become one frozen value.

`openmpu.toml` holds them; everything also as `OPENMPU_<SECTION>__<KEY>` in the environment, which wins. The manual
lists every setting with its default (docs/settings.md; a test compares). Nothing else in openmpu reads environment or
file.
"""

from __future__ import annotations

import ipaddress
import os
from pathlib import Path
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from openmpu.errors import Invalid
from openmpu.model.ids import is_name

FILE_NAME = "openmpu.toml"


class Section(BaseModel):
    """One table of the file: unknown keys are refused, so that a misspelt setting is never silently ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Server(Section):
    """The HTTP server and the processes beside it."""

    listen: str = "127.0.0.1:8080"
    public_url: str = ""
    """What clients reach this server by, for URLs that it hands out; empty: `http://<listen>`."""
    auth: bool = True
    """Whether API calls must be signed. Off is for trials on one machine only."""
    grace_s: Annotated[float, Field(ge=1, le=600)] = 8.0
    """How long workers and gateways carry on without a server before they end by themselves."""
    strict_media_encode: bool = False
    """Refuse MediaEncode=2 instead of reading it as 1 (operations.md 3.8)."""
    task_existed_status: Annotated[int, Field(ge=200, le=499)] = 200
    """HTTP status of `TaskExisted`; 400 lets callers notice it (wire.md 5)."""
    require_tls: bool = False
    """Refuse API calls that did not come over TLS; a proxy on this machine says so with `X-Forwarded-Proto`."""
    recommend_url: str = ""
    """Base of the `Recommend` link in error bodies; empty: no such field."""
    metrics_token: SecretStr = SecretStr("")
    """Bearer that `/metrics` wants to see; empty: none, but only this machine is answered."""
    log_level: str = "INFO"
    log_json: bool | None = None
    """None: JSON unless standard error is a terminal."""

    @field_validator("listen")
    @classmethod
    def _listen(cls, text: str) -> str:
        split_address(text)
        return text

    @property
    def address(self) -> tuple[str, int]:
        """Host and port to listen at."""
        return split_address(self.listen)

    @property
    def base_url(self) -> str:
        """The public URL without a slash at its end."""
        return (self.public_url or f"http://{self.listen}").rstrip("/")


class IceServer(Section):
    """A STUN or TURN server that publishers and players are told of (RFC 9725 4.6)."""

    url: Annotated[str, Field(pattern=r"^(stuns?|turns?):[^\s<>]+$")]
    username: str = ""
    credential: SecretStr = SecretStr("")


class Media(Section):
    """Where media comes in, and how it is written on the picture."""

    ice_addresses: tuple[str, ...] = ()
    """Public addresses to offer instead of the machine's own (behind NAT)."""
    udp_ports: str = "40000-40999"
    gateways: Annotated[int, Field(ge=1, le=16)] = 1
    """How many gateway processes; a channel lives on one of them."""
    ice_servers: tuple[IceServer, ...] = ()
    """Told to publishers and players; openmpu itself needs none."""
    elsewhere: dict[str, str] = {}
    """`AppId` or `AppId/ChannelId` -> URL of the server where it lives: who publishes there is redirected."""
    time_zone: str = "UTC"
    auto_relay: bool = False
    """Mixes that show one publisher and nothing else relay them, where the task says nothing of it (`AutoRelay`)."""

    @field_validator("ice_addresses")
    @classmethod
    def _addresses(cls, addresses: tuple[str, ...]) -> tuple[str, ...]:
        for address in addresses:
            ipaddress.ip_address(address)
        return addresses

    @field_validator("elsewhere")
    @classmethod
    def _elsewhere(cls, servers: dict[str, str]) -> dict[str, str]:
        for channel, url in servers.items():
            if not 1 <= len(names := channel.split("/")) <= 2 or not all(map(is_name, names)):
                raise ValueError("a key must be an AppId, or AppId/ChannelId")
            if not url.startswith(("http://", "https://")) or set(url) & set("?#<> "):
                raise ValueError("a value must be the URL of a server")
        return {channel: url.rstrip("/") for channel, url in servers.items()}

    @field_validator("udp_ports")
    @classmethod
    def _ports(cls, text: str) -> str:
        low, _, high = text.partition("-")
        if not (low.isdigit() and high.isdigit() and 1024 <= int(low) <= int(high) <= 65535):
            raise ValueError("must be like 40000-40999, within 1024 and 65535")
        return text

    @field_validator("time_zone")
    @classmethod
    def _zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            raise ValueError(f"{name!r} is no time zone") from None
        return name

    @property
    def port_range(self) -> tuple[int, int]:
        """First and last UDP port."""
        low, _, high = self.udp_ports.partition("-")
        return int(low), int(high)


class Storage(Section):
    """Where tasks and layouts are kept."""

    url: SecretStr = SecretStr("")
    """SQLAlchemy URL; empty: SQLite under `state_dir`."""
    state_dir: str = ""
    """Empty: the platform's state directory."""

    @property
    def directory(self) -> Path:
        """The state directory."""
        return Path(self.state_dir).expanduser() if self.state_dir else default_state_dir()


class Security(Section):
    """What this server may be made to reach."""

    allow_networks: tuple[str, ...] = ()
    """Private networks that pictures, callbacks and stream targets may reach, e.g. ["127.0.0.0/8"]."""
    ca_file: str = ""
    """Certificates (PEM) trusted besides the system's own, for rtmps and https."""

    @field_validator("allow_networks")
    @classmethod
    def _networks(cls, networks: tuple[str, ...]) -> tuple[str, ...]:
        for network in networks:
            ipaddress.ip_network(network)
        return networks


class Fonts(Section):
    """Letters."""

    dir: str = ""
    """Searched before the system's fonts."""


class Limits(Section):
    """Rates, quotas and sizes of the contract (operations.md 0.3 and 2)."""

    rates: dict[str, str] = {}
    """Operation -> rate such as "10/second", over the built-in ones; "*" caps every account as a whole."""
    tasks_per_account: Annotated[int, Field(ge=0)] = 20
    live_relays_per_app: Annotated[int, Field(ge=0)] = 200
    live_mixes_per_app: Annotated[int, Field(ge=0)] = 40
    relays_per_domain: Annotated[int, Field(ge=0)] = 0
    """Unfinished relays to one ingest domain; 0: any number."""
    mixes_per_domain: Annotated[int, Field(ge=0)] = 0
    """Unfinished mixes to one ingest domain; 0: any number."""
    users_per_channel: Annotated[int, Field(ge=0)] = 0
    """Users in one channel; 0: any number."""
    players_per_task: Annotated[int, Field(ge=0)] = 50
    """Players that may watch one task at the same time; 0: any number."""
    connections_per_address: Annotated[int, Field(ge=0)] = 256
    """HTTP connections that one address (of IPv6: one /64) may hold open; 0: any number. Not counted: this machine."""
    max_load: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Part of the machine's cores up to which new tasks are taken, such as 0.9; 0: however busy it is."""
    idle_s: Annotated[int, Field(ge=1)] = 120
    """How long a task goes on after the last participant left."""
    waiting_days: Annotated[float, Field(gt=0)] = 30.0
    finished_kept_h: Annotated[float, Field(gt=0)] = 24.0
    url_cooling_s: Annotated[float, Field(ge=0)] = 10.0
    push_attempts: Annotated[int, Field(ge=1)] = 10
    """A target is given up after so many failed attempts ..."""
    push_attempts_s: Annotated[float, Field(ge=0)] = 60.0
    """... over at least this long."""
    push_refusals: Annotated[int, Field(ge=1)] = 3
    """A target that refuses (name, key) is given up after so many attempts."""
    push_for_ever: bool = False
    """Never give a target up."""
    token_days: Annotated[float, Field(gt=0)] = 7.0
    """How far ahead a join token may expire."""


class AccessKey(Section):
    """Who may call the API."""

    id: Annotated[str, Field(min_length=1, max_length=128)]
    secret: SecretStr
    active: bool = True


class App(Section):
    """One application: the owner of channels and tasks."""

    id: str
    key: SecretStr
    """AppKey: join tokens are made with it."""
    previous_key: SecretStr = SecretStr("")
    """Still accepted while clients change over to `key`."""
    callback_secret: SecretStr = SecretStr("")
    role_check: bool = False
    enabled: bool = True

    @field_validator("id")
    @classmethod
    def _id(cls, text: str) -> str:
        if not is_name(text):
            raise ValueError("must be 1 to 64 of A-Z a-z 0-9 _ -")
        return text


class Account(Section):
    """The owner of access keys and apps; quotas and rates are counted per account."""

    name: Annotated[str, Field(min_length=1, max_length=64)]
    access_keys: tuple[AccessKey, ...] = ()
    apps: tuple[App, ...] = ()


class Config(BaseSettings):
    """All settings of one server."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        env_prefix="OPENMPU_",
        env_nested_delimiter="__",
        nested_model_default_partial_update=True,
    )

    server: Server = Server()
    media: Media = Media()
    storage: Storage = Storage()
    security: Security = Security()
    fonts: Fonts = Fonts()
    limits: Limits = Limits()
    accounts: tuple[Account, ...] = ()

    @model_validator(mode="after")
    def _unique(self) -> Self:
        for what, names in (
            ("accounts.name", [account.name for account in self.accounts]),
            ("accounts.access_keys.id", [key.id for account in self.accounts for key in account.access_keys]),
            ("accounts.apps.id", [app.id for account in self.accounts for app in account.apps]),
        ):
            twice = {name for name in names if names.count(name) > 1}
            if twice:
                raise ValueError(f"{what} is given twice: {', '.join(sorted(twice))}")
        return self


def load(path: Path | None) -> Config:
    """The settings of `path` (None: no file) under the environment's.

    Raises:
        Invalid: The file cannot be read, or a setting is wrong; the message names file and setting.
    """

    class FromFile(Config):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the signature is pydantic's
            file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            toml = (TomlConfigSettingsSource(settings_cls, path),) if path else ()
            return init_settings, env_settings, *toml

    where = str(path) if path else "environment"
    if path and not path.is_file():
        raise Invalid("config", f"{where}: no such file")
    try:
        return FromFile()
    except ValidationError as error:
        raise Invalid("config", f"{where}: {_first_fault(error)}") from None
    except (ValueError, OSError) as error:
        raise Invalid("config", f"{where}: {error}") from None


def _first_fault(error: ValidationError) -> str:
    """Name and reason of the first wrong setting; never its value, which may be a secret."""
    fault: Any = error.errors(include_input=False, include_url=False)[0]
    name = ".".join(str(part) for part in fault["loc"]) or "settings"
    reason = "no such setting" if fault["type"] == "extra_forbidden" else fault["msg"].removeprefix("Value error, ")
    return f"{name}: {reason}"


def split_address(text: str) -> tuple[str, int]:
    """Host and port of `host:port` or `[v6]:port`.

    Raises:
        ValueError: It is not of that form.
    """
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise ValueError("must be host:port")
    return host.strip("[]"), int(port)


def default_state_dir() -> Path:
    """$XDG_STATE_HOME/openmpu, else ~/.local/state/openmpu (XDG Base Directory Specification)."""
    base = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(base).expanduser() / "openmpu"


def find_config_file(given: Path | None) -> Path | None:
    """`given`, else ./openmpu.toml, else the state directory's own; None where there is none of them."""
    candidates = [given] if given else [Path(FILE_NAME), default_state_dir() / FILE_NAME]
    return next((path for path in candidates if path and (path is given or path.is_file())), None)
