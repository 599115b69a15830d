"""What is done with test windows: two persons, named devices, four hours at most, and a way out at any moment."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from alarms import repository as alarm_repository
from alarms.announcing import save_moves
from alarms.errors import AlarmNotFound
from alarms.events import TestWindowChanged
from alarms.flood.control import FloodControl
from alarms.flood.speaking import SpeakingUp
from alarms.ledger import record
from alarms.lifecycle import AlarmInput, AlarmState, next_state
from alarms.models import Alarm, Inhibition, InhibitionKind, TestWindow, TransitionRecord
from alarms.service import AlarmLabel
from alarms.testing import repository
from alarms.testing.errors import (
    AlarmIsNoTest,
    DeviceNotAtSite,
    SecondTesterNeeded,
    TestWindowNotAsked,
    TestWindowNotFound,
    TestWindowNotOver,
    TestWindowOver,
    TestWindowSigned,
)
from alarms.testing.signing import SignOff, TestedDevice, unheard_of
from alarms.testing.window import TestWindowState, state_of
from alarms.transition import TransitionKind
from catalog.directory import LiveDirectory
from catalog.service import CatalogService
from kit.access import Scope
from kit.clock import Clock
from kit.events import publish

OPEN = (TestWindowState.ASKED, TestWindowState.RUNNING)
# As many as a test has devices; a sweep goes on at once with what is more.
REAL_AT_ONCE = 500


@dataclass(frozen=True)
class NewTest:
    """What somebody asks for: these devices of the site, for so many minutes from when it is begun."""

    site_id: UUID
    equipment_ids: Sequence[UUID]
    minutes: int
    reason: str


class TestWindowService:
    """Ordinary alarms of a device on test are marked too; nothing of it is hidden, and nothing of it becomes work."""

    __test__ = False

    def __init__(self, catalog: CatalogService, directory: LiveDirectory, clock: Clock) -> None:
        self._catalog = catalog
        self._directory = directory
        self._clock = clock
        self._speaking = SpeakingUp(FloodControl(directory, clock))

    async def ask(self, session: AsyncSession, scope: Scope, wanted: NewTest, *, actor: UUID) -> TestWindow:
        """Raises SiteNotFound, EquipmentNotFound, DeviceNotAtSite."""
        await self._catalog.site(session, scope, wanted.site_id)
        for equipment_id in wanted.equipment_ids:
            await self._check_device(session, wanted.site_id, equipment_id)
        window = TestWindow(
            site_id=wanted.site_id, equipment_ids=[str(each) for each in dict.fromkeys(wanted.equipment_ids)],
            reason=wanted.reason, minutes=wanted.minutes, asked_by=actor, asked_at=self._clock.now(),
        )  # fmt: skip
        session.add(window)
        await session.flush()
        await self._tell(session, window)
        return window

    async def begin(self, session: AsyncSession, scope: Scope, window_id: UUID, *, actor: UUID) -> TestWindow:
        """Raises TestWindowNotFound, TestWindowNotAsked, SecondTesterNeeded."""
        window, now = await self._held(session, scope, window_id), self._clock.now()
        state = state_of(window, now)
        if state is not TestWindowState.ASKED:
            raise TestWindowNotAsked(state)
        if window.asked_by == actor:
            raise SecondTesterNeeded
        window.begun_by, window.began_at, window.until = actor, now, now + timedelta(minutes=window.minutes)
        session.add_all(
            Inhibition(
                site_id=window.site_id, equipment_id=UUID(device), kind=InhibitionKind.TESTING, person_id=actor,
                test_window_id=window.id, reason=window.reason, until=window.until, created_at=now,
            )
            for device in window.equipment_ids
        )  # fmt: skip
        await session.flush()
        await self._tell(session, window)
        return window

    async def end(self, session: AsyncSession, scope: Scope, window_id: UUID, *, actor: UUID) -> TestWindow:
        """Ends it early, or takes it back. What was tested and is gone is acknowledged by whoever ends it; what is
        still there is no test any more. Raises TestWindowNotFound, TestWindowOver."""
        window, now = await self._held(session, scope, window_id), self._clock.now()
        state = state_of(window, now)
        if state not in OPEN:
            raise TestWindowOver(state)
        await self._end(session, [window], at=now, actor=actor)
        if window.began_at is not None:
            await self._answer_for(session, window, actor=actor)
        await self._make_real(session, site_id=window.site_id)
        return window

    async def real_fire(
        self, session: AsyncSession, scope: Scope, window_id: UUID, *, actor: UUID, note: str
    ) -> TestWindow:
        """“It burns.” Every test of the site is over at once, and what its devices say now is real.

        Raises TestWindowNotFound, TestWindowOver.
        """
        window = await self.get(session, scope, window_id)
        state = state_of(window, self._clock.now())
        if state is not TestWindowState.RUNNING:
            raise TestWindowOver(state)
        await self._stop_all(session, window.site_id, actor=actor)
        await self._burns(session, window.site_id, [], actor=actor, note=note)
        # Read anew: whoever pressed on another window at the same time may have ended this one.
        return await self.get(session, scope, window_id)

    async def real_alarm(self, session: AsyncSession, scope: Scope, alarm_id: UUID, *, actor: UUID, note: str) -> Alarm:
        """The same, pressed on one alarm: that one is real even if its condition is gone.

        Raises AlarmNotFound; AlarmIsNoTest where neither it nor anything else at the site is a test.
        """
        alarm = await alarm_repository.get(session, scope, alarm_id)
        if alarm is None:
            raise AlarmNotFound(alarm_id)
        # Before the alarm, as everybody locks; and they end whatever became of this alarm meanwhile.
        ended = await self._stop_all(session, alarm.site_id, actor=actor)
        await repository.hold_alarm(session, alarm)
        pressed = [alarm] if alarm.is_test and alarm.state != AlarmState.NORMAL else []
        if not pressed and not ended:
            raise AlarmIsNoTest(alarm_id)
        await self._burns(session, alarm.site_id, pressed, actor=actor, note=note)
        return alarm

    async def expire(self, session: AsyncSession) -> bool:
        """A sweep: ends what ran out. What a device on test still says then is announced as real. True when there may
        be more of that."""
        now = self._clock.now()
        over = await repository.run_out(session, now=now)
        for window in over:
            assert window.until is not None  # asked for by it
            await self._end(session, [window], at=window.until, actor=None)
        # Also of alarms that were entered, or that somebody was changing, while their window was being ended.
        made = await self._make_real(session, site_id=None)
        return made == REAL_AT_ONCE

    async def devices(self, session: AsyncSession, scope: Scope, window_id: UUID) -> list[TestedDevice]:
        """Each device of a test in the list's order, and whether it was heard, also while the test goes on.

        Raises TestWindowNotFound.
        """
        window = await self.get(session, scope, window_id)
        heard = await self._heard(session, window)
        untried = set(window.untried)
        return [
            TestedDevice(UUID(each), heard.get(UUID(each)), None if window.signed_at is None else each not in untried)
            for each in window.equipment_ids
        ]

    async def sign_off(
        self, session: AsyncSession, scope: Scope, window_id: UUID, sign_off: SignOff, *, actor: UUID
    ) -> TestWindow:
        """Somebody answers for a test that is over: for what came and went in it, and for what was never heard.

        Raises TestWindowNotFound, TestWindowNotOver, TestWindowSigned, NotOnTheList, HeardWasTried, SignOffNeedsNote.
        """
        window, now = await self._held(session, scope, window_id), self._clock.now()
        state = state_of(window, now)
        if state is not TestWindowState.OVER:
            raise TestWindowNotOver(state)
        if window.signed_at is not None:
            raise TestWindowSigned(window_id)
        if window.ended_at is None:
            assert window.until is not None  # it was begun
            await self._end(session, [window], at=window.until, actor=None)
        devices = [UUID(each) for each in window.equipment_ids]
        unheard = unheard_of(devices, heard=await self._heard(session, window), sign_off=sign_off)
        window.unheard = [str(each) for each in unheard]
        window.untried = [str(each) for each in dict.fromkeys(sign_off.untried)]
        window.signed_by, window.signed_at, window.sign_off_note = actor, now, sign_off.note
        await self._answer_for(session, window, actor=actor)
        await self._tell(session, window)
        return window

    async def find(
        self, session: AsyncSession, scope: Scope, *, site_id: UUID | None, unsigned: bool, limit: int, offset: int
    ) -> tuple[Sequence[TestWindow], int]:
        """A page, the newest first, and how many there are; `unsigned`: only those that are over and not signed off."""
        at = self._clock.now() if unsigned else None
        return await repository.find(session, scope, site_id=site_id, unsigned_at=at, limit=limit, offset=offset)

    async def get(self, session: AsyncSession, scope: Scope, window_id: UUID) -> TestWindow:
        """Raises TestWindowNotFound."""
        window = await repository.get(session, scope, window_id)
        if window is None:
            raise TestWindowNotFound(window_id)
        return window

    async def testers_of(self, session: AsyncSession, equipment_id: UUID) -> list[UUID]:
        """Who is testing an equipment now: the only ones whom its alarms are told to."""
        windows = await repository.testing(session, equipment_id=equipment_id, now=self._clock.now())
        return list(
            dict.fromkeys(each for window in windows for each in (window.asked_by, window.begun_by) if each is not None)
        )

    def state(self, window: TestWindow) -> TestWindowState:
        return state_of(window, self._clock.now())

    # --- inside ----------------------------------------------------------------------------------------------------

    async def _check_device(self, session: AsyncSession, site_id: UUID, equipment_id: UUID) -> None:
        entry = self._directory.current.by_id.get(equipment_id)
        # One that is not read yet may be on the list of a test all the same.
        at = (
            entry.site_id
            if entry
            else (await self._catalog.equipment(session, Scope.of(site_id), equipment_id)).site_id
        )
        if at != site_id:
            raise DeviceNotAtSite(equipment_id)

    async def _held(self, session: AsyncSession, scope: Scope, window_id: UUID) -> TestWindow:
        window = await repository.hold(session, scope, window_id)
        if window is None:
            raise TestWindowNotFound(window_id)
        return window

    async def _stop_all(self, session: AsyncSession, site_id: UUID, *, actor: UUID) -> int:
        """Ends every test of the site; how many there were."""
        now = self._clock.now()
        windows = await repository.hold_running(session, site_id=site_id, now=now)
        for window in windows:
            window.real_fire_at = now
        await self._end(session, windows, at=now, actor=actor)
        return len(windows)

    async def _heard(self, session: AsyncSession, window: TestWindow) -> dict[UUID, datetime]:
        if window.began_at is None:
            return {}
        devices, until = [UUID(each) for each in window.equipment_ids], window.ended_at or window.until
        assert until is not None  # it was begun
        return await repository.first_heard(session, devices, since=window.began_at, until=until)

    async def _end(
        self, session: AsyncSession, windows: Sequence[TestWindow], *, at: datetime, actor: UUID | None
    ) -> None:
        for window in windows:
            window.ended_at, window.ended_by = at, actor
        await session.flush()
        await repository.release(session, [window.id for window in windows], at=at)
        for window in windows:
            await self._tell(session, window)

    async def _answer_for(self, session: AsyncSession, window: TestWindow, *, actor: UUID) -> None:
        """Two people watched these alarms come and go: nobody acknowledges three hundred of them one by one."""
        assert window.began_at is not None  # the caller's condition
        devices, now = [UUID(device) for device in window.equipment_ids], self._clock.now()
        moves = []
        for alarm in await repository.returned_tests(session, devices, since=window.began_at):
            before = AlarmState(alarm.state)
            alarm.state = next_state(before, AlarmInput.ACKNOWLEDGE, latches=alarm.life_safety)
            alarm.acknowledged_at, alarm.acknowledged_by, alarm.cleared_at = now, actor, now
            alarm.label = AlarmLabel.TEST
            entry = record(
                alarm, TransitionKind.ACKNOWLEDGED, before=before, at=now, now=now, actor_id=actor, note=window.reason
            )
            moves.append((alarm, entry))
        await save_moves(session, moves)

    async def _burns(
        self, session: AsyncSession, site_id: UUID, pressed: Sequence[Alarm], *, actor: UUID, note: str
    ) -> None:
        """Life safety is real at once, and what the button was pressed on. Whatever else was a test is real with the
        next sweep: it may be a flood, for whose lock nobody waits in a fire."""
        marked = await repository.marked_without_test(
            session, site_id=site_id, only_life_safety=True, now=self._clock.now(), limit=REAL_AT_ONCE
        )
        each_once = {alarm.id: alarm for alarm in (*pressed, *marked)}.values()
        kind = TransitionKind.REAL_FIRE
        await save_moves(session, [self._real(one, kind, actor=actor, note=note) for one in each_once])

    async def _make_real(self, session: AsyncSession, *, site_id: UUID | None) -> int:
        """Last of all in its transaction: ordinary alarms among them may be a flood. How many there were."""
        marked = await repository.marked_without_test(
            session, site_id=site_id, only_life_safety=False, now=self._clock.now(), limit=REAL_AT_ONCE
        )
        kind = TransitionKind.TEST_OVER
        await self._speaking.announce(session, [self._real(one, kind, actor=None, note="") for one in marked])
        return len(marked)

    def _real(
        self, alarm: Alarm, kind: TransitionKind, *, actor: UUID | None, note: str
    ) -> tuple[Alarm, TransitionRecord]:
        before, now = AlarmState(alarm.state), self._clock.now()
        alarm.is_test = False
        alarm.attended_at, alarm.reminders = now, 0
        if alarm.is_present:
            # Acknowledged as a test, it asks for somebody as what it is.
            alarm.state = next_state(before, AlarmInput.RAISE, latches=alarm.life_safety)
        return alarm, record(alarm, kind, before=before, at=now, now=now, actor_id=actor, note=note)

    async def _tell(self, session: AsyncSession, window: TestWindow) -> None:
        await publish(
            session,
            TestWindowChanged(site_id=window.site_id, test_window_id=window.id, state=self.state(window).value),
        )
