"""From a notice to a channel: once a key, again after what passes, further after what does not."""

import asyncio

import pytest
from sqlalchemy import func, select

from connectors.errors import AmbiguousOutcome, PermanentFailure, TemporaryFailure
from kit.events import LIFE_SAFETY_QUEUE
from notify.errors import MissingFacts, UnknownTemplate
from notify.models import Notification
from notify.policy import NotifyChannel, Urgency
from notify.verdict import MOST_ATTEMPTS
from tests.notify.conftest import Desk

BUSY = TemporaryFailure("wechat", "-1", "system busy")
NOT_FOLLOWING = PermanentFailure("wechat", "43004", "require subscribe")
SILENCE = AmbiguousOutcome("sms", "timeout", "ReadTimeout")


async def test_an_owner_who_follows_is_told_by_template(desk: Desk) -> None:
    owner = await desk.site.resident("3-2-502", openid="o-wang")
    await desk.tell(owner)
    assert await desk.run_jobs() == 1
    contact, message = desk.wechat.sent[0]
    assert contact.openid == "o-wang"
    assert message.wechat == {
        "character_string1": "WO-20261122-0001", "thing2": "3栋2单元", "thing3": "张工", "thing4": "2026-11-22 14:00",
    }  # fmt: skip
    assert message.link == "https://hub.example/o/reports/1"
    assert await desk.states() == {"wechat": "sent"}


async def test_an_owner_who_does_not_follow_is_told_by_sms(desk: Desk) -> None:
    await desk.tell(await desk.site.resident("3-2-502"))
    await desk.run_jobs()
    assert desk.wechat.asked == 0
    assert desk.sms.sent[0][1].parameters["engineer"] == "张工"


async def test_staff_are_told_in_wecom_and_the_words_name_the_work(desk: Desk) -> None:
    await desk.task(await desk.site.staff(), urgency=Urgency.URGENT)
    await desk.run_jobs()
    message = desk.wecom.sent[0][1]
    assert message.title == "紧急任务：到场安抚"
    assert message.body == "3栋2单元，工单 WO-20261122-0002，请于 12:05 前完成。—"
    assert await desk.states() == {"wecom": "sent"}


async def test_the_same_key_tells_a_person_once_whoever_asks_again(desk: Desk) -> None:
    owner = await desk.site.resident("3-2-502", openid="o-wang")
    await desk.tell(owner)
    await desk.run_jobs()
    await desk.tell(owner)
    await asyncio.gather(*(desk.tell(owner) for _ in range(5)))
    assert await desk.run_jobs() == 0
    assert desk.wechat.asked == 1


async def test_one_notification_with_many_jobs_is_sent_once(desk: Desk) -> None:
    await desk.tell(await desk.site.resident("3-2-502", openid="o-wang"))
    [(notification_id, _)] = await desk.asked_jobs()

    async def deliver() -> None:
        async with desk.database.transaction() as session:
            await desk.deliverer.deliver(session, notification_id=notification_id)

    await asyncio.gather(*(deliver() for _ in range(6)))
    assert desk.wechat.asked == 1


async def test_nothing_is_told_when_the_transaction_rolls_back(desk: Desk) -> None:
    owner = await desk.site.resident("3-2-502", openid="o-wang")
    with pytest.raises(RuntimeError):
        async with desk.database.transaction() as session:
            row_count = await session.scalar(select(func.count()).select_from(Notification))
            assert row_count == 0
            await desk.notify.tell(session, _notice(desk, owner))
            raise RuntimeError
    assert await desk.rows() == {}
    assert await desk.asked_jobs() == []


async def test_what_passes_is_tried_again_with_growing_waits(desk: Desk) -> None:
    desk.wechat.answers = [BUSY, BUSY]
    await desk.tell(await desk.site.resident("3-2-502", openid="o-wang"))
    await desk.run_jobs()
    assert (await desk.rows())["wechat"].state == "queued"
    await desk.later(1)
    assert desk.wechat.asked == 1, "the wait is at least two seconds"
    await desk.later(3)
    assert desk.wechat.asked == 2
    await desk.later(10)
    assert await desk.states() == {"wechat": "sent"}
    assert (await desk.rows())["wechat"].attempts == 3


async def test_what_does_not_pass_goes_on_to_the_next_channel_in_the_end(desk: Desk) -> None:
    desk.wechat.answers = [BUSY] * MOST_ATTEMPTS[Urgency.ORDINARY]
    await desk.tell(await desk.site.resident("3-2-502", openid="o-wang"))
    await desk.run_jobs()
    for _ in range(MOST_ATTEMPTS[Urgency.ORDINARY]):
        await desk.later(1000)
    assert await desk.states() == {"wechat": "failed", "sms": "sent"}


