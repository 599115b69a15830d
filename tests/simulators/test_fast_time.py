"""Days of the fleet without waiting for them."""

import json
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
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
"""


def played(folder: Path, site: Path, *, seed: int) -> list[dict[str, object]]:
    arguments = ["export", str(folder), "--days", str(1 / 24), "--seed", str(seed)]
    done = CliRunner().invoke(app, arguments, env={"HUB_SIM_SITE_FILE": str(site)})
    assert done.exit_code == 0, done.output
    rows: list[dict[str, object]] = pq.read_table(folder / "hour-00000.parquet").to_pylist()
    return rows


def test_an_hour_of_a_fleet_holds_what_its_devices_would_send_and_the_seed_decides_it(tmp_path: Path) -> None:
    site = tmp_path / "site.toml"
    site.write_text(SITE, "utf-8")
    readings = played(tmp_path / "one", site, seed=1)
    assert played(tmp_path / "again", site, seed=1) == readings
    assert played(tmp_path / "other", site, seed=2) != readings
    points = {point["point_no"]: point for point in json.loads((tmp_path / "one" / "points.json").read_text("utf-8"))}
    counts = Counter((points[row["point_no"]]["kind"], points[row["point_no"]]["key"]) for row in readings)
    assert counts["electricity_meter", "frequency_hz"] == 360  # polled every ten seconds
    assert counts["elevator", "machine_room_temp_c"] in range(355, 361)  # in each full report, every ten seconds
    assert counts["elevator", "running"] > counts["elevator", "machine_room_temp_c"]  # and whenever it changes
    identities = [(row["point_no"], row["ts_ms"]) for row in readings]
    assert len(set(identities)) == len(identities)
