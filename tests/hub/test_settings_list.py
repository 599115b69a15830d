"""`hub settings` lists every setting there is, and what it is for."""

import ast
from pathlib import Path

import pytest
from pydantic import ValidationError
from pydantic_settings import SettingsError
from typer.testing import CliRunner

from connectors.wechat import WeChatSettings
from hub.cli import app
from hub.settings import HubSettings
from hub.settings_list import every_setting, settings_classes, what_is_wrong
from notify.settings import NotifySettings

ROOT = Path(__file__).parents[2]
NO_ROOMS = {"tests", "simulators", "kit"}


def test_every_setting_has_a_description() -> None:
    assert [setting.variable for setting in every_setting() if not setting.words] == []


def test_no_settings_class_is_left_out() -> None:
    listed = {f"{cls.__module__}.{cls.__name__}" for cls in settings_classes()}
    # The demo's ports are the simulators' settings, explained in docs/simulators.md.
    assert declared() - listed == {"hub.demo.environment.DemoPorts"}


def test_a_line_a_setting_whole_and_without_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_WECHAT_APP_SECRET", "s3cret")
    shown = CliRunner().invoke(app, ["settings"]).stdout
    lines = shown.splitlines()
    assert len(lines) == len(list(every_setting()))
    assert all(line.startswith("HUB_") and "  # " in line for line in lines)
    assert any(line.startswith("HUB_WECHAT_APP_SECRET=  #") for line in lines)
    assert "s3cret" not in shown


def test_a_wrong_value_is_named_but_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_WECHAT_AES_KEY", "too-short-a-secret")
    with pytest.raises(ValidationError) as caught:
        WeChatSettings(_env_file=None)
    (line,) = what_is_wrong(caught.value)
    assert line.startswith("HUB_WECHAT_AES_KEY: ")
    assert "43" in line
    assert "too-short-a-secret" not in line


def test_a_value_that_is_no_json_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_NOTIFY_WECHAT_TEMPLATES", "{oops")
    with pytest.raises(SettingsError) as caught:
        NotifySettings(_env_file=None)
    assert what_is_wrong(caught.value) == ["HUB_NOTIFY_WECHAT_TEMPLATES: not readable as JSON"]


@pytest.mark.parametrize(
    ("bind", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000"),
        ("0.0.0.0", "http://127.0.0.1:8000"),
        ("::", "http://127.0.0.1:8000"),
        ("10.0.0.5", "http://10.0.0.5:8000"),
        ("::1", "http://[::1]:8000"),
    ],
)
def test_an_address_to_listen_on_becomes_one_to_ask(bind: str, url: str) -> None:
    settings = HubSettings(_env_file=None, http_bind=bind)
    assert settings.local_url == settings.base_url == url


def test_links_begin_with_the_public_address() -> None:
    settings = HubSettings(_env_file=None, http_bind="0.0.0.0", public_url="https://hub.example")
    assert (settings.base_url, settings.local_url) == ("https://hub.example", "http://127.0.0.1:8000")


def declared() -> set[str]:
    found: set[str] = set()
    for room in (child for child in ROOT.iterdir() if (child / "__init__.py").exists() and child.name not in NO_ROOMS):
        for file in room.rglob("*.py"):
            module = ".".join(file.relative_to(ROOT).with_suffix("").parts)
            found |= {f"{module}.{name}" for name in settings_in(file)}
    return found


def settings_in(file: Path) -> list[str]:
    return [
        node.name
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.ClassDef)
        and any(isinstance(base, ast.Name) and base.id == "Settings" for base in node.bases)
    ]
