"""The full table of an alarm's life: every state × everything that can happen to it, of a nuisance and of life safety.

By the services and the ledger that do it, on PostgreSQL: the state after it, and the line of the history that says so.
`tests/alarms/test_lifecycle.py` has the bare states.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from itertools import product
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from alarms import repository
from alarms.attending import AlarmAttending, TakingOut
from alarms.lifecycle import AlarmState
from alarms.lockouts.service import LockoutService, NewLockout
from alarms.models import Alarm, Inhibition
from alarms.reminding import AskingPolicy
from alarms.settings import AlarmSettings
from alarms.testing.service import TestWindowService
from building.severity import Severity
from catalog.service import CatalogService
from kit.access import Scope
from kit.clock import FakeClock
from kit.db import Database
from kit.errors import DomainError
from people.models import Membership
from people.service import PeopleService
from tests.alarms.place import NOON, Place
from tests.alarms.test_service import somebody

ANYWHERE = Scope.everywhere()
N, U, A, R = AlarmState.NORMAL, AlarmState.UNACKED, AlarmState.ACKED, AlarmState.RTN_UNACKED
DAY = timedelta(days=1)

# By what happens, in the columns N, U, A, R: the state after it and the line of the history ("" none), or the refusal.
# Where life safety differs, a second row says how. "new" is another alarm, the first one is over.
NUISANCE, GRAVE = "nuisance", "life safety"
TABLE: dict[tuple[str, str], str] = {
    ("begins again", NUISANCE): "N new | U raised | U raised | U raised",
    ("grows worse", NUISANCE): "N new | U escalated | U escalated | U raised",
    ("goes away", NUISANCE): "N | R returned | N returned | R",
    ("goes away", GRAVE): "N | R returned | R returned | R",
    (
        "acknowledge",
        NUISANCE,
    ): "alarm_action_not_possible | A acknowledged | alarm_action_not_possible | N acknowledged",
    ("clear", NUISANCE): "alarm_action_not_possible | alarm_action_not_possible | N cleared | N cleared",
    ("clear", GRAVE): "alarm_action_not_possible | alarm_action_not_possible | alarm_still_present | N cleared",
    ("shelve", NUISANCE): "nothing_to_shelve | U shelved | A shelved | R shelved",
    ("shelve", GRAVE): "life_safety_not_shelved | life_safety_not_shelved | life_safety_not_shelved | "
    "life_safety_not_shelved",
    ("unshelve", NUISANCE): "alarm_not_shelved | alarm_not_shelved | alarm_not_shelved | alarm_not_shelved",
    ("shelve, unshelve", NUISANCE): "nothing_to_shelve | U unshelved | A unshelved | R unshelved",
    ("shelve, unshelve", GRAVE): "life_safety_not_shelved | life_safety_not_shelved | life_safety_not_shelved | "
    "life_safety_not_shelved",
    ("shelve, a day passes", NUISANCE): "nothing_to_shelve | U unshelved | A unshelved | R unshelved",
    ("shelve, a day passes", GRAVE): "life_safety_not_shelved | life_safety_not_shelved | life_safety_not_shelved | "
    "life_safety_not_shelved",
    ("out of service", NUISANCE): "N out_of_service | U out_of_service | A out_of_service | R out_of_service",
    ("out of service", GRAVE): "life_safety_not_shelved | life_safety_not_shelved | life_safety_not_shelved | "
    "life_safety_not_shelved",
    ("in service", NUISANCE): "alarm_in_service | alarm_in_service | alarm_in_service | alarm_in_service",
    ("out of service, in service", NUISANCE): "N in_service | U in_service | A in_service | R in_service",
    ("out of service, in service", GRAVE): "life_safety_not_shelved | life_safety_not_shelved | "
    "life_safety_not_shelved | life_safety_not_shelved",
    ("lock out", NUISANCE): "N | U locked_out | A locked_out | R locked_out",
    ("lock out", GRAVE): "N | U | A | R",
    ("lock out, take off", NUISANCE): "N | U locks_off | A locks_off | R locks_off",
    ("lock out, take off", GRAVE): "N | U | A | R",
    ("comment", NUISANCE): "N commented | U commented | A commented | R commented",
    ("assign", NUISANCE): "alarm_over | U assigned | A assigned | R assigned",
    ("nobody answers", NUISANCE): "N | U reminded | A | R reminded",
    ("nobody answers for a day", NUISANCE): "N | U reminded | U realarmed | R reminded",
    ("real fire", NUISANCE): "alarm_is_no_test | alarm_is_no_test | alarm_is_no_test | alarm_is_no_test",
}


def expected(event: str, kind: str) -> list[str]:
    row = TABLE.get((event, kind)) or TABLE[event, NUISANCE]
    return [cell.strip() for cell in row.split("|")]


class Life:
    """One alarm in one state, and what can be made to happen to it within a transaction."""

    def __init__(self, session: AsyncSession, place: Place, clock: FakeClock, actor: UUID, *, kind: str) -> None:
        self._session, self._place, self._clock, self._actor = session, place, clock, actor
        catalog, directory = CatalogService({}), place.directory
        people = PeopleService(catalog, clock)
        self._attending = AlarmAttending(directory, people, clock, AskingPolicy.of(AlarmSettings()))
        self._lockouts = LockoutService(catalog, directory, people, clock)
        self._tests = TestWindowService(catalog, directory, clock)
        self._facts: dict[str, Any] = {"life_safety": kind == GRAVE}
        self.alarm_id: UUID = actor
        self.events: dict[str, Callable[[], Awaitable[object]]] = {
            "begins again": lambda: self._says(onset_s=600),
            "grows worse": lambda: self._says(
                onset_s=600, source_id="pump-bearing-wear#critical", severity=Severity.CRITICAL
            ),
            "goes away": lambda: self._says(active=False),
            "acknowledge": lambda: place.alarms.acknowledge(session, ANYWHERE, self.alarm_id, actor=actor),
            "clear": lambda: place.alarms.clear(session, ANYWHERE, self.alarm_id, actor=actor, note="误报"),
            "shelve": lambda: place.alarms.shelve(
                session, ANYWHERE, self.alarm_id, span=DAY, actor=actor, note="接触不良"
            ),
            "unshelve": lambda: place.alarms.unshelve(session, ANYWHERE, self.alarm_id, actor=actor),
            "a day passes": lambda: self._waits(DAY, self._place.alarms.lift_suppression),
            "out of service": lambda: self._attending.take_out_of_service(
                session, ANYWHERE, self.alarm_id, TakingOut(False, None, "等备件"), actor=actor
            ),
            "in service": lambda: self._attending.put_in_service(
                session, ANYWHERE, self.alarm_id, actor=actor, note="已更换"
            ),
            "lock out": self._lock,
            "take off": self._take_off,
            "comment": lambda: self._attending.comment(session, ANYWHERE, self.alarm_id, actor=actor, note="已看"),
            "assign": lambda: self._attending.assign(
                session, ANYWHERE, self.alarm_id, assignee=actor, actor=actor, note=""
            ),
            "nobody answers": lambda: self._waits(timedelta(minutes=15), self._attending.remind),
            "nobody answers for a day": lambda: self._waits(DAY, self._attending.remind),
            "real fire": lambda: self._tests.real_alarm(session, ANYWHERE, self.alarm_id, actor=actor, note=""),
        }

    async def reach(self, state: AlarmState) -> None:
        """From nothing to the state, as it comes about."""
        await self._says()
        self.alarm_id = (await self._session.scalars(select(Alarm.id))).one()
        steps = {U: [], A: ["acknowledge"], R: ["goes away"], N: ["goes away", "acknowledge"]}[state]
        for step in steps:
            await self.events[step]()
        self._told = len(await self._lines())

    async def what_becomes(self, events: str) -> str:
        """The cell of the table: state and line, another alarm, or the refusal."""
        try:
            for event in events.split(", "):
                await self.events[event]()
        except DomainError as error:
            return error.code()
        alarm = await self._session.get_one(Alarm, self.alarm_id, populate_existing=True)
        lines = [str(line.kind) for line in (await self._lines())[self._told :]]
        others = (await self._session.scalars(select(Alarm.id).where(Alarm.id != self.alarm_id))).all()
        said = "new" if others else lines[-1] if lines else ""
        return f"{SHORT[AlarmState(alarm.state)]} {said}".strip()

    async def _says(self, **changes: Any) -> None:
        await self._place.alarms.apply(self._session, [self._place.detection(**(self._facts | changes))])
        self._session.expire_all()

    async def _waits(self, span: timedelta, sweep: Callable[[AsyncSession], Awaitable[object]]) -> None:
        self._clock.advance(seconds=span.total_seconds())
        await sweep(self._session)

    async def _lock(self) -> None:
        wanted = NewLockout(self._place.equipment_id("PUMP-01"), "检修", None)
        await self._lockouts.lock(self._session, ANYWHERE, wanted, actor=self._actor)

    async def _take_off(self) -> None:
        lock = (await self._session.scalars(select(Inhibition.id))).one()
        await self._lockouts.take_off(self._session, ANYWHERE, lock, actor=self._actor)

    async def _lines(self) -> list[Any]:
        return list(await repository.history(self._session, self.alarm_id))


SHORT = {N: "N", U: "U", A: "A", R: "R"}
STATES = (N, U, A, R)


async def test_every_state_meets_everything_that_can_happen(database: Database, place: Place) -> None:
    actor = await somebody(database)
    async with database.transaction() as session:
        session.add(Membership(person_id=actor, site_id=place.site_id))
    events = sorted({event for event, _ in TABLE})
    found: dict[tuple[str, str], list[str]] = {}
    for kind, event in product((NUISANCE, GRAVE), events):
        found[event, kind] = [
            await what_becomes(database, place, actor, event=event, kind=kind, state=state) for state in STATES
        ]
    wrong = {key: (cells, expected(*key)) for key, cells in found.items() if cells != expected(*key)}
    assert wrong == {}


async def what_becomes(
    database: Database, place: Place, actor: UUID, *, event: str, kind: str, state: AlarmState
) -> str:
    """In a transaction that is taken back: a hundred and fifty lives on one database."""
    place.clock.advance(seconds=(NOON - place.clock.now()).total_seconds())
    try:
        async with database.transaction() as session:
            life = Life(session, place, place.clock, actor, kind=kind)
            await life.reach(state)
            cell = await life.what_becomes(event)
            raise _TakenBack
    except _TakenBack:
        return cell


class _TakenBack(Exception):
    pass


def test_the_table_has_a_cell_for_every_state() -> None:
    assert {len(expected(*row)) for row in TABLE} == {len(STATES)}
    assert all((event, NUISANCE) in TABLE for event, _ in TABLE)
