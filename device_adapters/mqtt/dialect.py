"""How devices of a profile speak MQTT, as its `[mqtt]` section says. Pure.

dialect = "native"                  the hub's own topics (native.toml); nothing else to say. Or:
unmapped = "refuse" | "ignore"      what becomes of keys that are no point
[[mqtt.telemetry]]                  one kind of message with values
  topic = "tele/{device}/SENSOR"    {device} and {site} stand for one level each
  devices = "topic" | "keys"        the device is named in the topic, or by the keys of the payload's object
  only = {path, one_of}             messages without this are left alone
  values = "params"                 where the values stand; a list there, or above, is several samples
  time = {path, unit}               unit "ms", "s" or "iso"; absent: the hub's time
[[mqtt.status]]                     one kind of message about a link
  topic, path, up, down             words of a bare payload, or at `path` of a JSON object
  device = "device"                 where the payload names the device, if the topic does not
  always = "up" | "down"            any such message means that
  covers = "device" | "all"         it speaks for one device or for all behind this broker
points: mqtt = {path = "ENERGY.Power" | ["POWER", "POWER1"]}    default: the point's key
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, cached_property
from importlib import resources
from typing import Any, Literal

from building.profile import BadProfile, DeviceProfile

Path = tuple[str, ...]


class TimeUnit(StrEnum):
    MILLISECONDS = "ms"
    SECONDS = "s"
    ISO = "iso"


@dataclass(frozen=True)
class Topic:
    """A topic with `{site}` and `{device}` in it."""

    text: str

    @cached_property
    def filter(self) -> str:
        """What to subscribe to."""
        return re.sub(r"\{(site|device)\}", "+", self.text)

    def filled(self, *, site: str, device: str) -> str:
        """The topic of one device; with `+` for `device`, a filter for all of a site."""
        return self.text.replace("{site}", site).replace("{device}", device)

    @property
    def names_site(self) -> bool:
        return "{site}" in self.text

    @property
    def names_device(self) -> bool:
        return "{device}" in self.text

    def match(self, topic: str) -> tuple[str | None, str | None] | None:
        """(site, device) of a concrete topic, each None when the topic names none; None when it does not match."""
        found = self._pattern.fullmatch(topic)
        if found is None:
            return None
        names = found.groupdict()
        return names.get("site"), names.get("device")

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        parts = re.split(r"(\{site\}|\{device\})", self.text)
        return re.compile(
            "".join(f"(?P<{p[1:-1]}>[^/]+)" if p in ("{site}", "{device}") else re.escape(p) for p in parts)
        )


@dataclass(frozen=True)
class TimeRule:
    path: Path
    unit: TimeUnit


@dataclass(frozen=True)
class OnlyRule:
    path: Path
    one_of: tuple[str, ...]


@dataclass(frozen=True)
class TelemetryRule:
    topic: Topic
    devices_are_keys: bool
    values: Path
    time: TimeRule | None
    only: OnlyRule | None


@dataclass(frozen=True)
class StatusRule:
    topic: Topic
    path: Path
    device: Path
    up: frozenset[str]
    down: frozenset[str]
    always: bool | None
    covers_all: bool


Rule = TelemetryRule | StatusRule


@dataclass(frozen=True)
class Dialect:
    telemetry: tuple[TelemetryRule, ...]
    status: tuple[StatusRule, ...]
    refuses_unmapped: bool

    @property
    def rules(self) -> tuple[Rule, ...]:
        return (*self.telemetry, *self.status)


def dialect_of(profile: DeviceProfile) -> Dialect:
    """How devices of this profile speak. Raises BadProfile, naming the profile."""
    section = {key: value for key, value in profile.sections.get("mqtt", {}).items() if key != "silent_after_s"}
    if section in ({}, {"dialect": "native"}):
        return native_dialect()
    return _parse(section, where=f"profile {profile.key}, [mqtt]")


def silent_after_s(profile: DeviceProfile) -> float | None:
    """How long a device may be silent; None when silence says nothing. Raises BadProfile."""
    limit = profile.sections.get("mqtt", {}).get("silent_after_s")
    if limit is None:
        return None
    if isinstance(limit, bool) or not isinstance(limit, int | float) or limit <= 0:
        raise BadProfile(f"profile {profile.key}, [mqtt]: silent_after_s must be a number of seconds above 0")
    return float(limit)


def point_paths(profile: DeviceProfile, key: str) -> tuple[Path, ...]:
    """Where the values of a point may stand, below the dialect's `values`."""
    point = profile.points.get(key)
    section = point.sections.get("mqtt", {}) if point is not None else {}
    if "path" not in section:
        return ((key,),)
    wanted = section["path"]
    return tuple(_path(path) for path in ([wanted] if isinstance(wanted, str) else wanted))


