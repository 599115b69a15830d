"""One whole hub on one disk that fills up or breaks: nothing acknowledged is lost, and it comes back by itself.

The same trial and oracle as the kills: the publisher's log of what was acknowledged against store, alarms, orders,
reports and messages. Where the bus cannot write, no device is acknowledged; every trouble is a critical alarm on the
hub itself.
"""

import asyncio
from pathlib import Path

import pytest

from tests.conftest import need
from tests.small_disk import SmallDisk, small_disk
from torture.cli import run
from torture.disk import DiskError
from torture.ground import Ground
from torture.harm import EVERYTHING, Harm, disk_error
from torture.layouts import LayoutName
from torture.trial import Outcome, Plan

SEED = 20261122
RECOVER_S = 30.0
LIVENESS_S = 120.0
DISK_MB = 400
SERVERS = ("nats", "postgres", "hub")


def full(disk: SmallDisk) -> Harm:
    return Harm("full disk", lambda _: disk.kept_full(), is_silencing=True)


def suffer(folder: Path, *harms: Harm, harm_s: float, recover_s: float, kills: int = 0) -> Outcome:
    plan = Plan(
        kills=kills, seed=SEED, rate=100.0, recover_within_s=recover_s, memory_mb=2_000.0, harms=harms, harm_s=harm_s
    )
    (outcome,) = asyncio.run(run(Ground(folder), {LayoutName.WHOLE: plan}))
    return outcome


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Everything of the hub, and nothing of the trial, is on it."""
    monkeypatch.setenv("HUB_STORAGE_LOW_MB", "16")
    with small_disk(tmp_path / "small", megabytes=DISK_MB) as found:
        (tmp_path / "trial").mkdir()
        (tmp_path / "trial" / "var").symlink_to(found.folder)
        yield found


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_hub_whose_only_disk_is_full_acknowledges_nothing_and_goes_on_when_there_is_room(
    disk: SmallDisk, tmp_path: Path
) -> None:
    # Beside other tests recovery only has to come; the long trial asks for it within 30 s.
    outcome = suffer(tmp_path / "trial", full(disk), harm_s=8.0, recover_s=LIVENESS_S)
    assert outcome.findings.breaches == []
    assert outcome.findings.counts["readings acknowledged"] > 100


@pytest.mark.long
def test_a_disk_that_is_full_again_and_again_amid_kills_costs_nothing(disk: SmallDisk, tmp_path: Path) -> None:
    outcome = suffer(tmp_path / "trial", *[full(disk)] * 5, harm_s=30.0, recover_s=RECOVER_S, kills=3)
    assert outcome.findings.breaches == []


@pytest.mark.long
@pytest.mark.parametrize("error", [DiskError.EIO, DiskError.EROFS])
def test_a_disk_that_refuses_every_write_of_one_server_or_all_costs_nothing(tmp_path: Path, error: DiskError) -> None:
    need("strace", package="strace")
    harms = [disk_error(target, error) for target in (*SERVERS, EVERYTHING)]
    outcome = suffer(tmp_path, *harms, harm_s=20.0, recover_s=RECOVER_S)
    assert outcome.findings.breaches == []