@pytest.mark.parametrize("code", ["43004", "43101", "47003", "not_configured"])
async def test_a_final_refusal_falls_through_to_sms_at_once(desk: Desk, code: str) -> None:
    desk.wechat.answers = [PermanentFailure("wechat", code, "refused")]
    await desk.tell(await desk.site.resident("3-2-502", openid="o-wang"))
    await desk.run_jobs()
    assert await desk.states() == {"wechat": "failed", "sms": "sent"}
    assert (await desk.rows())["wechat"].error_code == code


async def test_who_turns_out_not_to_follow_is_not_tried_in_wechat_again(desk: Desk) -> None:
    desk.wechat.answers = [NOT_FOLLOWING]
    owner = await desk.site.resident("3-2-502", openid="o-wang")
    await desk.tell(owner)
    await desk.run_jobs()
    await desk.tell(owner, key="order/1/on_site")
    await desk.run_jobs()
    assert desk.wechat.asked == 1
    assert len(desk.sms.sent) == 2


async def test_silence_is_written_down_as_unknown_and_never_repeated_for_ordinary_messages(desk: Desk) -> None:
    desk.sms.answers = [SILENCE]
    await desk.tell(await desk.site.resident("3-2-502"))
    await desk.run_jobs()
    for _ in range(5):
        await desk.later(3600)
    assert desk.sms.asked == 1
    assert await desk.states() == {"sms": "unknown"}


async def test_life_safety_prefers_twice_over_silence(desk: Desk) -> None:
    desk.sms.answers = [SILENCE]
    await desk.task(await desk.site.staff(wecom=None))
    await desk.run_jobs()
    await desk.later(10)
    assert desk.sms.asked == 2
    assert (await desk.states())["sms"] == "sent"


async def test_a_matter_of_life_has_a_queue_of_its_own(desk: Desk) -> None:
    await desk.task(await desk.site.staff())
    assert [queue for _, queue in await desk.asked_jobs()] == [LIFE_SAFETY_QUEUE]


async def test_a_matter_of_life_that_nobody_acknowledges_rings_the_telephone(desk: Desk) -> None:
    await desk.task(await desk.site.staff())
    await desk.run_jobs()
    await desk.later(50)
    assert desk.voice.asked == 0
    await desk.later(15)
    assert desk.voice.sent[0][0].phone == "13900002222"
    assert await desk.states() == {"wecom": "sent", "voice": "sent"}


async def test_acknowledging_stops_the_call_of_that_person_alone(desk: Desk) -> None:
    first, second = await desk.site.staff(), await desk.site.staff("李师傅", phone="13900003333", wecom="li")
    for person in (first, second):
        await desk.task(person, key="task/7_/a")
    await desk.task(second, key="task/70/a")
    async with desk.database.transaction() as session:
        assert await desk.notify.acknowledge(session, key="task/7_", person_id=first) == 1
    await desk.later(90)
    assert sorted(contact.phone or "" for contact, _ in desk.voice.sent) == ["13900003333", "13900003333"]


async def test_the_beginning_of_a_key_is_no_pattern(desk: Desk) -> None:
    await desk.task(await desk.site.staff(), key="task/70/a")
    async with desk.database.transaction() as session:
        assert await desk.notify.acknowledge(session, key="task/7_") == 0
        assert await desk.notify.acknowledge(session, key="%") == 0
        assert await desk.notify.acknowledge(session, key="task/7") == 1


async def test_ordinary_news_waits_for_the_morning_and_is_not_lost(desk: Desk) -> None:
    desk.clock.advance(seconds=11 * 3600)  # 23:00 in Hangzhou
    await desk.tell(await desk.site.resident("3-2-502", openid="o-wang"))
    assert await desk.run_jobs() == 0
    await desk.later(8 * 3600)  # 07:00
    assert desk.wechat.asked == 0
    await desk.later(1900)  # 07:31
    assert await desk.states() == {"wechat": "sent"}


@pytest.mark.parametrize("urgency", [Urgency.URGENT, Urgency.LIFE_SAFETY])
async def test_what_cannot_wait_is_told_at_night(desk: Desk, urgency: Urgency) -> None:
    desk.clock.advance(seconds=11 * 3600)
    await desk.tell(await desk.site.resident("3-2-502", openid="o-wang"), urgency=urgency)
    await desk.run_jobs()
    assert await desk.states() == {"wechat": "sent"}


