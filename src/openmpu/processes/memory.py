"""When Python looks for rings of dead objects: not while modules load, and not through what stays for ever.

Loading the server's modules is a quarter quicker without; and a look through all that was loaded stands still for some
50 ms, just when somebody waits for an answer.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def loading() -> Iterator[None]:
    """Import within; nothing that is made meanwhile is looked through."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def keep_what_is() -> None:
    """Everything that is there now stays for the life of the process: it is never looked through again."""
    gc.collect()
    gc.freeze()
