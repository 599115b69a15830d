"""What a training has learnt so far, kept signed: a process that takes it up again goes on from there."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kit.access import Scope
from kit.logs import logger
from predictive.detectors.contract import Arrays, stacked
from predictive.training import runs_repository
from predictive.training.card import Format, Packed
from predictive.training.errors import ModelRefused, RefusalReason
from predictive.training.learning import Learnt
from predictive.training.models import TrainingPiece
from predictive.training.packing import pack_arrays, unpack_arrays
from predictive.training.signing import checksum, signed

log = logger(__name__)


@dataclass
class Sum:
    """All pieces of one subject put together. `next_number`: for the piece that comes."""

    equipment_ids: list[UUID] = field(default_factory=list)
    spans_ms: list[tuple[int, int]] = field(default_factory=list)
    models: list[Arrays] = field(default_factory=list)
    learning: dict[UUID, float] = field(default_factory=dict)
    failed: dict[UUID, str] = field(default_factory=dict)
    readings: int = 0
    took_s: float = 0.0
    peak_mb: int = 0
    next_number: int = 0

    @property
    def done(self) -> set[UUID]:
        return {*self.equipment_ids, *self.learning, *self.failed}

    def take(self, learnt: Learnt) -> None:
        self.equipment_ids += learnt.equipment_ids
        self.spans_ms += learnt.spans_ms
        if learnt.equipment_ids:
            self.models.append(learnt.model)
        self.learning |= learnt.learning
        self.failed |= learnt.failed
        self.readings += learnt.readings
        self.took_s += learnt.took_s
        self.peak_mb = max(self.peak_mb, learnt.peak_mb)
        self.next_number = max(self.next_number, learnt.number + 1)

    def model(self) -> Arrays:
        """Stacked in the order of `equipment_ids`; of at least one."""
        return stacked(self.models)


class Pieces:
    def __init__(self, *, secret: str) -> None:
        self._secret = secret

    async def keep(self, session: AsyncSession, learnt: Learnt, *, run_id: UUID, site_id: UUID) -> None:
        content = pack_arrays(learnt.model).content
        facts = {
            "equipment_ids": [str(one) for one in learnt.equipment_ids],
            "spans_ms": [list(span) for span in learnt.spans_ms],
            "learning": {str(one): days for one, days in learnt.learning.items()},
            "failed": {str(one): why for one, why in learnt.failed.items()},
            "readings": learnt.readings, "took_s": round(learnt.took_s, 3), "peak_mb": learnt.peak_mb,
        }  # fmt: skip
        claims = _claims(run_id, learnt.subject, learnt.number, facts, content)
        await runs_repository.add_piece(
            session,
            {
                "run_id": run_id, "subject": learnt.subject, "number": learnt.number, "site_id": site_id,
                "facts": facts, "signature": signed(claims, secret=self._secret), "content": content,
            },
        )  # fmt: skip

    async def so_far(self, session: AsyncSession, *, run_id: UUID, site_id: UUID, subject: str) -> Sum:
        """What is kept of a subject; a piece that was changed is thrown away with the others: it is learnt anew."""
        rows = await runs_repository.pieces(session, Scope.of(site_id), run_id, subject)
        try:
            return self._summed(rows)
        except ModelRefused as refused:
            log.warning("pieces of a training are thrown away", subject=subject, reason=refused.reason.value)
            await runs_repository.forget_pieces(session, run_id, subject)
            return Sum()

    def _summed(self, rows: Sequence[TrainingPiece]) -> Sum:
        whole = Sum()
        for row in rows:
            claims = _claims(row.run_id, row.subject, row.number, row.facts, row.content)
            if signed(claims, secret=self._secret) != row.signature:
                raise ModelRefused(RefusalReason.WRONG_SIGNATURE, f"piece {row.number} of {row.subject}")
            whole.take(_learnt(row))
        return whole


def _learnt(row: TrainingPiece) -> Learnt:
    facts = row.facts
    return Learnt(
        subject=row.subject, number=row.number,
        equipment_ids=tuple(UUID(one) for one in facts["equipment_ids"]),
        spans_ms=tuple((first, last) for first, last in facts["spans_ms"]),
        model=unpack_arrays(Packed(Format.ARRAYS, row.content)),
        learning={UUID(one): days for one, days in facts["learning"].items()},
        failed={UUID(one): why for one, why in facts["failed"].items()},
        readings=facts["readings"], took_s=facts["took_s"], peak_mb=facts["peak_mb"],
    )  # fmt: skip


def _claims(run_id: UUID, subject: str, number: int, facts: dict[str, Any], content: bytes) -> dict[str, Any]:
    return {
        "piece_of": str(run_id), "subject": subject, "number": number, "facts": facts, "sha256": checksum(content),
    }  # fmt: skip
