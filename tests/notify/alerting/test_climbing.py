"""How telling goes on when an alarm comes again, gets better or worse, is somebody's, or is one of many."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from alarms.attending import AlarmAttending
from alarms.events import AlarmGroupGrew
from alarms.flood.group import GroupKind
from alarms.reminding import AskingPolicy
from building.severity import Severity
from catalog.directory import LiveDirectory
from catalog.loader import load_directory
from kit.access import Scope
from kit.clock import to_ms
from kit.ids import new_id
from notify.alerting.reason import Reason
from tests.notify.alerting.watch import NOON, Watch

LEVELS = {Severity.CRITICAL: "door-slow#critical", Severity.MINOR: "door-slow#minor"}


async def run(watch: Watch, statement: str, **values: Any) -> None:
    async with watch.database.transaction() as session:
        await session.execute(text(statement), values)


async def attending(watch: Watch) -> AlarmAttending:
    """Where acknowledged alarms that last ask again after an hour."""
    async with watch.database.transaction() as session:
        directory = LiveDirectory(await load_directory(session))
    policy = AskingPolicy(remind={}, realarm=dict.fromkeys(Severity, timedelta(hours=1)), times=3)
    return AlarmAttending(directory, watch.site.people, watch.clock, policy)


async def ask_again(watch: Watch) -> None:
    watch.clock.advance(seconds=3601)
    asking = await attending(watch)
    async with watch.database.transaction() as session:
        await asking.remind(session)
    await watch.hear()


async def told(watch: Watch) -> list[str]:
    return [who for who, _, _ in await watch.told()]


async def test_an_acknowledgement_heard_late_does_not_end_what_was_raised_since(watch: Watch) -> None:
    await watch.detect()
    await watch.later(seconds=25)
    await watch.acknowledge()
    late, watch.outbox.events = watch.outbox.events, []
    await watch.detect(onset_ms=to_ms(watch.clock.now()))
    watch.outbox.events = late
    await watch.hear()
    await watch.later(minutes=11)
    assert await told(watch) == ["engineer", "manager"]
    await watch.acknowledge()
    await watch.hear()
    await watch.later(hours=5)
    assert len(await told(watch)) == 2


async def test_what_comes_and_goes_unanswered_climbs_on_and_begins_anew_once_it_was_answered(watch: Watch) -> None:
    onset_ms = to_ms(NOON)
    await watch.detect()
    await watch.later(seconds=25)
    for _ in range(3):
        await watch.later(minutes=3)
        await watch.detect(active=False, onset_ms=onset_ms)
        onset_ms = to_ms(watch.clock.now())
        await watch.detect(onset_ms=onset_ms)
    await watch.later(minutes=2)
    assert await told(watch) == ["engineer", "manager"]
    assert Reason.CAME_AGAIN in await watch.reasons()
    await watch.acknowledge()
    await watch.hear()
    await watch.later(minutes=1)
    await watch.detect(onset_ms=to_ms(watch.clock.now()))
    await watch.later(seconds=25)
    assert await told(watch) == ["engineer", "manager", "engineer"]


async def test_what_got_better_and_lasts_asks_again_as_what_it_is_now(watch: Watch) -> None:
    for severity, source_id in LEVELS.items():
        await watch.detect(severity=severity, source_id=source_id)
    await watch.later(seconds=25)
    await watch.detect(severity=Severity.CRITICAL, source_id=LEVELS[Severity.CRITICAL], active=False)
    await watch.acknowledge()
    await watch.hear()
    assert await watch.told() == [("engineer", "wecom", "urgent")]
    await ask_again(watch)
    await watch.later(seconds=25)
    assert (await watch.told())[1:] == [("engineer", "wecom", "ordinary")]
    # The only step there is was told; somebody knows, and it lasts still.
    await watch.acknowledge()
    await watch.hear()
    await ask_again(watch)
    await watch.later(seconds=25)
    assert (await watch.told())[2:] == [("engineer", "wecom", "ordinary")]


async def test_whose_alarm_it_is_hears_of_it_and_is_told_first(watch: Watch) -> None:
    await watch.detect()
    asking, alarm_id = await attending(watch), await watch.alarm_id()
    async with watch.database.transaction() as session:
        await asking.assign(
            session, Scope.everywhere(), alarm_id, assignee=watch.people["guard"], actor=watch.people["manager"],
            note="",
        )  # fmt: skip
    await watch.hear()
    assert await told(watch) == ["guard"]
    await watch.later(seconds=25)
    assert await told(watch) == ["guard", "guard"]
    assert Reason.TOLD_ASSIGNED in await watch.reasons()
    await watch.later(minutes=11)
    assert await told(watch) == ["guard", "guard", "manager"]


async def test_a_telling_that_fails_keeps_no_other_back_and_is_tried_again(watch: Watch) -> None:
    await watch.detect()
    await watch.detect(lift="LIFT-51")
    first = "subject = (SELECT min(subject) FROM alert_case)"
    await run(watch, f"""UPDATE alert_case SET route = '{{"mode": "tell"}}' WHERE {first}""")
    await watch.later(seconds=25)
    assert await told(watch) == ["engineer"]
    await run(watch, "UPDATE alert_case SET route = (SELECT route FROM alert_case WHERE told = 1) WHERE told = 0")
    await watch.later(seconds=61)
    assert await told(watch) == ["engineer", "engineer"]


async def grow(watch: Watch, group_id: UUID, *, telling: int, severity: Severity = Severity.CRITICAL) -> None:
    watch.outbox.events = [
        AlarmGroupGrew(
            site_id=watch.site.site_id, group_id=group_id, kind=GroupKind.AREA, root_id=None, building_id=None,
            equipment_kind="elevator", alarms=telling * 10, severity=severity, telling=telling,
        )
    ]  # fmt: skip
    await watch.hear()


async def test_a_group_that_nobody_answers_climbs_however_it_grows_until_somebody_does(watch: Watch) -> None:
    await watch.detect()
    group_id = new_id()
    await run(
        watch,
        "INSERT INTO alarm_group (id, site_id, kind, severity, severity_rank, alarms, told_alarms, told_rank, tellings,"
        " opened_at, last_at) SELECT :id, site_id, 'area', 'major', 1, 10, 10, 1, 1, now(), now() FROM alarm",
        id=group_id,
    )
    await run(watch, "UPDATE alarm SET group_id = :id", id=group_id)
    await grow(watch, group_id, telling=1, severity=Severity.MAJOR)
    await watch.later(seconds=25)
    await grow(watch, group_id, telling=2)  # worse: told anew as that
    await watch.later(seconds=25)
    assert await told(watch) == ["engineer", "engineer"]
    await watch.later(minutes=8)
    await grow(watch, group_id, telling=3)
    await watch.later(seconds=25)
    await watch.later(minutes=2)  # ten minutes after it was told first as critical
    assert await told(watch) == ["engineer", "engineer", "engineer", "manager"]
    async with watch.database.transaction() as session:
        [alarm_id] = (await session.execute(text("SELECT id FROM alarm"))).scalars()
        await watch.alarms.acknowledge(session, Scope.everywhere(), alarm_id, actor=watch.people["engineer"])
    await watch.hear()
    await watch.later(hours=1)
    assert len(await told(watch)) == 4
    assert (await watch.reasons())[-1] is Reason.ACKNOWLEDGED


async def test_a_digest_waits_for_somebody_to_read_it(watch: Watch) -> None:
    await run(watch, "DELETE FROM shift")
    await run(watch, "UPDATE role_grant SET site_id = NULL, role = 'owner'")
    await watch.detect(severity=Severity.WARNING)
    await watch.later(hours=6)
    assert (await told(watch), await watch.reasons()) == ([], [Reason.WAITS_DIGEST, Reason.NOBODY_FOUND])
    await run(watch, "UPDATE role_grant SET site_id = :site, role = 'manager'", site=watch.site.site_id)
    await watch.later(hours=1, minutes=1)
    assert await told(watch) == ["manager"]


async def test_a_matter_of_life_that_comes_again_is_told_at_once_to_whoever_was_told_last_and_climbs_on(
    watch: Watch,
) -> None:
    leaning: dict[str, Any] = {"life_safety": True, "fault_mode": "leaning", "source_id": "leaning"}
    await watch.detect(**leaning)
    await watch.later(minutes=1)
    await watch.detect(active=False, **leaning)
    assert await told(watch) == ["guard"]
    await watch.detect(onset_ms=to_ms(watch.clock.now()), **leaning)
    assert await told(watch) == ["guard", "guard"]
    await watch.later(minutes=2)  # three minutes after it was told first
    assert await told(watch) == ["guard", "guard", "manager"]


async def test_what_was_told_to_the_end_and_put_away_is_told_anew_when_it_is_back(watch: Watch) -> None:
    await watch.detect(severity=Severity.MAJOR)
    await watch.later(seconds=25)
    await watch.later(minutes=31)
    assert (await told(watch), (await watch.reasons())[-1]) == (["engineer", "manager"], Reason.CHAIN_OVER)
    everywhere, alarm_id = Scope.everywhere(), await watch.alarm_id()
    async with watch.database.transaction() as session:
        await watch.alarms.shelve(
            session, everywhere, alarm_id, span=timedelta(hours=1), actor=watch.people["manager"], note="等备件"
        )
    await watch.later(hours=1, seconds=1)
    async with watch.database.transaction() as session:
        await watch.alarms.lift_suppression(session)
    await watch.hear()
    await watch.later(seconds=25)
    assert await told(watch) == ["engineer", "manager", "engineer"]
    assert Reason.REOPENED in await watch.reasons()
