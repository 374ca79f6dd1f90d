"""A receiver of relay events that checks their signature (manual: callbacks).

python examples/callback_receiver.py 9000 CALLBACK_SECRET
openmpu call CreateRtcMPUEventSub CallbackUrl=http://127.0.0.1:9000/events
"""

from __future__ import annotations

import hashlib
import hmac
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECRET = sys.argv[2].encode() if len(sys.argv) > 2 else b""


class Receiver(BaseHTTPRequestHandler):
    """Prints what is told; 200 says that it was taken, anything else makes the server try again."""

    def do_POST(self) -> None:
        """One event."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        genuine = not SECRET or self._is_genuine(body)
        self.send_response(200 if genuine else 403)
        self.end_headers()
        if genuine:
            event = json.loads(body)
            print(event["TaskId"], event["EventType"], event["Payload"])

    def _is_genuine(self, body: bytes) -> bool:
        """`DingRTC-Signature: AppId.Seconds.HMAC-SHA256(secret, body + seconds)`."""
        _, seconds, signature = self.headers.get("DingRTC-Signature", "..").split(".")
        expected = hmac.new(SECRET, body + seconds.encode(), hashlib.sha256).hexdigest()
        return hmac.compare_digest(signature, expected)


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver).serve_forever()
