"""Hands findings to a job: the process of models knows no rooms that hear of alarms, and waits for none of them."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from procrastinate import App
from sqlalchemy.ext.asyncio import AsyncSession

from kit.jobs import DELIVERY_RETRY, JobKind, defer
from predictive.predictions.finding import Finding
from predictive.streaming.books import Taking

TAKE_JOB: Final = "predictive.take_findings"


class Handing:
    """Takes findings, for the job to take them."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def take(self, session: AsyncSession, findings: Sequence[Finding]) -> None:
        await defer(session, self._app, TAKE_JOB, findings=msgspec.to_builtins(list(findings)))


class Taken:
    """The job: in a process that knows who hears of what."""

    def __init__(self, taking: Taking) -> None:
        self._taking = taking

    def jobs(self) -> tuple[JobKind, ...]:
        return (JobKind(TAKE_JOB, self.take, retry=DELIVERY_RETRY),)

    async def take(self, session: AsyncSession, *, findings: list[dict[str, Any]]) -> None:
        await self._taking.take(session, msgspec.convert(findings, list[Finding]))
