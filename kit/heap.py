"""The heap of a process that first builds a lot and then serves for months."""

import ctypes
import gc
from collections.abc import Iterator
from contextlib import contextmanager

# Objects made since the last look; Python's own 700 is for programs that live for seconds.
YOUNG_OBJECTS = 25_000

# glibc gives every thread an arena of its own, up to 8 a core, and each keeps what its thread once needed. Two hold the
# hub's some twenty threads, most of which wait. (MALLOC_ARENA_MAX=2 saved 60 MB of 514 in a run of the line bench.)
ARENAS = 2
_M_ARENA_MAX = -8


def share_arenas() -> bool:
    """Lets all threads share a few arenas of memory; call it before they start. False where libc cannot (not glibc)."""
    try:
        return bool(ctypes.CDLL(None).mallopt(_M_ARENA_MAX, ARENAS))
    except (AttributeError, OSError):
        return False


@contextmanager
def settled_heap() -> Iterator[None]:
    """Enter it once everything is built: what there is stays, and is not looked through again and again.

    A full collection of a hub takes some 100 ms, in which nothing else happens: seen as a late alarm.
    """
    usual = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 20, 20)
    try:
        yield
    finally:
        gc.set_threshold(*usual)
        gc.unfreeze()  # else libraries report at exit what they could not clear away
