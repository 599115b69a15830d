"""Compares what was acknowledged with what the hub has: readings, episodes, orders, reports, messages."""

import asyncio
import csv
import io
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psycopg

from torture.ground import Ground
from torture.harm import Suffered
from torture.ledger import Account, Kind
from torture.panel import Breakdowns, Lift, Panel
from torture.people import Heard, collect_now, desk

SMOKE_RULE = "smoke-detected"
# What the hub has still to do when the kills end: redelivery (30 s at most), jobs of killed workers, interrupted calls.
SETTLE_S = 180.0
LOOK_EVERY_S = 2.0
# The hub keeps so many of a kind of refused input; the rest it only counts.
KEPT_LETTERS = 1_000


@dataclass
class Findings:
    """`counts` says what was looked at; `breaches` what must not be. Empty breaches: nothing was lost or doubled."""

    counts: dict[str, int | float] = field(default_factory=dict)
    breaches: list[str] = field(default_factory=list)

    def expect(self, holds: bool, words: str) -> None:
        if not holds:
            self.breaches.append(words)


async def examine(
    ground: Ground, *, account: Account, seen: Breakdowns, panel: Panel, heard: Heard, suffered: Sequence[Suffered] = ()
) -> Findings:
    """Looks again and again until everything is as it must be or `SETTLE_S` have passed."""
    deadline = time.monotonic() + SETTLE_S
    while True:
        findings = Findings()
        try:
            await _examine_readings(findings, ground, account)
            async with await psycopg.AsyncConnection.connect(ground.database_url, connect_timeout=10) as database:
                await _examine_alarms(findings, database, account, seen)
                await _examine_harms(findings, database, suffered)
                await _examine_orders(findings, database, heard)
                await _examine_messages(findings, database, panel)
                await _examine_letters(findings, database, account)
                await collect_now(ground, heard)
                await _examine_told(findings, database, heard)
        except (OSError, psycopg.Error, httpx.HTTPError) as error:
            findings.breaches.append(f"the hub cannot be asked: {error!r}")
        findings.breaches += [f"not heard in time: {words}" for words in seen.not_heard]
        if not findings.breaches or time.monotonic() > deadline:
            return findings
        await asyncio.sleep(LOOK_EVERY_S)


# --- readings ----------------------------------------------------------------------------------------------------


def compare_readings(findings: Findings, account: Account, stored: Mapping[str, Mapping[int, float]]) -> None:
    """`stored`: device → time in ms → value, of every device that sent readings.

    Every acknowledged reading must be there, with the value that was sent; nothing may be there that was never sent.
    """
    sent: dict[str, dict[int, float]] = defaultdict(dict)
    missing: list[str] = []
    for message in account.of_kind(Kind.READING):
        sent[message.device][message.ts_ms] = message.value
        if message.seq in account.acknowledged and message.ts_ms not in stored.get(message.device, {}):
            missing.append(f"{message.device}@{message.ts_ms}")
    strangers = [
        f"{device}@{ts_ms}={value}"
        for device, found in stored.items()
        for ts_ms, value in found.items()
        if abs(sent[device].get(ts_ms, float("nan")) - value) > 1e-9 or ts_ms not in sent[device]
    ]
    findings.counts["readings acknowledged"] = sum(1 for _ in account.of_kind(Kind.READING, acknowledged=True))
    findings.counts["readings stored"] = sum(map(len, stored.values()))
    findings.expect(not missing, f"{len(missing)} acknowledged readings are not stored: {missing[:5]}")
    findings.expect(not strangers, f"{len(strangers)} stored readings were never sent so: {strangers[:5]}")


async def _examine_readings(findings: Findings, ground: Ground, account: Account) -> None:
    devices = sorted({message.device for message in account.of_kind(Kind.READING)})
    stored: dict[str, dict[int, float]] = {}
    async with desk(ground) as client:
        for device in devices:
            stored[device] = await _stored(client, device, since_ms=_first_ms(account))
    compare_readings(findings, account, stored)


