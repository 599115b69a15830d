"""Ordinary mistakes at the command line are a line to read, not a trace."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner

import hub.installing
from building.declaration import BadDeclaration
from hub.cli import app
from hub.installing import NothingDeclared
from hub.lock import AlreadyRunning, folder_lock
from hub.refusal_lines import refusal_lines
from people.errors import UsernameTaken


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_VAR", str(tmp_path / "var"))
    monkeypatch.chdir(tmp_path)


def refused(*command: str) -> list[str]:
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    return result.stdout.splitlines()


@pytest.mark.parametrize("command", ["serve", "demo", "migrate", "simulate"])
def test_wrong_settings_are_a_line_each(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_HTTP_PORT", "eighty")
    monkeypatch.setenv("HUB_MQTT_PORT", "99999")
    lines = refused(command)
    assert [line.split(":")[0] for line in lines] == ["HUB_MQTT_PORT", "HUB_HTTP_PORT"]


def test_a_declaration_that_is_no_toml_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_text("[site\n")
    (line,) = refused("load-site", "site.toml")
    assert line.startswith("not readable as TOML: ")


def test_a_declaration_that_says_nothing_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_text("")
    (line,) = refused("load-site", "site.toml")
    assert line


@pytest.mark.parametrize(("language", "word"), [(None, "用户名"), ("en", "wang")])
def test_a_refusal_speaks_the_language_of_the_settings(
    language: str | None, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    @asynccontextmanager
    async def refuse(settings: object) -> AsyncIterator[None]:
        raise UsernameTaken("wang")
        yield

    monkeypatch.setattr(hub.installing, "_database", refuse)
    if language:
        monkeypatch.setenv("HUB_LANGUAGE", language)
    (line,) = refused("create-admin", "wang")
    assert word in line


def test_a_second_hub_is_one_line(tmp_path: Path) -> None:
    with folder_lock(tmp_path / "var"):
        (line,) = refused("demo")
    assert "another hub (pid" in line


def test_mistakes_of_several_tasks_are_all_said() -> None:
    mistakes = ExceptionGroup("", [NothingDeclared(), ExceptionGroup("", [BadDeclaration("no name")])])
    assert refusal_lines(mistakes) == [str(NothingDeclared()), "no name"]


def test_a_defect_keeps_its_trace() -> None:
    assert refusal_lines(ZeroDivisionError()) == []
    assert refusal_lines(ExceptionGroup("", [AlreadyRunning("x"), ZeroDivisionError()])) == []
