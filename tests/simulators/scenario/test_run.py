"""Scenarios against the running simulator and a hub in a few lines: what holds, what does not, and what is left."""

import asyncio
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from kit.i18n import Language
from simulators.errors import BadScenario
from simulators.scenario.run import run_file
from simulators.scenario.targets import Targets
from tests.simulators.conftest import Simulator
from tests.simulators.scenario.fake_hub import FakeHub

FAULT = """
[[step]]
fault = "passenger-trapped"
device = "LIFT-01"
for = "5m"
"""
ALARM = """
[[step]]
expect = "alarm"
within = "5s"
where = { device = "LIFT-01", fault_mode = "passenger_trapped", state = "UNACKED" }
count = 1
save = "alarm"
"""
ORDER = """
[[step]]
expect = "order"
within = "5s"
where = { device = "LIFT-01", kind = "repair", tasks = ["intercom"] }
save = "order"
"""


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    simulator = Simulator(tmp_path_factory.mktemp("shared") / "simulator.log")
    simulator.start()
    simulator.wait_ready()
    yield simulator
    simulator.stop()


class Bench:
    def __init__(self, simulator: Simulator, folder: Path) -> None:
        self.simulator = simulator
        self.said: list[str] = []
        self._file = folder / "scenario.toml"

    def play(self, hub: FakeHub, *steps: str, head: str = "", password: str = "right") -> bool:
        self._file.write_text(f'title = "试验"\n{head}\n{"".join(steps)}')
        targets = Targets(hub.url, self.simulator.control, self.simulator.platform, "admin", password)
        return asyncio.run(run_file(self._file, targets, language=Language.EN, say=self.said.append))

    def faults(self) -> Any:
        return httpx.get(f"{self.simulator.control}/faults", trust_env=False).json()


@pytest.fixture
def bench(shared, tmp_path):
    bench = Bench(shared, tmp_path)
    yield bench
    httpx.delete(f"{shared.control}/faults", trust_env=False)


def test_what_holds_is_said_with_its_measured_time_and_the_faults_are_ended(bench):
    with FakeHub(bench.simulator.control, delay_s=0.5) as hub:
        assert bench.play(hub, FAULT, ALARM, ORDER)
    assert bench.faults() == []
    alarm_line = next(line for line in bench.said if line.startswith("✓  2"))
    measured = re.search(r"([\d.]+) s ≤ 5 s", alarm_line)
    assert measured
    took_s = float(measured[1])
    assert 0.4 < took_s < 5
    assert bench.said[-1].startswith("All as expected")


def test_what_comes_too_late_does_not_hold_and_the_faults_are_ended_all_the_same(bench):
    with FakeHub(bench.simulator.control, delay_s=30) as hub:
        assert not bench.play(hub, FAULT, ALARM.replace("5s", "500ms"))
    assert bench.faults() == []
    assert any(line.startswith("✗") for line in bench.said)
    assert bench.said[-1].startswith("Not as expected")


def test_what_is_only_looked_at_after_its_time_does_not_hold(bench):
    with FakeHub(bench.simulator.control) as hub:
        assert not bench.play(hub, FAULT, ALARM, ALARM.replace("5s", "10ms"))
    assert any("instead of within 0.01 s" in line for line in bench.said)


def test_one_too_many_does_not_hold_and_what_is_there_is_shown(bench):
    with FakeHub(bench.simulator.control, orders_per_fault=2) as hub:
        assert not bench.play(hub, FAULT, ORDER.replace('within = "5s"', 'within = "1s"\ncount = 1'))
    assert any("found 2" in line and "WO-1" in line for line in bench.said)


def test_what_must_not_be_there_is_watched_for_its_time(bench):
    nothing = '[[step]]\nexpect = "alarm"\nwithin = "5s"\nduring = "2s"\ncount = 0\nwhere = { device = "LIFT-01" }\n'
    with FakeHub(bench.simulator.control, delay_s=1.0) as hub:
        assert not bench.play(hub, FAULT, nothing)  # it is not there at first, but comes
        assert bench.play(hub, nothing.replace("LIFT-01", "LIFT-02"))


def test_calls_are_filled_from_what_was_saved(bench):
    calls = """
[[step]]
call = "POST /api/v1/work-orders/{order.id}/tasks/{order.tasks.intercom.id}/actions"
json = { action = "finish", note = "{me.name}" }
[[step]]
call = "POST /api/v1/work-orders/{order.id}/actions"
json = { action = "finish" }
save = "after"
[[step]]
expect = "order"
within = "2s"
where = { device = "LIFT-01", state = "{after.state}" }
"""
    with FakeHub(bench.simulator.control) as hub:
        assert bench.play(hub, FAULT, ORDER, calls)
    assert hub.received[0] == ("order-0/t1", {"action": "finish", "note": "陈立"})