def _first_ms(account: Account) -> int:
    return min((message.ts_ms for message in account.sent.values()), default=0)


async def _stored(client: httpx.AsyncClient, device: str, *, since_ms: int) -> dict[int, float]:
    """Every stored temperature of a device, as anybody may export it. Fails when a time is there twice."""
    found = await client.get("/equipment", params={"q": device})
    found.raise_for_status()
    equipment = found.json()["items"][0]
    points = (await client.get(f"/equipment/{equipment['id']}/points")).json()
    point_no = next(point["point_no"] for point in points if point["key"] == "temperature_c")
    start = datetime.fromtimestamp(since_ms / 1000, UTC) - timedelta(minutes=1)
    period = {"start": start.isoformat(), "end": (datetime.now(UTC) + timedelta(hours=1)).isoformat(), "tz": "UTC"}
    answer = await client.get(f"/points/{point_no}/series.csv", params=period)
    answer.raise_for_status()
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))[1:]
    values = {_ms(at): float(value) for at, value, _ in rows}
    if len(values) != len(rows):
        raise OSError(f"{device} has a reading twice")
    return values


def _ms(at: str) -> int:
    return round(datetime.fromisoformat(at).replace(tzinfo=UTC).timestamp() * 1000)


# --- alarms ------------------------------------------------------------------------------------------------------


async def _examine_alarms(
    findings: Findings, database: psycopg.AsyncConnection[Any], account: Account, seen: Breakdowns
) -> None:
    """Each episode of each elevator and each acknowledged smoke has one episode in the books, at its own time; smoke
    of which the end was heard first, when it came."""
    found = await _rows(
        database,
        "SELECT q.code, e.source_id, e.onset_ms FROM alarm_episode e JOIN equipment q ON q.id = e.equipment_id"
        " WHERE e.source = 'rule' AND e.source_id IN (%s, %s)",
        (Lift.RULE, SMOKE_RULE),
    )
    lifts = Counter((code, onset_ms) for code, rule, onset_ms in found if rule == Lift.RULE)
    smoke = Counter((code, onset_ms) for code, rule, onset_ms in found if rule == SMOKE_RULE)
    broke_down = {(code, began_ms) for code, times in seen.began_ms.items() for began_ms in times}
    smoked = {(message.device, message.ts_ms) for message in account.of_kind(Kind.SMOKE, acknowledged=True)}
    maybe = {(message.device, message.ts_ms) for message in account.of_kind(Kind.SMOKE)}
    after_its_end = overtaken_smoke(set(smoke), maybe, account)
    findings.counts |= {
        "elevator episodes": len(broke_down), "smoke episodes": len(smoked),
        "smoke that came after its end": len(after_its_end),
    }  # fmt: skip
    _expect_equal(findings, "elevator episodes", set(lifts), required=broke_down, allowed=broke_down)
    _expect_equal(
        findings, "smoke episodes", set(smoke),
        required=smoked - after_its_end.keys(), allowed=maybe | set(after_its_end.values()),
    )  # fmt: skip
    doubled = [key for key, times in (lifts + smoke).items() if times > 1]
    findings.expect(not doubled, f"episodes twice: {doubled[:5]}")


def overtaken_smoke(
    told: set[tuple[str, int]], smoked: set[tuple[str, int]], account: Account
) -> dict[tuple[str, int], tuple[str, int]]:
    """Smoke (device, its time) → what was told of it (device, the time it came), where its end overtook it.

    The bus had no room for the smoke and had it again for its end: a detector that says "smoke" after "no smoke" is
    heard, and a word of life safety that comes late counts when it comes.
    """
    ended = [(message.device, message.ts_ms) for message in account.of_kind(Kind.CLEAR)]
    found: dict[tuple[str, int], tuple[str, int]] = {}
    for device, began_ms in sorted(smoked - told):
        end_ms = min((at for of, at in ended if of == device and at > began_ms), default=None)
        later = sorted(at for of, at in told - smoked - set(found.values()) if of == device and at > began_ms)
        if end_ms is not None and later and later[0] > end_ms:
            found[device, began_ms] = device, later[0]
    return found