async def test_whom_nothing_reaches_is_seen_as_a_failure(desk: Desk) -> None:
    await desk.tell(await desk.site.resident("3-2-502", phone=None))
    row = (await desk.rows())["none"]
    assert (row.state, row.error_code) == ("failed", "unreachable")


async def test_a_hub_that_died_during_an_sms_knows_that_it_does_not_know(desk: Desk) -> None:
    desk.sms.answers = [RuntimeError("killed")]
    await desk.tell(await desk.site.resident("3-2-502"))
    with pytest.raises(RuntimeError):
        await desk.run_jobs()
    assert await desk.states() == {"sms": "sending"}
    await desk.later(90)
    assert (await desk.rows())["sms"].error_code == "interrupted"
    assert await desk.states() == {"sms": "unknown"}
    assert desk.sms.asked == 1


async def test_a_hub_that_died_during_a_wecom_card_sends_it_again(desk: Desk) -> None:
    desk.wecom.answers = [RuntimeError("killed")]
    await desk.task(await desk.site.staff(), urgency=Urgency.URGENT)
    with pytest.raises(RuntimeError):
        await desk.run_jobs()
    await desk.later(90)
    await desk.later(10)
    assert await desk.states() == {"wecom": "sent"}


async def test_a_lost_job_is_asked_for_again(desk: Desk) -> None:
    await desk.tell(await desk.site.resident("3-2-502", openid="o-wang"))
    await desk.asked_jobs()
    await desk.later(30)
    assert desk.wechat.asked == 0, "the job may still be on its way"
    await desk.later(40)
    assert desk.wechat.asked == 1


async def test_a_template_message_reported_as_undelivered_goes_out_by_sms(desk: Desk) -> None:
    await desk.tell(await desk.site.resident("3-2-502", openid="o-wang"))
    await desk.run_jobs()
    for _ in range(2):
        async with desk.database.transaction() as session:
            await desk.notify.note_receipt(
                session,
                channel=NotifyChannel.WECHAT,
                provider_id="wechat-1",
                was_delivered=False,
                detail="failed:user block",
            )
    await desk.run_jobs()
    assert await desk.states() == {"wechat": "failed", "sms": "sent"}
    assert desk.sms.asked == 1


async def test_a_private_content_is_forgotten_once_sent(desk: Desk) -> None:
    owner = await desk.site.resident("3-2-502", openid="o-wang")
    facts = {"code": "493817", "minutes": "10"}
    await desk.tell(owner, template="verification.code", facts=facts, channel=NotifyChannel.SMS)
    await desk.run_jobs()
    assert desk.sms.sent[0][1].parameters == facts
    assert (await desk.rows())["sms"].facts == {"code": "", "minutes": ""}


async def test_every_attempt_is_counted_by_what_it_came_to(desk: Desk) -> None:
    desk.wechat.answers = [BUSY, NOT_FOLLOWING]
    await desk.tell(await desk.site.resident("3-2-502", openid="o-wang"))
    await desk.run_jobs()
    await desk.later(5)
    counted = {
        (channel, outcome): desk.registry.get_sample_value(
            "hub_notifications_total", {"channel": channel, "outcome": outcome}
        )
        for channel, outcome in [("wechat", "retried"), ("wechat", "failed"), ("sms", "sent")]
    }
    assert set(counted.values()) == {1.0}


async def test_old_notifications_are_dropped_and_waiting_ones_kept(desk: Desk) -> None:
    owner = await desk.site.resident("3-2-502", openid="o-wang")
    await desk.tell(owner)
    await desk.run_jobs()
    desk.clock.advance(seconds=11 * 3600)
    await desk.tell(owner, key="order/1/on_site")
    desk.clock.advance(seconds=400 * 86400)
    async with desk.database.transaction() as session:
        await desk.deliverer.sweep_expired(session)
    assert [row.key for row in (await desk.rows()).values()] == ["order/1/on_site"]


async def test_a_defect_of_the_caller_is_refused_before_anything_is_queued(desk: Desk) -> None:
    owner = await desk.site.resident("3-2-502", openid="o-wang")
    with pytest.raises(UnknownTemplate):
        await desk.tell(owner, template="no.such")
    with pytest.raises(MissingFacts, match="engineer"):
        await desk.tell(owner, facts={"number": "1", "place": "x", "promised": ""})
    assert await desk.rows() == {}


def _notice(desk: Desk, person_id):
    from notify.service import Notice

    facts = {"place": "3栋2单元", "time": "2026-11-22T04:00:00+00:00"}
    return Notice(
        key="outage/1", person_id=person_id, template="elevator.outage", facts=facts, site_id=desk.site.site_id
    )
