"""What runs by itself: event handlers, deferred jobs, and one sweep a class of deadline."""

from collections.abc import Awaitable, Callable

from sqlalchemy.ext.asyncio import AsyncSession

from hub.drop_tally import DropTallies
from hub.rooms import Common, Rooms
from kit.events import Subscription
from kit.jobs import JobKind, JobRunner
from kit.sweeps import Sweep

EVERY_THREE_SECONDS = "* * * * * */3"
EVERY_TEN_SECONDS = "* * * * * */10"
HOURLY = "7 * * * *"


def job_runner(
    common: Common,
    rooms: Rooms,
    subscriptions: list[Subscription],
    *,
    publish_alarms: Callable[[AsyncSession], Awaitable[None]],
    tallies: DropTallies,
) -> JobRunner:
    return JobRunner(
        common.jobs, common.database, subscriptions=subscriptions, jobs=jobs(rooms),
        sweeps=[*sweeps(rooms, publish_alarms=publish_alarms), Sweep("hub.forget_drops", HOURLY, tallies.sweep)],
        registry=common.registry,
    )  # fmt: skip


def jobs(rooms: Rooms) -> list[JobKind]:
    return [
        rooms.notify.deliverer.job(), *rooms.alerting.jobs(), *rooms.owners.jobs(), *rooms.automation.jobs(),
        *rooms.linkage.jobs(), *rooms.rule_measures.jobs(), *rooms.predictive.jobs(),
    ]  # fmt: skip


def sweeps(rooms: Rooms, *, publish_alarms: Callable[[AsyncSession], Awaitable[None]]) -> list[Sweep]:
    return [
        Sweep("alarms.publish_pending", EVERY_THREE_SECONDS, publish_alarms),
        Sweep("alarms.lift_suppression", EVERY_TEN_SECONDS, rooms.alarms.service.lift_suppression),
        Sweep("alarms.end_tests", EVERY_TEN_SECONDS, rooms.alarms.tests.expire),
        Sweep("alarms.remind", EVERY_TEN_SECONDS, rooms.alarms.attending.remind),
        Sweep("alarms.end_maintenance", HOURLY, rooms.alarms.windows.expire),
        *rooms.alarms.tending.sweeps(),
        *rooms.audit.sweeps(),
        Sweep("kit.forget_answers", HOURLY, rooms.answers.sweep),
        *rooms.ticketing.sweeps.all(),
        *rooms.ticketing.work.sweeps(),
        *rooms.ticketing.approvals.service.sweeps(),
        *rooms.ticketing.feedback.sweeps(),
        *rooms.knowledge.editor.sweeps(),
        *rooms.notify.deliverer.sweeps(),
        *rooms.alerting.sweeps(),
        *rooms.owners.sweeps(),
        *rooms.automation.sweeps(),
        *rooms.linkage.sweeps(),
        *rooms.predictive.sweeps(),
        *rooms.insight.sweeps(),
        *rooms.rule_measures.sweeps(),
        *rooms.model_measures.sweeps(),
        *rooms.rule_versions.sweeps(),
        *rooms.privacy.service.sweeps(),
        Sweep("people.extend_shifts", HOURLY, rooms.people.rostering.extend),
        Sweep("people.forget_failures", HOURLY, rooms.people.throttle.sweep),
    ]
