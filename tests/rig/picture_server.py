"""Pictures by URL, from this machine: `/40-90-200.png` is a picture of that one colour."""

from __future__ import annotations

import io
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from PIL import Image

from openmpu.model.colours import Colour

_SIZE = 64, 64


class _Shelf(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        """One picture."""
        named = re.fullmatch(r"/(\d+)-(\d+)-(\d+)\.png", self.path)
        body = io.BytesIO()
        if named:
            red, green, blue = map(int, named.groups())
            Image.new("RGB", _SIZE, (red, green, blue)).save(body, "PNG")
        self.send_response(200 if named else 404)
        self.send_header("content-type", "image/png")
        self.send_header("content-length", str(len(body.getvalue())))
        self.end_headers()
        self.wfile.write(body.getvalue())

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


class Pictures:
    """What stands on the shelf."""

    def __init__(self, port: int) -> None:
        self._port = port

    def of(self, colour: Colour) -> str:
        """URL of a picture of one colour."""
        return f"http://127.0.0.1:{self._port}/{colour.red}-{colour.green}-{colour.blue}.png"


@contextmanager
def picture_server() -> Iterator[Pictures]:
    """One on a free port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Shelf)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield Pictures(server.server_port)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
