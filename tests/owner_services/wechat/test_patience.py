"""Five seconds, whatever happens behind the door."""

import pytest
from sqlalchemy import text

from owner_services.room import WITHIN_FIVE_SECONDS
from owner_services.wechat.inbox import Patience
from tests.owner_services.conftest import House


@pytest.fixture
def patience() -> Patience:
    """Little for the answer, since these tests let it wait on purpose."""
    return Patience(answer_s=0.4, postpone_s=60)


def test_the_two_waits_together_stay_below_five_seconds() -> None:
    assert WITHIN_FIVE_SECONDS.answer_s + WITHIN_FIVE_SECONDS.postpone_s < 5


async def test_what_takes_too_long_is_kept_and_answered_by_a_job(house: House) -> None:
    await house.site.resident("3-2-502", openid="o-wang")
    xml = house.platform.xml("o-wang", Content="厨房漏水")
    async with house.database.transaction() as session:
        await session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('o-wang', 0))"))
        assert await house.platform.deliver(xml) == ""
        assert await house.platform.deliver(xml) == "", "the retry finds the message kept"
    assert await house.orders() == []
    assert await house.run_jobs() == 1
    assert len(await house.orders()) == 1
    assert "WO-20261122-0001" in await house.platform.deliver(xml), "by now the answer is there"
    assert await house.run_jobs() == 0


async def test_a_job_that_runs_twice_answers_once(house: House) -> None:
    await house.site.resident("3-2-502", openid="o-wang")
    async with house.database.transaction() as session:
        await session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('o-wang', 0))"))
        await house.platform.say("o-wang", "厨房漏水")
    [message] = await house.messages()
    inbound = {
        "key": message.key, "openid": "o-wang", "account": "gh", "kind": "text", "text": "厨房漏水", "media_id": "",
        "argument": "", "provider_id": "",
    }  # fmt: skip
    for _ in range(2):
        async with house.database.transaction() as session:
            await house.services.inbox.answer_later(session, inbound=inbound, message_id=str(message.id))
    assert len(await house.reports()) == 1