def _expect_equal(
    findings: Findings, what: str, found: set[tuple[str, int]], *, required: set[tuple[str, int]],
    allowed: set[tuple[str, int]],
) -> None:  # fmt: skip
    lost, invented = sorted(required - found), sorted(found - allowed)
    findings.expect(not lost, f"{len(lost)} {what} have no alarm: {lost[:5]}")
    findings.expect(not invented, f"{len(invented)} {what} never happened: {invented[:5]}")


async def _examine_harms(
    findings: Findings, database: psycopg.AsyncConnection[Any], suffered: Sequence[Suffered]
) -> None:
    """Each was a critical alarm on the hub itself, as of when it was noticed, and that alarm is over."""
    found = await _rows(
        database,
        "SELECT e.onset_ms, e.ended_at FROM alarm_episode e JOIN alarm a ON a.id = e.alarm_id"
        " WHERE a.source = 'hub' AND a.severity = 'critical'",
    )
    ends = [*(each.began_ms for each in suffered[1:]), int(time.time() * 1000)][: len(suffered)]
    untold = [
        each.harm.name
        for each, until_ms in zip(suffered, ends, strict=True)
        if not any(each.began_ms <= onset_ms < until_ms for onset_ms, _ in found)
    ]
    lasting = sum(ended_at is None for _, ended_at in found)
    findings.expect(not untold, f"no critical alarm said of {untold}")
    findings.expect(not lasting, f"{lasting} critical alarms on the hub have not ended")
    findings.counts["critical alarms on the hub itself"] = len(found)


# --- orders and reports ------------------------------------------------------------------------------------------


async def _examine_orders(findings: Findings, database: psycopg.AsyncConnection[Any], heard: Heard) -> None:
    without = await _rows(
        database,
        "SELECT q.code, e.onset_ms FROM alarm_episode e JOIN alarm a ON a.id = e.alarm_id"
        " JOIN equipment q ON q.id = e.equipment_id"
        " WHERE a.order_kind IS NOT NULL AND e.source_id IN (%s, %s) AND NOT EXISTS ("
        "  SELECT FROM work_order_alarm w WHERE w.alarm_id = a.id"
        "  AND abs(extract(epoch FROM w.onset_at) * 1000 - e.onset_ms) < 1)",
        (Lift.RULE, SMOKE_RULE),
    )
    findings.expect(not without, f"{len(without)} episodes have no work order: {without[:5]}")
    open_twice = await _rows(
        database,
        "SELECT site_id, key FROM incident WHERE closed_at IS NULL GROUP BY site_id, key HAVING count(*) > 1",
    )
    findings.expect(not open_twice, f"{len(open_twice)} incidents are open twice")
    reports = Counter(text for (text,) in await _rows(database, "SELECT text FROM report WHERE channel = 'wechat'"))
    lost = [text for text in heard.reports if not reports[text]]
    twice = [text for text, times in reports.items() if times > 1]
    findings.expect(not lost, f"{len(lost)} reports that owners were answered are lost: {lost[:3]}")
    findings.expect(not twice, f"{len(twice)} reports are there twice: {twice[:3]}")
    states = dict(await _rows(database, "SELECT id::text, state FROM work_order"))
    undone = [order for order in heard.cancelled if states.get(order) != "cancelled"]
    findings.expect(not undone, f"{len(undone)} acknowledged cancellations are lost")
    findings.counts |= {
        "work orders": len(states),
        "orders cancelled by the desk": len(heard.cancelled),
        "owners' reports acknowledged": len(heard.reports),
        "owners' reports refused visibly": heard.refused,
    }


# --- messages ----------------------------------------------------------------------------------------------------


