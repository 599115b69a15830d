import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from building.link import LinkChange
from device_adapters.links import LinkBook
from kit.clock import FakeClock
from kit.ids import new_id

LIFT, PUMP = new_id(), new_id()


class Listener:
    def __init__(self, *, failures: int = 0) -> None:
        self.told: list[tuple[UUID, bool]] = []
        self.failures = failures
        self.calls = 0

    async def __call__(self, changes: Sequence[LinkChange]) -> None:
        if self.failures:
            self.failures -= 1
            raise ConnectionError("no database")
        self.calls += 1
        self.told += [(change.equipment_id, change.is_up) for change in changes]


async def settle(book: LinkBook, listener: Listener, count: int) -> None:
    task = asyncio.create_task(book.run())
    async with asyncio.timeout(20):
        while len(listener.told) < count:
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.05)
    task.cancel()


def book_for(listener: Listener) -> LinkBook:
    return LinkBook(on_links=listener, clock=FakeClock(datetime(2026, 11, 22, tzinfo=UTC)))


async def test_a_state_is_told_once_however_often_it_is_noted() -> None:
    listener = Listener()
    book = book_for(listener)
    for _ in range(3):
        book.note(LIFT, True)
        book.note(PUMP, False)
    await settle(book, listener, 2)
    assert listener.told == [(LIFT, True), (PUMP, False)]


async def test_a_change_is_told_again_until_it_is_taken() -> None:
    listener = Listener(failures=1)
    book = book_for(listener)
    book.note(LIFT, False)
    await settle(book, listener, 1)
    assert listener.told == [(LIFT, False)]


async def test_a_device_that_was_forgotten_is_told_anew() -> None:
    listener = Listener()
    book = book_for(listener)
    book.note(LIFT, True)
    await settle(book, listener, 1)
    book.forget(LIFT)
    book.note(LIFT, True)
    await settle(book, listener, 2)
    assert listener.told == [(LIFT, True), (LIFT, True)]


async def test_a_thousand_changes_are_told_by_the_hundred() -> None:
    listener = Listener()
    book = book_for(listener)
    devices = [new_id() for _ in range(1_000)]
    for device in devices:
        book.note(device, False)
    await settle(book, listener, 1_000)
    assert listener.told == [(device, False) for device in devices]
    assert listener.calls < 10
