"""What Linux can tell and be told about a TCP socket; elsewhere less, and everything still works."""

from __future__ import annotations

import contextlib
import fcntl
import socket
import struct
import termios

_TCP_NOTSENT_LOWAT = 25
"""linux/tcp.h; the socket module of Python 3.11 does not name it everywhere."""
_BYTES_ACKED = 120
"""Offset of tcpi_bytes_acked, 64 bit, in struct tcp_info (linux/tcp.h, since Linux 4.1)."""
_KEEPALIVE_IDLE_S, _KEEPALIVE_INTERVAL_S, _KEEPALIVE_COUNT = 2, 1, 3


def set_up(sock: socket.socket, *, send_buffer: int, unsent: int, timeout_ms: int) -> None:
    """Small buffers, no delays, and an end of `timeout_ms` without an answer of the peer's TCP."""
    sock.setblocking(False)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    tcp = socket.IPPROTO_TCP
    sock.setsockopt(tcp, socket.TCP_NODELAY, 1)
    for option, value in (
        (_TCP_NOTSENT_LOWAT, unsent),
        (getattr(socket, "TCP_USER_TIMEOUT", None), timeout_ms),
        (getattr(socket, "TCP_KEEPIDLE", None), _KEEPALIVE_IDLE_S),
        (getattr(socket, "TCP_KEEPINTVL", None), _KEEPALIVE_INTERVAL_S),
        (getattr(socket, "TCP_KEEPCNT", None), _KEEPALIVE_COUNT),
    ):
        if option is not None:
            with contextlib.suppress(OSError):  # an old kernel or another system: a comfort less
                sock.setsockopt(tcp, option, value)


def unacknowledged(sock: socket.socket) -> int:
    """Bytes in the kernel that the peer's TCP has not acknowledged, sent or not; 0 where it cannot be told."""
    try:
        raw = fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, bytes(4))
    except (OSError, ValueError):  # ValueError: the transport has closed it already
        return 0
    return int(struct.unpack("i", raw)[0])


def acknowledged(sock: socket.socket) -> int | None:
    """Bytes that the peer's TCP has acknowledged since the beginning; None where it cannot be told."""
    try:
        info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _BYTES_ACKED + 8)
    except (OSError, AttributeError):  # AttributeError: another system has no TCP_INFO
        return None
    return int(struct.unpack_from("Q", info, _BYTES_ACKED)[0]) if len(info) >= _BYTES_ACKED + 8 else None
