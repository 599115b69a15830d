"""Opaque, time-ordered identifiers: UUID version 7 (RFC 9562), so that B-tree inserts stay at the right edge."""

import os
import time
from uuid import UUID


def new_id() -> UUID:
    unix_ms = time.time_ns() // 1_000_000
    tail = int.from_bytes(os.urandom(10), "big")
    value = (unix_ms & (1 << 48) - 1) << 80 | tail
    value = value & ~(0xF << 76) | 0x7 << 76  # version
    value = value & ~(0x3 << 62) | 0x2 << 62  # variant
    return UUID(int=value)
