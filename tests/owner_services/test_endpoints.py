"""What owners and staff do over HTTP."""

import pytest

from kit.ids import new_id
from tests.owner_services.conftest import House

MY_REPORTS = "/api/v1/my/reports"


async def test_an_owner_reports_in_their_own_words(house: House) -> None:
    owner = await house.site.resident("3-2-502")
    answer = await house.http.post(MY_REPORTS, json={"text": "厨房漏水"}, headers=house.bearer("owner", owner))
    assert answer.status_code == 201
    body = answer.json()
    assert (body["number"], body["place"], body["state"], body["joined"]) == (
        "WO-20261122-0001", "3栋2单元502", "received", False,
    )  # fmt: skip
    assert "WO-20261122-0001" in body["answer"]
    [report] = await house.reports()
    assert (report.channel, report.reporter_id) == ("web", owner)


async def test_the_answer_is_in_the_callers_language(house: House) -> None:
    owner = await house.site.resident("3-2-502")
    headers = house.bearer("owner", owner) | {"Accept-Language": "en"}
    answer = await house.http.post(MY_REPORTS, json={"text": "3栋2单元电梯不动了"}, headers=headers)
    assert answer.json()["answer"].startswith("Received: report WO-20261122-0001 (elevator of 3栋2单元)")


async def test_the_same_client_key_is_one_report(house: House) -> None:
    owner = await house.site.resident("3-2-502")
    body = {"text": "厨房漏水", "client_key": "5f1c"}
    answers = [await house.http.post(MY_REPORTS, json=body, headers=house.bearer("owner", owner)) for _ in range(2)]
    assert answers[0].json()["report_id"] == answers[1].json()["report_id"]
    assert len(await house.reports()) == 1


async def test_words_that_name_no_trouble_are_a_report_all_the_same(house: House) -> None:
    owner = await house.site.resident("3-2-502")
    answer = await house.http.post(MY_REPORTS, json={"text": "窗台那里"}, headers=house.bearer("owner", owner))
    assert answer.status_code == 201
    assert [report.category for report in await house.reports()] == ["other"]


async def test_what_cannot_be_placed_says_what_is_missing(house: House) -> None:
    owner = await house.site.resident("3-2-502")
    await house.site.resident("5-1-101")
    headers = house.bearer("owner", owner)
    answer = await house.http.post(MY_REPORTS, json={"text": "厨房漏水"}, headers=headers)
    assert answer.status_code == 422
    assert answer.json()["code"] == "more_needed"
    assert "3栋2单元502" in answer.json()["message"]
    chosen = {"text": "厨房漏水", "space_id": str(house.site.rooms["5-1-101"])}
    assert (await house.http.post(MY_REPORTS, json=chosen, headers=headers)).json()["place"] == "5栋1单元101"


async def test_anothers_home_is_not_found(house: House) -> None:
    owner = await house.site.resident("3-2-502")
    body = {"text": "厨房漏水", "space_id": str(house.site.rooms["3-2-602"])}
    answer = await house.http.post(MY_REPORTS, json=body, headers=house.bearer("owner", owner))
    assert (answer.status_code, answer.json()["code"]) == (404, "home_not_found")
    assert await house.reports() == []


@pytest.mark.parametrize(
    "body",
    [{}, {"text": ""}, {"text": "   "}, {"text": "x" * 501}, {"text": "a\x00b"}, {"text": "x", "space_id": "7"},
     {"text": "x", "client_key": "\x00"}, {"text": "x", "extra": 1}],
)  # fmt: skip
async def test_bad_reports_are_refused(house: House, body: dict[str, str]) -> None:
    owner = await house.site.resident("3-2-502")
    assert (await house.http.post(MY_REPORTS, json=body, headers=house.bearer("owner", owner))).status_code == 422


async def test_reporting_as_an_owner_needs_to_be_one(house: House) -> None:
    staff = await house.site.staff()
    answer = await house.http.post(MY_REPORTS, json={"text": "厨房漏水"}, headers=house.bearer("engineer", staff))
    assert answer.status_code == 403
    assert (await house.http.post(MY_REPORTS, json={"text": "厨房漏水"})).status_code == 401


async def test_staff_of_another_site_cannot_invite_into_this_one(house: House) -> None:
    staff = await house.site.staff()
    url = f"/api/v1/homes/{house.site.rooms['3-2-502']}/invitations"
    elsewhere = {"Authorization": f"Bearer dispatcher:{staff}@{new_id()}"}
    assert (await house.http.post(url, json={"name": "王"}, headers=elsewhere)).status_code == 404
    assert (await house.http.post(url, json={"name": "王"}, headers=house.bearer("owner", staff))).status_code == 403
    unit = f"/api/v1/homes/{new_id()}/invitations"
    assert (await house.http.post(unit, json={"name": "王"}, headers=house.bearer("manager", staff))).status_code == 404


async def test_a_code_is_kept_as_a_digest_only(house: House) -> None:
    from owner_services.models import Invitation

    staff = await house.site.staff()
    url = f"/api/v1/homes/{house.site.rooms['3-2-502']}/invitations"
    invited = await house.http.post(url, json={"name": "王"}, headers=house.bearer("manager", staff))
    [row] = await house.all(Invitation)
    assert invited.json()["code"] not in str(vars(row))
