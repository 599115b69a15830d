"""The oracle sees what is lost, doubled or invented: a judge that cannot say no is none."""

from pathlib import Path

import pytest

from torture.ledger import Account, Kind, Ledger, Sent, read
from torture.oracle import Findings, compare_jobs, compare_readings, overtaken_smoke
from torture.publisher import left_smoking

SENT = [Sent(seq, Kind.READING, "SMOKE-001", 1_000 + seq, 20.0 + seq) for seq in range(3)]


def account(*, acknowledged: set[int]) -> Account:
    return Account({message.seq: message for message in SENT}, frozenset(acknowledged))


def breaches(stored: dict[int, float], *, acknowledged: set[int]) -> list[str]:
    findings = Findings()
    compare_readings(findings, account(acknowledged=acknowledged), {"SMOKE-001": stored})
    return findings.breaches


ALL = {1_000: 20.0, 1_001: 21.0, 1_002: 22.0}


@pytest.mark.parametrize("acknowledged", [{0, 1, 2}, {0, 1}, set()], ids=["all", "some", "none"])
def test_what_is_there_as_it_was_sent_is_no_breach(acknowledged: set[int]) -> None:
    assert not breaches(ALL, acknowledged=acknowledged)


def test_an_acknowledged_reading_that_is_missing_is_a_breach() -> None:
    assert "1 acknowledged readings are not stored" in breaches({1_000: 20.0, 1_001: 21.0}, acknowledged={0, 1, 2})[0]
    assert not breaches({1_000: 20.0, 1_001: 21.0}, acknowledged={0, 1}), "nobody was told that it is kept"


@pytest.mark.parametrize(
    "stored", [ALL | {1_001: 99.0}, ALL | {5_000: 20.0}], ids=["another value", "a time that was never sent"]
)
def test_what_was_never_sent_so_is_a_breach(stored: dict[int, float]) -> None:
    assert "were never sent so" in breaches(stored, acknowledged={0, 1, 2})[-1]


@pytest.mark.parametrize(
    ("jobs", "words"),
    [
        ({"todo": 9, "doing": 1}, []),
        ({"failed": 1}, ["1 jobs were given up"]),
        ({"doing": 2}, ["2 jobs are stuck"]),
    ],
    ids=["a sweep under way", "given up", "stuck"],
)
def test_a_job_that_was_given_up_is_a_breach_and_so_are_two_that_never_end(
    jobs: dict[str, int], words: list[str]
) -> None:
    findings = Findings()
    compare_jobs(findings, jobs)
    assert findings.breaches == words


def test_a_ledger_says_what_was_written_whoever_died(tmp_path: Path) -> None:
    assert read(tmp_path).sent == {}
    for part in (SENT[:2], SENT[2:]):
        with Ledger(tmp_path) as ledger:
            for message in part:
                ledger.send(message)
            ledger.acknowledge(part[0].seq)
    found = read(tmp_path)
    assert (list(found.sent.values()), found.acknowledged) == (SENT, frozenset({0, 2}))
    assert [message.seq for message in found.of_kind(Kind.READING, acknowledged=True)] == [0, 2]


def test_a_publisher_that_died_ends_the_smoke_it_left() -> None:
    smoke = [
        Sent(0, Kind.SMOKE, "SMOKE-060", 1, 0.0),
        Sent(1, Kind.CLEAR, "SMOKE-060", 2, 0.0),
        Sent(2, Kind.SMOKE, "SMOKE-080", 3, 0.0),
        Sent(3, Kind.CLEAR, "SMOKE-080", 4, 0.0),
        Sent(4, Kind.SMOKE, "SMOKE-100", 5, 0.0),
    ]
    told = Account({message.seq: message for message in smoke}, frozenset({0, 1, 2, 4}))
    assert left_smoking(told) == ["SMOKE-080", "SMOKE-100"]


@pytest.mark.parametrize(
    ("told", "after_its_end"),
    [
        ({("SMOKE-060", 10)}, {}),
        ({("SMOKE-060", 90)}, {("SMOKE-060", 10): ("SMOKE-060", 90)}),
        ({("SMOKE-060", 15)}, {}),
        ({("SMOKE-080", 90)}, {}),
        (set(), {}),
    ],
    ids=["in time", "after its end", "before its end", "of another detector", "never"],
)
def test_smoke_that_its_end_overtook_counts_when_it_came(
    told: set[tuple[str, int]], after_its_end: dict[tuple[str, int], tuple[str, int]]
) -> None:
    sent = [Sent(0, Kind.SMOKE, "SMOKE-060", 10, 0.0), Sent(1, Kind.CLEAR, "SMOKE-060", 20, 0.0)]
    ledger = Account({message.seq: message for message in sent}, frozenset({0, 1}))
    assert overtaken_smoke(told, {("SMOKE-060", 10)}, ledger) == after_its_end