@cache
def native_dialect() -> Dialect:
    text = (resources.files("device_adapters.mqtt") / "native.toml").read_text("utf-8")
    return _parse(tomllib.loads(text), where="native.toml")


def _parse(raw: Mapping[str, Any], *, where: str) -> Dialect:
    _known(raw, {"telemetry", "status", "unmapped"}, where=where)
    if not raw.get("telemetry"):
        raise BadProfile(f'{where}: needs at least one [[mqtt.telemetry]] with a topic, or dialect = "native"')
    unmapped: Literal["refuse", "ignore"] = raw.get("unmapped", "refuse")
    if unmapped not in ("refuse", "ignore"):
        raise BadProfile(f'{where}: unmapped must be "refuse" or "ignore"')
    return Dialect(
        telemetry=tuple(_telemetry(rule, where=where) for rule in raw["telemetry"]),
        status=tuple(_status(rule, where=where) for rule in raw.get("status", ())),
        refuses_unmapped=unmapped == "refuse",
    )


def _telemetry(raw: Mapping[str, Any], *, where: str) -> TelemetryRule:
    _known(raw, {"topic", "devices", "values", "time", "only"}, where=where)
    topic = _topic(raw, where=where)
    devices = raw.get("devices", "topic")
    if devices not in ("topic", "keys") or (devices == "topic") != topic.names_device:
        raise BadProfile(f'{where}: {topic.text} must name {{device}}, or say devices = "keys"')
    return TelemetryRule(
        topic=topic,
        devices_are_keys=devices == "keys",
        values=_path(raw.get("values", "")),
        time=_time(raw["time"], where=where) if "time" in raw else None,
        only=OnlyRule(_path(raw["only"]["path"]), tuple(raw["only"]["one_of"])) if "only" in raw else None,
    )


def _status(raw: Mapping[str, Any], *, where: str) -> StatusRule:
    _known(raw, {"topic", "path", "device", "up", "down", "always", "covers"}, where=where)
    topic = _topic(raw, where=where)
    covers_all = raw.get("covers", "device") == "all"
    if not (covers_all or topic.names_device or "device" in raw):
        raise BadProfile(f'{where}: {topic.text} must name {{device}}, or say device = "<path>" or covers = "all"')
    if not (raw.get("up") or raw.get("down") or raw.get("always") in ("up", "down")):
        raise BadProfile(f"{where}: {topic.text} says neither up nor down nor always")
    return StatusRule(
        topic=topic,
        path=_path(raw.get("path", "")),
        device=_path(raw.get("device", "")),
        up=frozenset(raw.get("up", ())),
        down=frozenset(raw.get("down", ())),
        always={"up": True, "down": False}.get(raw.get("always", "")),
        covers_all=covers_all,
    )


def _topic(raw: Mapping[str, Any], *, where: str) -> Topic:
    text = raw.get("topic")
    if not isinstance(text, str) or not text or set(text) & set("+#"):
        raise BadProfile(f"{where}: topic must be a text with {{device}} and {{site}}, without + and #")
    names = re.findall(r"\{([^}]*)\}", text)
    if set(names) - {"site", "device"} or len(names) != len(set(names)):
        raise BadProfile(f"{where}: {text} may hold {{site}} and {{device}} once each, nothing else in braces")
    return Topic(text)


def _time(raw: Mapping[str, Any], *, where: str) -> TimeRule:
    try:
        return TimeRule(_path(raw["path"]), TimeUnit(raw["unit"]))
    except (KeyError, ValueError):
        raise BadProfile(f'{where}: time needs a path and a unit of "ms", "s" or "iso"') from None


def _path(text: str) -> Path:
    return tuple(text.split(".")) if text else ()


def _known(raw: Mapping[str, Any], known: set[str], *, where: str) -> None:
    if unknown := set(raw) - known:
        raise BadProfile(f"{where}: unknown key {', '.join(sorted(unknown))}; known are {', '.join(sorted(known))}")
