"""A complaint as a closed loop, over HTTP: admitted, answered, sent back twice, the manager's, never the accused's."""

import re
from typing import Any

from kit.access import Role
from kit.ids import new_id
from people.kinds import Duty
from people.models import RoleGrant
from tests.ticketing.feedback.conftest import Voices
from ticketing.events import WorkOrderEscalated
from ticketing.kinds import Category, OrderState
from ticketing.reports import Reported


async def complain(voices: Voices, text: str, **changes: Any) -> Reported:
    if "wang" not in voices.town.person:
        await voices.town.resident("wang", "3-2-502")
    return await voices.town.report(
        text=text, category=Category.COMPLAINT, space_id=voices.town.spaces["3-2-502"],
        reporter_id=voices.town.person["wang"], **changes,
    )  # fmt: skip


async def test_a_complaint_is_answered_until_its_owner_is_content(voices: Voices) -> None:
    town = voices.town
    reported = await complain(voices, "投诉地库积水没人管")
    order, owner = reported.report.work_order_id, voices.owner("wang")
    mine = f"/my/reports/{reported.report.report_id}"
    assert (await town.order(order)).stage == "to_admit"
    desk = voices.as_(Role.DISPATCHER, "dispatcher")
    await voices.move(order, desk, "admit")
    assert (await town.told("wang"))[-1] == "work_order.admitted"
    assert await voices.assignee(order) == "dispatcher"

    await voices.move(order, desk, "accept")
    # Without an answer it is not answered.
    empty = await voices.post(f"/work-orders/{order}/actions", desk, action="finish")
    assert (empty.status_code, empty.json()["facts"]["field"]) == (422, "note")
    await voices.move(order, desk, "finish", note="已安排抽水，本周内加装排水泵。")
    notice = next(one for one in await town.notices("wang") if one.template == "work_order.replied")
    assert "排水泵" in notice.facts["reply"]
    assert (await voices.get(mine + "/feedback", owner)).json()["reply"] == "已安排抽水，本周内加装排水泵。"

    await voices.post(mine + "/reject", owner, reason="一周了还没装")
    await voices.move(order, desk, "accept")
    await voices.move(order, desk, "finish", note="已催供应商。")
    await voices.post(mine + "/reject", owner, reason="敷衍")
    assert await voices.assignee(order) == "manager"
    manager = voices.as_(Role.MANAGER, "manager")
    await voices.move(order, manager, "accept")
    await voices.move(order, manager, "finish", note="排水泵已装好，向您致歉。")
    content = await voices.post(mine + "/confirm", owner, satisfaction=4, words="总算解决了")
    assert (content.json()["state"], content.json()["satisfaction"]) == ("closed", 4)
    for bad in (0, 6):
        assert (await voices.post(mine + "/confirm", owner, satisfaction=bad)).status_code == 422


async def test_a_complaint_never_reaches_whom_it_is_about(voices: Voices) -> None:
    town = voices.town
    await town.hire("accused", "钱多多", Duty.DISPATCHER)
    reported = await complain(voices, "匿名投诉客服钱多多，态度恶劣", is_anonymous=True)
    order = reported.report.work_order_id
    accused, desk = voices.as_(Role.DISPATCHER, "accused"), voices.as_(Role.DISPATCHER, "dispatcher")

    # For them there is no such order, by whichever door.
    for path in ("", "/feedback"):
        assert (await voices.get(f"/work-orders/{order}{path}", accused)).status_code == 404
    assert (await voices.post(f"/work-orders/{order}/actions", accused, action="admit")).status_code == 404
    assert (await voices.get("/work-orders", accused)).json()["total"] == 0
    assert (await voices.get("/work-orders", desk)).json()["total"] == 1

    # Nor is it given to them, whoever wishes it.
    await voices.move(order, desk, "admit")
    assert await voices.assignee(order) != "accused"
    theirs = str(town.person["accused"])
    refused = await voices.post(f"/work-orders/{order}/assign", desk, assignee_id=theirs)
    assert (refused.status_code, refused.json()["code"]) == (409, "about_them")

    # The desk learns what was said, and only the manager who said it.
    shown = (await voices.get(f"/work-orders/{order}", desk)).json()
    assert shown["report_list"][0]["reporter_name"] is None
    assert str(town.person["wang"]) not in (await voices.get(f"/work-orders/{order}", desk)).text
    # Not as a part of an identifier, which holds it by chance now and then.
    assert not re.search(r"(?<![0-9a-f])502(?![0-9a-f])", (await voices.get(f"/work-orders/{order}", desk)).text)
    phone = f"/work-orders/{order}/reports/{reported.report.report_id}/phone"
    assert (await voices.post(phone, desk)).status_code == 403
    manager = voices.as_(Role.MANAGER, "manager")
    assert (await voices.get(f"/work-orders/{order}", manager)).json()["report_list"][0]["reporter_name"] == "王女士"
    assert (await voices.get(f"/work-orders/{order}/feedback", manager)).json()["about"] == [theirs]
    assert (await voices.get(f"/work-orders/{order}/feedback", desk)).json()["about"] == []
    assert await town.told("accused") == []


