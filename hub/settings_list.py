"""Every setting of every room, read from the settings classes themselves."""

import importlib
import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass

from kit.settings import Settings

ROOMS = (
    "hub", "bus", "people", "device_adapters", "device_adapters.mqtt", "device_adapters.modbus", "telemetry", "rules",
    "alarms", "ticketing", "notify", "connectors", "owner_services",
)  # fmt: skip


@dataclass(frozen=True)
class SettingLine:
    """One setting: its variable, its default as text (empty for a secret without one) and what it is for."""

    variable: str
    default: str
    words: str


def every_setting() -> Iterator[SettingLine]:
    for cls in sorted(settings_classes(), key=lambda cls: str(cls.model_config.get("env_prefix"))):
        prefix = cls.model_config.get("env_prefix", "")
        purpose = (cls.__doc__ or "").strip().splitlines()[0] if cls.__doc__ else ""
        for name, field in cls.model_fields.items():
            default = (
                ""
                if field.is_required() or field.default is None
                else str(field.get_default(call_default_factory=True))
            )
            yield SettingLine(f"{prefix}{name}".upper(), default, field.description or purpose)


def settings_classes() -> list[type[Settings]]:
    """All rooms' settings classes, found in their `settings` modules."""
    for room in ROOMS:
        if importlib.util.find_spec(f"{room}.settings"):
            importlib.import_module(f"{room}.settings")
    return [cls for cls in Settings.__subclasses__() if cls.__module__.split(".")[0] != "tests"]
