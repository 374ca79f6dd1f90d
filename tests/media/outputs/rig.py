"""Running outputs for tests: start, wait for a condition, end; and servers that go wrong in a chosen way."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from openmpu.clients.receive import Receiver
from openmpu.media.outputs.connection import Surroundings
from openmpu.media.outputs.output import RtmpOutput
from openmpu.media.outputs.report import OutputReport, OutputState
from openmpu.media.outputs.settings import OutputSettings
from openmpu.model.urls import IngestUrl
from openmpu.wire.rtmp.handshake import NOISE_SIZE
from openmpu.wire.rtmp.messages import Tag
from openmpu.wire.rtmp.server import ServerConnection, ServerState
from tests.media.outputs.media import Studio, stream

KEY = "k3y-of-the-customer"


def program(name: str) -> str:
    """The path of a program that a test needs."""
    path = shutil.which(name)
    if path is None:
        missing(f"{name} is not installed")
    return str(path)


def missing(reason: str) -> None:
    """Something that the test needs is not there: with CI=true that is a failure."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


async def until(condition: Callable[[], object], within_s: float = 10.0) -> float:
    """Wait for the condition; how many seconds that took."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > within_s:
            raise AssertionError(f"not within {within_s} s")
        await asyncio.sleep(0.01)
    return time.monotonic() - began


@dataclass
class Run:
    """One output at work, and everything that it told."""

    output: RtmpOutput
    job: asyncio.Task[None]
    told: list[OutputReport]

    @property
    def report(self) -> OutputReport:
        return self.output.report()

    @property
    def states(self) -> list[OutputState]:
        """Without repetitions."""
        states = [OutputState.CONNECTING, *(report.state for report in self.told)]
        return [state for place, state in enumerate(states) if not place or states[place - 1] != state]

    async def pushing(self, within_s: float = 10.0) -> float:
        return await until(lambda: self.report.state is OutputState.PUSHING, within_s)

    async def failed(self, within_s: float = 10.0) -> OutputReport:
        """The report of the first failure."""
        await until(lambda: any(report.last_error for report in self.told), within_s)
        return next(report for report in self.told if report.last_error)


@asynccontextmanager
async def running(
    url: str, studio: Studio, settings: OutputSettings | None = None, form=None, **surroundings
) -> AsyncIterator[Run]:
    """An output that pushes to `url` what the studio plays."""
    told: list[OutputReport] = []
    output = RtmpOutput(
        IngestUrl.parse(url),
        form or stream(video=studio.with_video, audio=studio.with_audio),
        Surroundings(**({"allowed": lambda _address: True} | surroundings)),
        need_key_frame=studio.need_key_frame,
        on_change=told.append,
        settings=settings,
    )
    studio.outputs.append(output)
    job = asyncio.create_task(output.run())
    try:
        yield Run(output, job, told)
    finally:
        studio.outputs.remove(output)
        job.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await job


@asynccontextmanager
async def playing(**options) -> AsyncIterator[Studio]:
    """A studio that plays."""
    studio = Studio(**options)
    job = asyncio.create_task(studio.run())
    try:
        yield studio
    finally:
        job.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await job


@asynccontextmanager
async def receiving(url: str = "rtmp://127.0.0.1:0/live/x", save: Path | None = None, **options):
    """A receiver that keeps its tags in `tags`, with the time of their arrival."""
    tags: list[tuple[Tag, int]] = []
    receiver = Receiver(url, save, on_tag=lambda tag, at: tags.append((tag, at)), **options)
    await receiver.start()
    try:
        yield receiver, tags
    finally:
        await receiver.stop()


WITHHELD = {"handshake": b"", "connect": b"\x00\x07connect", "publish": b"\x00\x07publish", "media": b"never"}
"""After these bytes of the publisher a spoilt server says nothing any more."""


@dataclass
class Spoilt(asyncio.Protocol):
    """A server that does not answer at `stage`; at `media` it takes the publish and `read` bytes, then reads no more."""

    stage: str
    read: int = 0
    home: list[Spoilt] = field(default_factory=list)
    got: bytes = b""
    froze_at: float = 0.0

    def connection_made(self, transport):
        self.transport = transport
        self.home.append(self)
        self.server = ServerConnection(lambda _app, _stream: None, bytes(NOISE_SIZE))

    def data_received(self, data):
        self.got += data
        self.server.receive_data(data)
        if WITHHELD[self.stage] not in self.got:
            self.transport.write(self.server.data_to_send())
        if self.server.state is ServerState.PUBLISHING and len(self.got) > self.read and not self.froze_at:
            self.froze_at = time.monotonic()
            self.transport.pause_reading()


@asynccontextmanager
async def spoilt(stage: str, read: int = 0):
    """A server that says nothing from `stage` on: its URL, and its connections."""
    home: list[Spoilt] = []
    server = await asyncio.get_running_loop().create_server(lambda: Spoilt(stage, read, home), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"rtmp://127.0.0.1:{port}/live/{KEY}", home
    finally:
        server.close()
        for one in home:
            one.transport.abort()
        await server.wait_closed()


class Nginx:
    """nginx with its RTMP module: application `live`, `closed` (refuses every publish), recordings in `folder`."""

    MODULE = Path("/usr/lib/nginx/modules/ngx_rtmp_module.so")

    def __init__(self, folder: Path) -> None:
        self._program = program("nginx")
        if not self.MODULE.exists():
            missing("the RTMP module of nginx (libnginx-mod-rtmp) is not installed")
        self.folder, self.port = folder, free_port()
        self._process: subprocess.Popen[bytes] | None = None
        (folder / "nginx.conf").write_text(self._settings())

    @property
    def url(self) -> str:
        return f"rtmp://127.0.0.1:{self.port}/live/{KEY}?sign=s3cret"

    @property
    def recordings(self) -> list[Path]:
        """What was published, in order."""
        return sorted(self.folder.glob("*.flv"), key=lambda path: path.stat().st_mtime)

    async def start(self) -> None:
        self._process = spawn(self._program, "-p", str(self.folder), "-c", str(self.folder / "nginx.conf"))
        await until(lambda: is_open(self.port))

    def kill(self, number: int = signal.SIGKILL) -> None:
        if self._process:
            self._process.send_signal(number)
            if number == signal.SIGKILL:
                self._process.wait()
                self._process = None

    def _settings(self) -> str:
        record = f"record all; record_path {self.folder}; record_unique on; record_suffix .flv;"
        return f"""
            load_module {self.MODULE};
            daemon off; master_process off; pid {self.folder}/pid; error_log {self.folder}/error.log info;
            events {{ worker_connections 64; }}
            rtmp {{ access_log off; server {{
                listen 127.0.0.1:{self.port};
                application live {{ live on; {record} }}
                application closed {{ live on; deny publish all; }}
            }} }}
        """


def spawn(*command: str, stderr: int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
    """A process whose end is the caller's business."""
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=stderr)


def free_port() -> int:
    """A port that the system just found free."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def is_open(port: int) -> bool:
    """Whether somebody listens there."""
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


def certificate(folder: Path, name: str) -> tuple[Path, ssl.SSLContext]:
    """A certificate for `name` (a host name or an address): its file, and the settings of a server that has it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([_san(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    cert_file, key_file = folder / f"{name}.crt", folder / f"{name}.key"
    cert_file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    key_file.write_bytes(key.private_bytes(*plain))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert_file, key_file)
    return cert_file, context


def _san(name: str) -> x509.GeneralName:
    with contextlib.suppress(ValueError):
        return x509.IPAddress(ip_address(name))
    return x509.DNSName(name)
