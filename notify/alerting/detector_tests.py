"""Asks the two of a test of detectors to sign it off, when it is over: which devices were tried, which were silent."""

from sqlalchemy.ext.asyncio import AsyncSession

from alarms.events import TestWindowChanged
from alarms.testing.service import TestWindowService
from alarms.testing.window import TestWindowState
from kit.access import Scope
from notify.service import Notice, NotifyService

TEMPLATE = "staff.test_over"
LINK = "/alarms"


def is_over(event: TestWindowChanged) -> bool:
    return event.state == TestWindowState.OVER


class TestOverTelling:
    __test__ = False  # pytest would take it for one of its own

    def __init__(self, notify: NotifyService, tests: TestWindowService) -> None:
        self._notify = notify
        self._tests = tests

    async def on_test_over(self, session: AsyncSession, event: TestWindowChanged) -> None:
        """Once each. Nobody is asked while it burns: that test waits in the list of those not signed off."""
        everywhere = Scope.everywhere()
        window = await self._tests.get(session, everywhere, event.test_window_id)
        if window.signed_at is not None or window.real_fire_at is not None:
            return
        devices = await self._tests.devices(session, everywhere, window.id)
        silent = sum(device.heard_at is None for device in devices)
        facts = {"reason": window.reason, "devices": str(len(devices)), "silent": str(silent)}
        for person_id in (window.asked_by, window.begun_by):
            if person_id is None:
                continue
            notice = Notice(
                key=f"test/{window.id}/over", person_id=person_id, template=TEMPLATE, facts=facts,
                site_id=window.site_id, link=LINK,
            )  # fmt: skip
            await self._notify.tell(session, notice)
