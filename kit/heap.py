"""The heap of a process that first builds a lot and then serves for months."""

import ctypes
import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager

# Objects made since the last look; Python's own 700 is for programs that live for seconds.
YOUNG_OBJECTS = 25_000

# glibc gives every thread an arena of its own, up to 8 a core, and each keeps what its thread once needed. Two hold the
# hub's some twenty threads, most of which wait.
ARENAS = 2
# What is larger has pages of its own and gives them back when it is freed. By itself glibc raises this up to 32 MiB as
# large arrays come and go: then the arena of the thread that sorts millions of readings kept 74 MB of 80 for nothing.
OWN_PAGES_BYTES = 256 * 1024
# What is free at the end of an arena is given back from here on.
TRIM_BYTES = 4 * 1024 * 1024
# Arrow brings an allocator of its own, which keeps what a file once took to write: some 10 MB. It is asked for the C
# library's by this variable, unless the operator says otherwise.
ARROW_POOL, ARROW_POOL_OF_THE_SYSTEM = "ARROW_DEFAULT_MEMORY_POOL", "system"
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8


def thrifty_heap() -> bool:
    """Has the C library share arenas and give back what is free, and Arrow use it. False where it is not glibc.

    Before threads start, and before anything large is imported: garbage is looked for more rarely from here on, too,
    because as often as Python would by itself takes a quarter of a start.
    """
    gc.set_threshold(YOUNG_OBJECTS, 20, 20)
    wanted = {_M_ARENA_MAX: ARENAS, _M_MMAP_THRESHOLD: OWN_PAGES_BYTES, _M_TRIM_THRESHOLD: TRIM_BYTES}
    try:
        mallopt = ctypes.CDLL(None).mallopt
        done = [bool(mallopt(option, value)) for option, value in wanted.items()]
    except (AttributeError, OSError):
        return False
    os.environ.setdefault(ARROW_POOL, ARROW_POOL_OF_THE_SYSTEM)
    return all(done)


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
