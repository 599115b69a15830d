"""Puts the room together."""

from dataclasses import dataclass

from audit.erasing import AuditEraser
from audit.recording import RequestJournal, Whereabouts
from audit.sealing import Sealer
from kit.clock import Clock
from kit.sweeps import Sweep

EVERY_THREE_SECONDS = "* * * * * */3"
HOURLY = "11 * * * *"


@dataclass(frozen=True)
class Audit:
    """`journal` for the API, `eraser` for other rooms, the rest scheduled."""

    journal: RequestJournal
    eraser: AuditEraser
    sealer: Sealer

    def sweeps(self) -> list[Sweep]:
        return [
            Sweep("audit.seal", EVERY_THREE_SECONDS, self.sealer.seal),
            Sweep("audit.tell_head", HOURLY, self.sealer.tell_head),
        ]


def build_audit(clock: Clock, *, personal: frozenset[tuple[str, str]], whereabouts: Whereabouts) -> Audit:
    """`personal`: columns, as (table, column), of which only that they changed is written down."""
    return Audit(RequestJournal(clock, personal, whereabouts), AuditEraser(clock), Sealer(clock))
