"""Which slots are heard elsewhere too: a pair that looks at several equipments has copies of the points it names."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Rows = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Copies:
    """`starts[slot]` … `starts[slot + 1]` is where the copies of a slot are found in `slots`."""

    starts: Ints
    slots: Rows

    @classmethod
    def laid_out(cls, originals: Sequence[int], *, first: int, slots: int) -> "Copies":
        """`originals` are the slots of which `first`, `first + 1`, … are the copies; `slots` is how many there are."""
        of = np.array(originals, np.int64)
        order = np.argsort(of, kind="stable")
        starts = np.searchsorted(of[order], np.arange(slots + 1))
        return cls(starts.astype(np.int64), (first + order).astype(np.int32))

    @property
    def are_of(self) -> npt.NDArray[np.bool_]:
        """The slots that have some."""
        has_some: npt.NDArray[np.bool_] = self.starts[1:] > self.starts[:-1]
        return has_some

    def of(self, slots: Rows) -> tuple[Ints, Rows]:
        """All copies of these slots, in their order, and for each the place of its slot among these."""
        starts = self.starts[slots]
        counts = self.starts[slots + 1] - starts
        places = np.repeat(np.arange(len(slots)), counts)
        within = np.arange(len(places)) - np.repeat(np.cumsum(counts) - counts, counts)
        return places, self.slots[np.repeat(starts, counts) + within]