async def test_the_desk_says_whom_a_complaint_is_about_and_it_changes_hands(voices: Voices) -> None:
    town = voices.town
    reported = await complain(voices, "投诉前台不接电话")
    order = reported.report.work_order_id
    manager = voices.as_(Role.MANAGER, "manager")
    await voices.move(order, manager, "admit")
    assert await voices.assignee(order) == "dispatcher"
    named = f"/work-orders/{order}/complaint-subjects"
    assert (await voices.post(named, manager, person_ids=[str(new_id())])).status_code == 404
    assert (await voices.post(named, manager, person_ids=[])).status_code == 422
    answer = await voices.post(named, manager, person_ids=[str(town.person["dispatcher"])])
    assert answer.json()["about"] == [str(town.person["dispatcher"])]
    assert await voices.assignee(order) != "dispatcher"
    assert (await town.order(order)).state == OrderState.DISPATCHED
    repair = await town.report()
    other = f"/work-orders/{repair.report.work_order_id}/complaint-subjects"
    refused = await voices.post(other, manager, person_ids=[str(town.person["guard"])])
    assert (refused.status_code, refused.json()["code"]) == (409, "no_complaint")


async def test_who_answers_anonymously_stays_unnamed_and_is_called_once_by_another(voices: Voices) -> None:
    town = voices.town
    await town.hire("accused", "钱多多", Duty.DISPATCHER)
    reported = await complain(voices, "匿名投诉客服钱多多，态度恶劣", is_anonymous=True)
    order, owner = reported.report.work_order_id, voices.owner("wang")
    mine = f"/my/reports/{reported.report.report_id}"
    desk = voices.as_(Role.DISPATCHER, "dispatcher")
    await voices.move(order, desk, "admit")
    for answer in ("reject", "confirm"):
        holder = voices.as_(Role.MANAGER, await voices.assignee(order))
        await voices.move(order, holder, "accept")
        await voices.move(order, holder, "finish", note="已批评教育。")
        words = {"reason": "没有道歉"} if answer == "reject" else {"satisfaction": 1, "words": "算了"}
        assert (await voices.post(f"{mine}/{answer}", owner, **words)).status_code == 200
    stars = {"speed": 1, "attitude": 1, "quality": 1}
    assert (await voices.post(mine + "/rating", owner, **stars)).json()["is_called_back"] is True

    for path in ("", "/feedback"):
        seen = (await voices.get(f"/work-orders/{order}{path}", desk)).text
        assert str(town.person["wang"]) not in seen
        assert "王女士" not in seen
    # The call is one, and it is made by whoever neither had the complaint nor is meant by it.
    (visit,) = [one for one in await town.orders() if one.kind == "return_visit"]
    assert await voices.assignee(visit.id) == "manager"
    assert (await voices.get(f"/work-orders/{visit.id}", voices.as_(Role.DISPATCHER, "accused"))).status_code == 404


async def test_what_is_urgent_about_the_manager_is_told_another(voices: Voices) -> None:
    town = voices.town
    async with town.database.transaction() as session:
        session.add(RoleGrant(person_id=town.person["control_room"], role=Role.MANAGER, site_id=town.site_id))
    reported = await complain(voices, "投诉经理孙丽乱收费")
    event = WorkOrderEscalated(
        site_id=town.site_id, life_safety=False, work_order_id=reported.report.work_order_id, reason="nobody_found"
    )  # fmt: skip
    await town.hand_out(event)
    assert "staff.escalation" in await town.told("control_room")
    assert "staff.escalation" not in await town.told("manager")


