"""What a finding says survives its way through a job."""

import contextlib
from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from kit.db import Database
from kit.ids import new_id
from kit.jobs import new_app
from predictive.predictions.finding import Finding, Method, PointEvidence
from predictive.streaming.handing import TAKE_JOB, Handing, Taken

FINDING = Finding(
    site_id=new_id(), equipment_id=new_id(), method=Method.DETECTORS, mode="unusual", at_ms=1_795_392_060_000,
    since_ms=1_795_392_000_000, confidence=0.4, score=1.7, model_id=new_id(),
    points=(PointEvidence(point_key="speed", share=0.8, value=3.1, usual=None, since_ms=1_795_392_000_000),),
)  # fmt: skip


class Heard:
    def __init__(self) -> None:
        self.findings: list[Finding] = []

    async def take(self, session: AsyncSession, findings: Sequence[Finding]) -> None:
        self.findings += findings


async def test_what_is_handed_on_arrives_as_it_was_and_only_with_its_transaction(database: Database) -> None:
    heard = Heard()
    async with new_app(database.url).open_async() as app:
        with contextlib.suppress(ZeroDivisionError):
            async with database.transaction() as session:
                await Handing(app).take(session, [FINDING])
                raise ZeroDivisionError
        async with database.transaction() as session:
            await Handing(app).take(session, [FINDING])
    async with database.transaction() as session:
        query = text("SELECT args FROM procrastinate_jobs WHERE task_name = :name")
        [arguments] = await session.scalars(query, {"name": TAKE_JOB})
        await Taken(heard).take(session, **arguments)
    assert heard.findings == [FINDING]
