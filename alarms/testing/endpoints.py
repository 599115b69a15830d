"""Test windows over HTTP. The button for a real fire is everybody's who works at the site."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from alarms.endpoints import ANSWERING
from alarms.models import TestWindow
from alarms.schemas import AlarmOut
from alarms.testing import errors
from alarms.testing.schemas import RealFireIn, TestedDeviceOut, TestSignOffIn, TestWindowIn, TestWindowOut
from alarms.testing.service import NewTest, TestWindowService
from alarms.testing.signing import SignOff
from kit.access import STAFF, Principal
from kit.errors import DomainError
from kit.http import Page, Paging, Session, allow, service

STATUS: dict[type[DomainError], int] = {
    errors.TestWindowNotFound: 404,
    errors.DeviceNotAtSite: 404,
    errors.SecondTesterNeeded: 409,
    errors.TestWindowNotAsked: 409,
    errors.TestWindowOver: 409,
    errors.AlarmIsNoTest: 409,
    errors.TestWindowNotOver: 409,
    errors.TestWindowSigned: 409,
    errors.HeardWasTried: 409,
    errors.NotOnTheList: 422,
    errors.SignOffNeedsNote: 422,
}

router = APIRouter(prefix="/api/v1", tags=["alarms"])

Tests = Annotated[TestWindowService, Depends(service(TestWindowService))]
Reader = Annotated[Principal, Depends(allow(*STAFF))]
Answerer = Annotated[Principal, Depends(allow(*ANSWERING))]


@router.get("/test-windows", response_model=Page[TestWindowOut])
async def list_test_windows(
    session: Session, tests: Tests, caller: Reader, paging: Paging,
    site_id: Annotated[UUID | None, Query(description="a site's id")] = None,
    unsigned: Annotated[bool, Query(description="only those that are over and wait to be signed off")] = False,
) -> Page[TestWindowOut]:  # fmt: skip
    """Tests of detectors at the caller's sites, the newest first."""
    rows, total = await tests.find(
        session, caller.scope(*STAFF), site_id=site_id, unsigned=unsigned, limit=paging.limit, offset=paging.offset
    )
    return Page(items=[_out(tests, row) for row in rows], total=total, limit=paging.limit, offset=paging.offset)


@router.post("/test-windows", response_model=TestWindowOut, status_code=201)
async def ask_for_test_window(body: TestWindowIn, session: Session, tests: Tests, caller: Answerer) -> TestWindowOut:
    """Asks for a test of named devices. Nothing is marked yet: a second person begins it, within the hour."""
    wanted = NewTest(body.site_id, body.equipment_ids, body.minutes, body.reason)
    return _out(tests, await tests.ask(session, caller.scope(*ANSWERING), wanted, actor=caller.person_id))


@router.get("/test-windows/{test_window_id}", response_model=TestWindowOut)
async def get_test_window(test_window_id: UUID, session: Session, tests: Tests, caller: Reader) -> TestWindowOut:
    return _out(tests, await tests.get(session, caller.scope(*STAFF), test_window_id))


@router.post("/test-windows/{test_window_id}/begin", response_model=TestWindowOut)
async def begin_test_window(test_window_id: UUID, session: Session, tests: Tests, caller: Answerer) -> TestWindowOut:
    """Begins a test somebody else asked for. From now on its devices' alarms are marked 测试 and raise no orders."""
    scope = caller.scope(*ANSWERING)
    return _out(tests, await tests.begin(session, scope, test_window_id, actor=caller.person_id))


@router.post("/test-windows/{test_window_id}/end", response_model=TestWindowOut)
async def end_test_window(test_window_id: UUID, session: Session, tests: Tests, caller: Answerer) -> TestWindowOut:
    """Ends a test early, or takes one back. Alarms that came and went are acknowledged; one that lasts is real."""
    scope = caller.scope(*ANSWERING)
    return _out(tests, await tests.end(session, scope, test_window_id, actor=caller.person_id))


@router.get("/test-windows/{test_window_id}/devices", response_model=list[TestedDeviceOut])
async def list_tested_devices(
    test_window_id: UUID, session: Session, tests: Tests, caller: Reader
) -> list[TestedDeviceOut]:
    """Each device of the test, and when it was heard first; also while the test goes on."""
    devices = await tests.devices(session, caller.scope(*STAFF), test_window_id)
    return [TestedDeviceOut.model_validate(each) for each in devices]


@router.post("/test-windows/{test_window_id}/sign-off", response_model=TestWindowOut)
async def sign_test_window_off(
    test_window_id: UUID, body: TestSignOffIn, session: Session, tests: Tests, caller: Answerer
) -> TestWindowOut:
    """Answers for a test that is over: alarms that came and went are acknowledged, silent devices are put on record."""
    scope, sign_off = caller.scope(*ANSWERING), SignOff(body.untried, body.note)
    return _out(tests, await tests.sign_off(session, scope, test_window_id, sign_off, actor=caller.person_id))


@router.post("/test-windows/{test_window_id}/real-fire", response_model=TestWindowOut)
async def press_real_fire_of_test(
    test_window_id: UUID, body: RealFireIn, session: Session, tests: Tests, caller: Reader
) -> TestWindowOut:
    """It burns: every test of the site is over, and what its devices say now is real."""
    scope = caller.scope(*STAFF)
    return _out(tests, await tests.real_fire(session, scope, test_window_id, actor=caller.person_id, note=body.note))


@router.post("/alarms/{alarm_id}/real-fire", response_model=AlarmOut)
async def press_real_fire(alarm_id: UUID, body: RealFireIn, session: Session, tests: Tests, caller: Reader) -> AlarmOut:
    """It burns where this test alarm is: it is real from now on, and every test of the site is over."""
    scope = caller.scope(*STAFF)
    alarm = await tests.real_alarm(session, scope, alarm_id, actor=caller.person_id, note=body.note)
    return AlarmOut.model_validate(alarm)


def _out(tests: TestWindowService, window: TestWindow) -> TestWindowOut:
    return TestWindowOut.of(window, tests.state(window))
