"""How much memory something takes, counted by ``tracemalloc``."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable


def taken(make: Callable[[], object]) -> int:
    """Return the bytes that what is made takes, beside what the first of its kind leaves in caches."""
    make()
    gc.collect()
    tracemalloc.start()
    kept = make()
    gc.collect()
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del kept
    return size


def peak(act: Callable[[], object]) -> int:
    """Return the bytes that are taken at most at any time while something is done."""
    gc.collect()
    tracemalloc.start()
    act()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most
