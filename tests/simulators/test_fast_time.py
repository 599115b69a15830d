"""Days of the fleet without waiting for them."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from simulators.cli import app

SITE = """
[site]
code = "small"
name = "小区"
city = "杭州"
timezone = "Asia/Shanghai"

[[buildings]]
code = "B01"
name = "1栋"

[[equipment]]
code = "LIFT-01"
name = "电梯"
kind = "elevator"
profile = "gb24476-elevator"
building = "B01"
protocol = "mqtt"

[[equipment]]
code = "EM-01"
name = "电表"
kind = "electricity_meter"
profile = "eastron-sdm630"
building = "B01"
protocol = "modbus"
address = { host = "127.0.0.1", port = 15031, unit = 1 }

[[equipment]]
code = "TANK-01"
name = "水箱"
kind = "tank"
profile = "water-tank"
building = "B01"
protocol = "mqtt"
"""


FAULTS = """
[[faults]]
name = "phase-loss"
device = "EM-01"
at = "10m"
for = "20m"
with = { phase = "c" }

[[faults]]
name = "offline"
device = "LIFT-01"
at = "30m"
for = "1d"

[[faults]]
name = "hatch-open"
device = "TANK-01"
at = "40m"
for = "5m"
"""


def played(folder: Path, site: Path, *, seed: int, faults: Path | None = None) -> list[dict[str, Any]]:
    arguments = ["export", str(folder), "--days", str(1 / 24), "--seed", str(seed)]
    arguments += ["--faults", str(faults)] if faults else []
    done = CliRunner().invoke(app, arguments, env={"HUB_SIM_SITE_FILE": str(site)})
    assert done.exit_code == 0, done.output
    rows: list[dict[str, Any]] = pq.read_table(folder / "hour-00000.parquet").to_pylist()
    return rows


def test_an_hour_of_a_fleet_holds_what_its_devices_would_send_and_the_seed_decides_it(tmp_path: Path) -> None:
    site = tmp_path / "site.toml"
    site.write_text(SITE, "utf-8")
    readings = played(tmp_path / "one", site, seed=1)
    assert played(tmp_path / "again", site, seed=1) == readings
    plan = tmp_path / "faults.toml"
    plan.write_text(FAULTS, "utf-8")
    other = played(tmp_path / "other", site, seed=2, faults=plan)
    assert other != readings
    points = {point["point_no"]: point for point in json.loads((tmp_path / "one" / "points.json").read_text("utf-8"))}
    counts = Counter((points[row["point_no"]]["kind"], points[row["point_no"]]["key"]) for row in readings)
    assert counts["electricity_meter", "frequency_hz"] == 360  # polled every ten seconds
    assert counts["elevator", "machine_room_temp_c"] in range(355, 361)  # in each full report, every ten seconds
    assert counts["tank", "level_pct"] in range(58, 61)  # in each full report, every minute
    assert counts["elevator", "running"] > counts["elevator", "machine_room_temp_c"]  # and whenever it changes
    _the_faults_are_in_the_recording_and_beside_it(tmp_path / "other", other, points)
    identities = [(row["point_no"], row["ts_ms"]) for row in readings]
    assert len(set(identities)) == len(identities)


def _the_faults_are_in_the_recording_and_beside_it(
    folder: Path, readings: list[dict[str, Any]], points: dict[int, dict[str, Any]]
) -> None:
    lost, silent, opened = json.loads((folder / "faults.json").read_text("utf-8"))
    assert (lost["name"], lost["device"], lost["parameters"]) == ("phase-loss", "EM-01", {"phase": "c"})
    assert (lost["ends_ms"] - lost["begins_ms"], silent["begins_ms"]) == (20 * 60_000, lost["ends_ms"])
    without = [
        row["ts_ms"] for row in readings if points[row["point_no"]]["key"] == "voltage_c_v" and row["value"] < 50
    ]
    assert lost["begins_ms"] <= min(without) <= lost["begins_ms"] + 12_000
    assert lost["ends_ms"] - 12_000 <= max(without) <= lost["ends_ms"] + 12_000
    last = max(row["ts_ms"] for row in readings if points[row["point_no"]]["kind"] == "elevator")
    assert silent["begins_ms"] - 12_000 <= last <= silent["begins_ms"]
    hatch = [(row["ts_ms"], row["value"]) for row in readings if points[row["point_no"]]["key"] == "hatch_open"]
    changes = [at for (at, value), (_, before) in zip(hatch[1:], hatch, strict=False) if value != before]
    for at, wanted in zip(changes, (opened["begins_ms"], opened["ends_ms"]), strict=True):
        assert wanted <= at <= wanted + 5_000


@pytest.mark.parametrize(("was", "now"), [("EM-01", "EM-99"), ('at = "40m"', 'at = "1d"')])
def test_a_fault_that_cannot_happen_is_refused_before_anything_is_recorded(tmp_path: Path, was: str, now: str) -> None:
    site, plan = tmp_path / "site.toml", tmp_path / "faults.toml"
    site.write_text(SITE, "utf-8")
    plan.write_text(FAULTS.replace(was, now), "utf-8")
    done = CliRunner().invoke(
        app, ["export", str(tmp_path / "tape"), "--faults", str(plan)], env={"HUB_SIM_SITE_FILE": str(site)}
    )
    assert (done.exit_code, (tmp_path / "tape").exists()) == (1, False)
    assert ("EM-99" if now == "EM-99" else "at < 86400 s") in done.output