async def test_complaints_that_are_one_are_about_all_whom_each_was_about(voices: Voices) -> None:
    town = voices.town
    await town.hire("accused", "钱多多", Duty.DISPATCHER)
    desk, manager = voices.as_(Role.DISPATCHER, "dispatcher"), voices.as_(Role.MANAGER, "manager")
    accused = voices.as_(Role.DISPATCHER, "accused")
    named = (await complain(voices, "投诉客服钱多多，态度恶劣")).report
    vague = (await complain(voices, "投诉前台态度")).report
    repair = (await town.report()).report
    into = {"into": str(vague.work_order_id)}
    await voices.move(vague.work_order_id, manager, "admit")
    await voices.post(f"/work-orders/{vague.work_order_id}/assign", manager, assignee_id=str(town.person["accused"]))

    # What is complained of is no repair, and nobody learns of one about them by putting another order with it.
    for source, target in ((named, repair), (repair, named)):
        path = f"/work-orders/{source.work_order_id}/merge"
        refused = await voices.post(path, desk, into=str(target.work_order_id), reason="一起处理")
        assert (refused.status_code, refused.json()["facts"]["reason"]) == (409, "feedback")
    for method, path, key in (("POST", "merge", "into"), ("PUT", "root", "root")):
        url, body = f"/api/v1/work-orders/{repair.work_order_id}/{path}", {key: str(named.work_order_id)}
        assert (await voices.client.request(method, url, headers=accused, json=body)).status_code == 404

    # Put under a repair by somebody else, they do not see it there.
    url = f"/api/v1/work-orders/{named.work_order_id}/root"
    under = await voices.client.put(url, headers=desk, json={"root": str(repair.work_order_id)})
    assert under.status_code == 200, under.text
    seen = [(await voices.get(f"/work-orders/{repair.work_order_id}", who)).json() for who in (desk, accused)]
    assert [len(each["family"]["children"]) for each in seen] == [1, 0]

    merged = await voices.post(f"/work-orders/{named.work_order_id}/merge", desk, **into)
    assert merged.status_code == 200, merged.text
    assert (await voices.get(f"/work-orders/{vague.work_order_id}", accused)).status_code == 404
    assert await voices.assignee(vague.work_order_id) != "accused"
    assert (await voices.get("/work-orders", accused)).json()["total"] == 1

    # A report that is taken out again is still about them.
    path = f"/work-orders/{vague.work_order_id}/reports/{named.report_id}/split"
    assert (await voices.post(path, accused, reason="不相干")).status_code == 404
    split = await voices.post(path, desk, reason="两件事")
    assert split.status_code == 201, split.text
    assert (await voices.get(f"/work-orders/{split.json()['id']}", accused)).status_code == 404
    assert await voices.assignee(vague.work_order_id) != "accused"

    # Undone, each is about whom it was about, and about whom the desk named meanwhile.
    town.clock.advance(seconds=60)
    guard = str(town.person["guard"])
    await voices.post(f"/work-orders/{vague.work_order_id}/complaint-subjects", manager, person_ids=[guard])
    await voices.post(f"/work-orders/{named.work_order_id}/unmerge", desk, reason="不是一件事")
    theirs = str(town.person["accused"])
    for order, about in ((vague, {guard}), (named, {guard, theirs})):
        shown = (await voices.get(f"/work-orders/{order.work_order_id}/feedback", manager)).json()["about"]
        assert set(shown) == about


async def test_a_report_that_turns_out_to_be_a_complaint_is_kept_from_whom_it_names(voices: Voices) -> None:
    town = voices.town
    await town.hire("accused", "钱多多", Duty.DISPATCHER)
    desk, accused = voices.as_(Role.DISPATCHER, "dispatcher"), voices.as_(Role.DISPATCHER, "accused")
    await town.report(equipment_id=town.equipment["LIFT-02"])
    report = (await town.report(text="客服钱多多说电梯不归他管", equipment_id=town.equipment["LIFT-02"])).report
    path = f"/work-orders/{report.work_order_id}/reports/{report.report_id}/split"
    wrong = {"reason": "是投诉", "category": "complaint"}
    refused = await voices.client.post(f"/api/v1{path}", headers=accused, json=wrong)
    assert (refused.status_code, refused.json()["code"]) == (409, "about_them")
    town.delivered = len(town.outbox.events)  # what it set off was rolled back with it
    new = await voices.post(path, desk, **wrong)
    assert (new.status_code, new.json()["stage"]) == (201, "to_admit"), new.text
    await voices.move(new.json()["id"], desk, "admit")
    assert await voices.assignee(new.json()["id"]) == "dispatcher"
    assert (await voices.get(f"/work-orders/{new.json()['id']}", accused)).status_code == 404
