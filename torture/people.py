"""Owners who report in WeChat, and a dispatcher who acknowledges and cancels, all the while."""

import asyncio
import contextlib
import itertools
import random
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx

from torture.ground import Ground

OWNERS = [f"owner-{b}-{u}-{home}" for b in range(1, 13) for u in (1, 2) for home in (502, 1201)]
TROUBLES = ("厨房漏水", "卫生间下水道堵了", "家里没水了")
REPORT_EVERY_S = 2.0
# What every answer to a report that was taken names: its order's number.
NUMBER = "WO-"
ANSWER_S = 30.0
DESK_EVERY_S = 3.0
COLLECT_EVERY_S = 5.0
MESSAGES_A_PAGE = 200


@dataclass
class Heard:
    """What people were told: texts of reports the hub took, and orders it said it cancelled."""

    reports: list[str] = field(default_factory=list)
    refused: int = 0
    cancelled: set[str] = field(default_factory=set)
    messages: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What WeChat, WeCom, SMS and voice were given, by the service's own id of it."""
    numbers: Iterator[int] = field(default_factory=itertools.count)
    """Of reports: no two have one, in whichever trial on this ground."""


async def report(ground: Ground, heard: Heard, chance: random.Random, *, until: asyncio.Event) -> None:
    """One report after another through the fake WeChat, which asks three times as the real one does."""
    async with httpx.AsyncClient(base_url=ground.platform_url, timeout=ANSWER_S, trust_env=False) as wechat:
        for number in heard.numbers:
            if until.is_set():
                return
            text = f"{chance.choice(TROUBLES)} {_mark(number)}"
            answer = await wechat.post("/wechat/send", json={"from": chance.choice(OWNERS), "text": text})
            answer.raise_for_status()
            said = answer.json()
            # No words at all: taken, and the answer comes as a notice.
            if said["problem"] is None and (NUMBER in said["reply"] or not said["reply"]):
                heard.reports.append(text)
            else:
                heard.refused += 1
            await asyncio.sleep(REPORT_EVERY_S)


async def collect(ground: Ground, heard: Heard, *, until: asyncio.Event) -> None:
    """Writes down what the fake services were given; they themselves forget the oldest of some thousands."""
    while not until.is_set():
        await asyncio.sleep(COLLECT_EVERY_S)
        await collect_now(ground, heard)


async def collect_now(ground: Ground, heard: Heard) -> None:
    async with httpx.AsyncClient(base_url=ground.platform_url, timeout=ANSWER_S, trust_env=False) as platform:
        for offset in itertools.count(0, MESSAGES_A_PAGE):
            answer = await platform.get("/messages", params={"limit": MESSAGES_A_PAGE, "offset": offset})
            answer.raise_for_status()
            page = {message["message_id"]: message for message in answer.json()["items"]}
            is_known = not page or page.keys() & heard.messages.keys()
            heard.messages |= page
            if is_known:
                return


def _mark(number: int) -> str:
    """Letters only: digits would be understood as a place."""
    letters = ""
    for _ in range(5):
        number, digit = divmod(number, 26)
        letters = chr(ord("A") + digit) + letters
    return f"T{letters}"


async def answer_at_the_desk(ground: Ground, heard: Heard, *, until: asyncio.Event) -> None:
    """Acknowledges alarms and cancels elevator orders, so that each breakdown may open an order of its own."""
    while not until.is_set():
        await asyncio.sleep(DESK_EVERY_S)
        with contextlib.suppress(httpx.HTTPError):
            async with desk(ground) as client:
                await _tidy_up(client, heard)


async def _tidy_up(client: httpx.AsyncClient, heard: Heard) -> None:
    alarms = await client.get("/alarms", params={"state": "RTN_UNACKED", "limit": 100})
    alarms.raise_for_status()
    for alarm in alarms.json()["items"]:
        await client.post(f"/alarms/{alarm['id']}/acknowledge", json={})
    orders = await client.get("/work-orders", params={"open": True, "limit": 100, "q": "LIFT-"})
    orders.raise_for_status()
    for order in orders.json()["items"]:
        if (order["equipment_code"] or "").startswith("LIFT-"):
            body = {"action": "cancel", "reason": "torture"}
            answer = await client.post(f"/work-orders/{order['id']}/actions", json=body)
            if answer.status_code == httpx.codes.OK:
                heard.cancelled.add(order["id"])


@contextlib.asynccontextmanager
async def desk(ground: Ground, username: str = "manager") -> AsyncIterator[httpx.AsyncClient]:
    """The API as somebody of the demo's staff."""
    async with httpx.AsyncClient(base_url=f"{ground.hub_url}/api/v1", timeout=ANSWER_S, trust_env=False) as client:
        if username not in ground.tokens:
            body = {"username": username, "password": ground.password(username)}
            answer = await client.post("/auth/login", json=body)
            answer.raise_for_status()
            ground.tokens[username] = answer.json()["access_token"]
        client.headers["Authorization"] = f"Bearer {ground.tokens[username]}"
        yield client
