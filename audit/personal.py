"""What the audit holds of somebody. Its chain stays whole."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from audit.erasing import AuditEraser
from kit.personal import Holding, KeepingDuty, Subject


class AuditHolder:
    """Shown to nobody but auditors: records are about what others did, too."""

    name = "audit"
    kinds = frozenset({"origins"})

    def __init__(self, eraser: AuditEraser) -> None:
        self._eraser = eraser

    async def export(self, session: AsyncSession, subject: Subject) -> Holding:
        return Holding({})

    async def duties(self, session: AsyncSession, subject: Subject) -> Sequence[KeepingDuty]:
        return ()

    async def erase(self, session: AsyncSession, subject: Subject) -> Mapping[str, int]:
        return {"audit_detail": await self._eraser.erase_person(session, subject.person_id)}

    async def forget(self, session: AsyncSession, kind: str, *, before: datetime, limit: int) -> int:
        """From where people acted."""
        return await self._eraser.forget_origins(session, before=before, limit=limit)
