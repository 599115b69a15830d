"""How a device is told something over MQTT, as the points of its profile say. Pure.

points: mqtt = { …, command = { topic, payload, ask = { topic, payload } } }
  topic     with {device} and {site}, as in the dialect
  payload   { "0" = "OFF", "1" = "ON" }: the values that can be sent, and the text of each; or one text in which {value}
            stands for the number. {device} and {command} (a number of the command's own) may stand in it
  ask       what makes the device say the point's value, where it does not by itself after a command
The answer is what the device then says of the point by its `[[mqtt.telemetry]]`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

from building.profile import BadProfile, DeviceProfile
from catalog.directory import EquipmentEntry
from device_adapters.mqtt.dialect import Topic

_NOT_IN_TOPICS = set("+#/\0")
_NAMED = re.compile(r"\{(value|device|command)\}")


@dataclass(frozen=True)
class Said:
    """A message of ours: where, and what."""

    topic: str
    payload: bytes


@dataclass(frozen=True)
class CommandDialect:
    """`texts`: by value, or None where `template` takes any number."""

    topic: Topic
    texts: Mapping[float, str] | None
    template: str
    ask: tuple[Topic, str] | None

    def can_say(self, value: float) -> bool:
        return self.texts is None or value in self.texts

    @cached_property
    def values(self) -> list[float]:
        """The only values there are; empty where any number goes."""
        return sorted(self.texts or ())

    def said(self, entry: EquipmentEntry, value: float, *, command_id: UUID) -> list[Said]:
        """What to publish, in order. `can_say(value)` holds; the device's name can stand in topics (`is_nameable`)."""
        text = self.template if self.texts is None else self.texts[value]
        messages = [(self.topic, text), *([self.ask] if self.ask else [])]
        return [
            Said(
                topic.filled(site=entry.site_code, device=entry.external_id),
                _filled(payload, entry, value, command_id).encode(),
            )
            for topic, payload in messages
        ]


def is_nameable(entry: EquipmentEntry) -> bool:
    return not set(entry.external_id + entry.site_code) & _NOT_IN_TOPICS


def command_of(profile: DeviceProfile, key: str) -> CommandDialect | None:
    """None where the profile knows no command for the point. Raises BadProfile."""
    point = profile.points.get(key)
    raw = point.sections.get("mqtt", {}).get("command") if point is not None else None
    return None if raw is None else _parse(raw, where=f"profile {profile.key}, point {key}, command")


def _parse(raw: Mapping[str, Any], *, where: str) -> CommandDialect:
    if not isinstance(raw, Mapping) or set(raw) - {"topic", "payload", "ask"} or not {"topic", "payload"} <= set(raw):
        raise BadProfile(f"{where}: needs topic and payload, and may have ask = {{ topic, payload }}")
    payload, ask = raw["payload"], raw.get("ask")
    if ask is not None and (not isinstance(ask, Mapping) or set(ask) != {"topic", "payload"}):
        raise BadProfile(f"{where}: ask needs a topic and a payload")
    try:
        texts = {float(value): str(text) for value, text in payload.items()} if isinstance(payload, Mapping) else None
    except ValueError:
        raise BadProfile(f'{where}: payload must name numbers, as {{ 0 = "OFF", 1 = "ON" }}') from None
    if texts is None and "{value}" not in str(payload):
        raise BadProfile(f"{where}: a payload for any number must hold {{value}}")
    return CommandDialect(
        topic=_topic(raw["topic"], where),
        texts=texts,
        template="" if texts is not None else str(payload),
        ask=None if ask is None else (_topic(ask["topic"], where), str(ask["payload"])),
    )


def _topic(text: Any, where: str) -> Topic:
    names = re.findall(r"\{([^}]*)\}", text) if isinstance(text, str) else ["?"]
    if "device" not in names or set(names) - {"site", "device"} or set(text) & set("+#"):
        raise BadProfile(f"{where}: topic must name {{device}}, may name {{site}}, and holds no + and #")
    return Topic(text)


def _filled(text: str, entry: EquipmentEntry, value: float, command_id: UUID) -> str:
    # One pass, so that a device called {value} stays what it is called.
    facts = {"value": f"{value:g}", "device": entry.external_id, "command": str(command_id.int % 1_000_000)}
    return _NAMED.sub(lambda found: facts[found[1]], text)
