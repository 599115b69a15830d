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
from kit.heap import thrifty_heap
assert thrifty_heap()
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


def test_large_arrays_of_a_thread_give_their_pages_back() -> None:
    """Of a process whose arrays came and went before, which is what makes glibc keep them."""
    program = """
import threading
import numpy as np
from kit.heap import thrifty_heap
assert thrifty_heap()
def resident_mb():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("RssAnon")) / 1024
def work():
    for _ in range(3):
        arrays = [np.ones(500_000) for _ in range(20)]
        kept.append(bytes(1_000))
        del arrays
kept = []
before = resident_mb()
thread = threading.Thread(target=work)
thread.start()
thread.join()
assert resident_mb() - before < 20, (before, resident_mb())
"""
    subprocess.run([sys.executable, "-c", program], timeout=60, check=True)


def test_arrow_takes_its_memory_from_the_same_heap() -> None:
    program = """
from kit.heap import thrifty_heap
thrifty_heap()
import pyarrow
assert pyarrow.default_memory_pool().backend_name == "system"
"""
    subprocess.run([sys.executable, "-c", program], timeout=60, check=True)
