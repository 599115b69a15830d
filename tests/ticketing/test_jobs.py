"""The room on real jobs: events travel as procrastinate jobs, sweeps come by themselves."""

import asyncio
from datetime import timedelta
from pathlib import Path

from kit.db import Database
from kit.events import JobOutbox, RecordingOutbox
from kit.jobs import JobRunner, new_app
from tests.ticketing.town import NOON, Town, settled, staff_up
from ticketing.kinds import TaskKind
from ticketing.models import WorkOrderTask

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
            late = (await town.tasks((await town.only_order()).id))[TaskKind.REASSURE]
            assert is_escalated_after(late, timedelta(minutes=5))


async def told(town: Town, who: str, template: str) -> None:
    async with asyncio.timeout(LIVENESS_S):
        while template not in await town.told(who):
            await asyncio.sleep(0.1)


def is_escalated_after(task: WorkOrderTask, wait: timedelta) -> bool:
    return task.escalated_at is not None and task.escalated_at >= NOON + wait