def test_a_call_that_is_answered_otherwise_does_not_hold(bench):
    with FakeHub(bench.simulator.control) as hub:
        assert not bench.play(hub, '[[step]]\ncall = "GET /api/v1/nothing"\n')
        assert bench.play(hub, '[[step]]\ncall = "GET /api/v1/nothing"\nstatus = 404\n')
    assert any("404" in line for line in bench.said)


def test_a_brace_that_nobody_saved_names_itself(bench):
    with FakeHub(bench.simulator.control) as hub:
        assert not bench.play(hub, '[[step]]\ncall = "GET /api/v1/work-orders/{order.id}"\n')
    assert any("{order.id}" in line for line in bench.said)


def test_an_owner_writes_and_the_answer_is_judged(tmp_path):
    simulator = Simulator(tmp_path / "simulator.log")
    with FakeHub(simulator.control) as hub:
        simulator.environment |= {"HUB_SIM_HUB_URL": hub.url, "HUB_WECHAT_AES_KEY": "", "HUB_WECHAT_TOKEN": "t"}
        simulator.start()
        try:
            simulator.wait_ready()
            bench = Bench(simulator, tmp_path)
            chat = '[[step]]\nchat = "owner-1"\ntext = "电梯不动了"\nreply = "{order.number}"\n'
            assert bench.play(hub, FAULT, ORDER, chat)
            assert not bench.play(hub, chat.replace("{order.number}", "停水"))
            assert bench.play(hub, chat.replace("电梯不动了", "谢谢").replace("{order.number}", "^$"))
        finally:
            simulator.stop()


def test_what_an_earlier_run_left_is_settled_first(bench):
    with FakeHub(bench.simulator.control) as hub:
        assert bench.play(hub, FAULT, ALARM, ORDER)
        assert hub.orders["order-0"]["state"] == "dispatched"
        assert bench.play(hub, FAULT, ALARM, ORDER, head='settle = ["LIFT-01"]')
    assert [order["state"] for order in hub.orders.values()] == ["cancelled", "dispatched"]
    assert len(hub.acknowledged) == 1


@pytest.mark.parametrize("gone", ["hub", "simulator", "password"])
def test_a_server_that_is_not_there_is_named_and_nothing_hangs(bench, gone):
    with FakeHub(bench.simulator.control) as hub:
        if gone == "hub":
            hub.url = "http://127.0.0.1:1"
        if gone == "simulator":
            bench.simulator = Simulator(Path("unused"))
        assert not bench.play(hub, FAULT, password="wrong" if gone == "password" else "right")
    shown = {"hub": "127.0.0.1:1", "simulator": bench.simulator.control, "password": "401"}[gone]
    assert any(shown in line for line in bench.said)


def test_the_command_says_by_its_exit_status_whether_all_held(bench, tmp_path):
    file = tmp_path / "s.toml"
    with FakeHub(bench.simulator.control) as hub:

        def run(text: str) -> subprocess.CompletedProcess[str]:
            file.write_text(text)
            return subprocess.run(
                [
                    sys.executable, "-m", "simulators", "run", str(file), "--hub", hub.url,
                    "--simulator", bench.simulator.control, "--platform", bench.simulator.platform,
                    "--user", "admin", "--password", "right", "--language", "zh-CN",
                ],
                capture_output=True, text=True, timeout=60, check=False,
            )  # fmt: skip

        held, failed = (
            run(f'title = "试验"{FAULT}{ALARM}'),
            run(f'title = "试验"{FAULT}{ALARM.replace("UNACKED", "X")}'),
        )
        bad = run('title = "试验"\n[[step]]\nfault = "smok"\ndevice = "X"\n')
    assert (held.returncode, failed.returncode, bad.returncode) == (0, 1, 1)
    assert "全部符合预期" in held.stdout
    assert "passenger-trapped" in bad.stderr


def test_a_file_that_is_not_there_is_named(bench, tmp_path):
    targets = Targets("http://127.0.0.1:1", "", "", "", "")
    with pytest.raises(BadScenario, match=r"nothing\.toml"):
        asyncio.run(run_file(tmp_path / "nothing.toml", targets, language=Language.EN, say=print))