async def _examine_messages(findings: Findings, database: psycopg.AsyncConnection[Any], panel: Panel) -> None:
    rows = await _rows(database, "SELECT id::text, no, kind, published_at::text FROM alarm_transition ORDER BY no")
    transitions = {row[0] for row in rows}
    missed = [row[1:] for row in rows if row[0] not in panel.times]
    invented = set(panel.times) - transitions
    findings.expect(not missed, f"the panel missed {len(missed)} of {len(transitions)} alarm transitions: {missed[:5]}")
    findings.expect(not invented, f"the panel heard of {len(invented)} transitions that were never committed")
    findings.counts |= {
        "alarm transitions": len(transitions),
        "alarm messages repeated under their id": sum(times - 1 for times in panel.times.values()),
    }
    (waiting,), *_ = await _rows(
        database,
        "SELECT count(*) FROM notification WHERE state = 'sending' OR (state = 'queued' AND due_at < now())",
    )
    findings.expect(waiting == 0, f"{waiting} notifications are neither sent nor given up")
    await _examine_jobs(findings, database)
    states = dict(await _rows(database, "SELECT state, count(*) FROM notification GROUP BY state"))
    findings.counts |= {f"notifications {state}": number for state, number in sorted(states.items())}


async def _examine_jobs(findings: Findings, database: psycopg.AsyncConnection[Any]) -> None:
    found = await _rows(database, "SELECT status::text, count(*) FROM procrastinate_jobs GROUP BY status")
    compare_jobs(findings, dict(found))


def compare_jobs(findings: Findings, jobs: Mapping[str, int]) -> None:
    """`jobs`: status → how many. None may have been given up; a living worker may be at a sweep when we look."""
    failed, doing = jobs.get("failed", 0), jobs.get("doing", 0)
    findings.expect(failed == 0, f"{failed} jobs were given up")
    findings.expect(doing <= 1, f"{doing} jobs are stuck")


async def _examine_told(findings: Findings, database: psycopg.AsyncConnection[Any], heard: Heard) -> None:
    """No outside service delivered one notification twice, unless a life may hang on it."""
    times = Counter(reference for message in heard.messages.values() if (reference := _reference(message)))
    findings.counts["messages under a key at WeChat, SMS and voice"] = len(times)
    rows = await _rows(database, "SELECT id::text FROM notification WHERE urgency = 'life_safety'")
    urgent = {key.replace("-", "") for (key,) in rows}
    twice = [key for key, count in times.items() if count > 1 and key not in urgent]
    findings.counts["life-safety messages repeated"] = sum(
        count - 1 for key, count in times.items() if count > 1 and key in urgent
    )
    findings.expect(not twice, f"{len(twice)} notifications were delivered twice: {twice[:3]}")


def _reference(message: Mapping[str, Any]) -> str | None:
    """The hub's own key of a delivered message: WeChat's `client_msg_id`, Aliyun's `OutId`."""
    if message["state"] != "delivered":
        return None
    detail: Mapping[str, str] = message["detail"]
    return detail.get("client_msg_id") or detail.get("OutId")


async def _examine_letters(findings: Findings, database: psycopg.AsyncConnection[Any], account: Account) -> None:
    """Refused input is acknowledged once it is kept: none of it may be gone without a trace."""
    rubbish = sum(1 for _ in account.of_kind(Kind.MALFORMED, acknowledged=True))
    # Of many alike a few are kept whole; the last of them says how many more there were.
    (kept,), *_ = await _rows(
        database, "SELECT coalesce(sum(1 + more_alike), 0)::bigint FROM dead_letter WHERE reason = 'not_json'"
    )
    findings.counts |= {"unreadable messages acknowledged": rubbish, "dead letters kept": kept}
    findings.expect(kept >= min(rubbish, KEPT_LETTERS), f"only {kept} dead letters of {rubbish} unreadable messages")


async def _rows(
    database: psycopg.AsyncConnection[Any], query: Any, arguments: Iterable[Any] = ()
) -> list[tuple[Any, ...]]:
    cursor = await database.execute(query, tuple(arguments))
    return await cursor.fetchall()
