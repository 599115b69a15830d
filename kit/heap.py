"""The garbage collector of a process that first builds a lot and then serves for months."""

import gc

# Objects made since the last look; Python's own 700 is for programs that live for seconds.
YOUNG_OBJECTS = 25_000


def settle_heap() -> None:
    """Call it once everything is built: what there is stays, and is not looked through again and again.

    A full collection of a hub takes some 100 ms, in which nothing else happens: seen as a late alarm.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 20, 20)
