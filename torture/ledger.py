"""The publisher's log: what it sent and what the broker acknowledged, as files that outlive every process.

Two files of lines. A line is one `write` on a descriptor opened for appending, so a killed publisher leaves whole
lines: `sent.log` is written before a message leaves, `acknowledged.log` after its PUBACK.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Self


class Kind(StrEnum):
    READING = "reading"
    SMOKE = "smoke"  # an episode begins at this reading's time
    CLEAR = "clear"
    MALFORMED = "malformed"


@dataclass(frozen=True)
class Sent:
    """One message. `seq` is unique in the ledger; a device's `ts_ms` are, too."""

    seq: int
    kind: Kind
    device: str
    ts_ms: int
    value: float

    def line(self) -> bytes:
        return f"{self.seq} {self.kind.value} {self.device} {self.ts_ms} {self.value}\n".encode()

    @classmethod
    def of(cls, line: str) -> Self:
        seq, kind, device, ts_ms, value = line.split()
        return cls(int(seq), Kind(kind), device, int(ts_ms), float(value))


@dataclass(frozen=True)
class Account:
    """All that was ever sent, by seq, and which of it was acknowledged."""

    sent: dict[int, Sent]
    acknowledged: frozenset[int]

    def of_kind(self, kind: Kind, *, acknowledged: bool = False) -> Iterator[Sent]:
        for seq, message in self.sent.items():
            if message.kind is kind and (not acknowledged or seq in self.acknowledged):
                yield message


class Ledger:
    """`with Ledger(folder) as ledger` appends; `read(folder)` tells the whole of it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._sent = self._acknowledged = -1

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        self._sent = os.open(self._folder / "sent.log", flags, 0o600)
        self._acknowledged = os.open(self._folder / "acknowledged.log", flags, 0o600)
        return self

    def __exit__(self, *exc: object) -> None:
        os.close(self._sent)
        os.close(self._acknowledged)

    def send(self, message: Sent) -> None:
        os.write(self._sent, message.line())

    def acknowledge(self, seq: int) -> None:
        os.write(self._acknowledged, b"%d\n" % seq)


def read(folder: Path) -> Account:
    """The ledger as it is now; empty before the first publisher."""
    sent = [Sent.of(line) for line in _lines(folder / "sent.log")]
    acknowledged = frozenset(int(line) for line in _lines(folder / "acknowledged.log"))
    return Account({message.seq: message for message in sent}, acknowledged)


def _lines(path: Path) -> list[str]:
    return path.read_text("ascii").splitlines() if path.exists() else []
