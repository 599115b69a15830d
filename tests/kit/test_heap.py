"""After building, the collector leaves what was built alone."""

import gc
import subprocess
import sys

from kit.heap import ARENAS, YOUNG_OBJECTS, settled_heap


def test_what_was_built_is_not_looked_through_again_and_garbage_made_later_still_is() -> None:
    with settled_heap():
        assert gc.get_freeze_count() > 1_000
        assert gc.get_threshold()[0] == YOUNG_OBJECTS
        circle: list[object] = []
        circle.append(circle)
        del circle
        assert gc.collect() >= 1
    assert gc.get_freeze_count() == 0
    assert gc.get_threshold()[0] < YOUNG_OBJECTS


def test_many_threads_share_a_few_arenas() -> None:
    """Asked of a fresh process, since arenas are made with threads."""
    program = """
import ctypes, threading
from kit.heap import share_arenas
assert share_arenas()
meet = threading.Barrier(13)
def work():
    ctypes.CDLL(None).malloc(100)
    meet.wait()
threads = [threading.Thread(target=work) for _ in range(12)]
[t.start() for t in threads]
meet.wait()
[t.join() for t in threads]
ctypes.CDLL(None).malloc_stats()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr.count("Arena ") <= ARENAS
