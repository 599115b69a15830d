"""The room on real jobs: events travel as procrastinate jobs, sweeps come by themselves."""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path

from kit.db import Database
from kit.events import JobOutbox, RecordingOutbox
from kit.jobs import JobRunner, new_app
from tests.ticketing.town import NOON, Town, settled, staff_up
from ticketing.kinds import TaskKind

LIVENESS_S = 60.0


async def test_an_alarm_reaches_guard_and_contractor_and_a_late_task_the_manager(
    database_url: str, tmp_path: Path
) -> None:
    async with Database(database_url) as database:
        outbox = RecordingOutbox()
        database.use_outbox(outbox)
        async with settled(database, outbox, tmp_path) as town:
            await staff_up(town)
            app = new_app(database_url)
            database.use_outbox(JobOutbox(app, town.subscriptions()))
            runner = JobRunner(app, database, subscriptions=town.subscriptions(), sweeps=town.room.sweeps.all())
            async with app.open_async(), runner.running():
                await town.trap_passenger(deliver=False)
                await told(town, "guard", "staff.task")
                await told(town, "contractor", "staff.assigned")

                town.clock.advance(seconds=400)
                await told(town, "manager", "staff.escalation")
                # The order's own targets are late, too, and may be told before the task's.
                await escalated(town, TaskKind.REASSURE, since=NOON + timedelta(minutes=5))


async def told(town: Town, who: str, template: str) -> None:
    async with asyncio.timeout(LIVENESS_S):
        while template not in await town.told(who):
            await asyncio.sleep(0.1)


async def escalated(town: Town, kind: TaskKind, *, since: datetime) -> None:
    order = await town.only_order()
    async with asyncio.timeout(LIVENESS_S):
        while (at := (await town.tasks(order.id))[kind].escalated_at) is None:
            await asyncio.sleep(0.1)
    assert at >= since
