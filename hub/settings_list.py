"""Every setting of every room, read from the settings classes themselves."""

import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import SecretStr, ValidationError
from pydantic_settings import SettingsError

from kit.settings import Settings

MODULES = (
    "hub.settings", "people.settings", "device_adapters.mqtt.settings", "device_adapters.modbus.settings",
    "telemetry.settings", "notify.settings", "owner_services.settings", "automation.settings", "linkage.settings",
    "alarms.settings", "insight.settings", "privacy.settings", "predictive.settings", "predictive.training.settings",
    "predictive.predictions.settings", "predictive.consumption.settings",
    "connectors.wechat", "connectors.wecom", "connectors.sms", "connectors.voice",
    "connectors.dingtalk", "connectors.wecom_robot", "connectors.email",
)  # fmt: skip


@dataclass(frozen=True)
class SettingLine:
    """One setting: its variable, its default as text (empty for a secret and where there is none), what it is for."""

    variable: str
    default: str
    words: str


def every_setting() -> Iterator[SettingLine]:
    for cls in settings_classes():
        for name, field in cls.model_fields.items():
            default = None if field.is_required() else field.get_default(call_default_factory=True)
            shown = "" if default is None or isinstance(default, SecretStr) else str(default)
            yield SettingLine(variable(cls, name), shown, field.description or "")


def settings_classes() -> list[type[Settings]]:
    """All rooms' settings classes, by prefix."""
    modules = [importlib.import_module(name) for name in MODULES]
    found = [
        cls
        for module in modules
        for cls in vars(module).values()
        if isinstance(cls, type) and issubclass(cls, Settings) and cls.__module__ == module.__name__
    ]
    return sorted(found, key=lambda cls: str(cls.model_config.get("env_prefix")))


def variable(cls: type[Settings], name: str) -> str:
    """The environment variable of a field."""
    return f"{cls.model_config.get('env_prefix', '')}{name}".upper()


def what_is_wrong(error: ValidationError | SettingsError) -> list[str]:
    """One line a variable that cannot be used: its name and what is wrong, never its value, which may be a secret."""
    if isinstance(error, SettingsError):
        # Raised for a value that is no JSON, with the field's name in its words only.
        named = re.search(r'field "(\w+)"', str(error))
        owners = [variable(cls, named[1]) for cls in settings_classes() if named and named[1] in cls.model_fields]
        return [f"{' or '.join(owners) or error}: not readable as JSON"]
    owner = next((cls for cls in settings_classes() if cls.__name__ == error.title), None)
    lines: list[str] = []
    for each in error.errors(include_url=False, include_context=False, include_input=False):
        if not each["loc"]:  # about several variables: the words name them
            lines.append(each["msg"])
            continue
        first, *rest = each["loc"]
        name = variable(owner, str(first)) if owner is not None else str(first)
        lines.append(f"{'.'.join([name, *map(str, rest)])}: {each['msg']}")
    return lines
