"""Wire shapes of MQTT credentials."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from catalog.foreign_text import Line, Name
from device_adapters.mqtt.credentials import CredentialKind
from kit.http import Schema

_CREDENTIAL: JsonDict = {
    "id": "01975b2e-7c1a-7a60-b6c5-3a0f6f1f7a10",
    "site_id": "01975b2e-7c1a-7a60-b6c5-3a0f6f1f7a11",
    "kind": "device",
    "name": "yunqi/LIFT-06",
    "title": "",
    "equipment_id": "01975b2e-7c1a-7a60-b6c5-3a0f6f1f7a12",
    "profile": None,
    "publish": ["site/yunqi/device/LIFT-06/telemetry", "site/yunqi/device/LIFT-06/status"],
    "subscribe": [],
    "issued_at": "2026-11-22T06:00:00Z",
}


class CredentialOut(Schema):
    """Who may come in to the embedded broker. `publish` and `subscribe` are the topics it opens."""

    model_config = ConfigDict(json_schema_extra={"examples": [_CREDENTIAL]})

    id: UUID
    site_id: UUID
    kind: CredentialKind
    name: str
    title: str
    equipment_id: UUID | None
    profile: str | None
    publish: list[str]
    subscribe: list[str]
    issued_at: datetime


class IssuedOut(CredentialOut):
    """A credential with its password: write it down now, it is not shown again."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [_CREDENTIAL | {"password": "PzA3cQ0mS1x9rT4vK7yB2nE5hJ8uL6dW"}]}
    )

    password: str


class CredentialIn(Schema):
    """A credential for a platform or gateway that speaks for many devices, for a panel that follows alarms, or for a
    console that answers them as well."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "site_id": "01975b2e-7c1a-7a60-b6c5-3a0f6f1f7a11",
                    "kind": "platform",
                    "name": "nbiot-smoke",
                    "title": "烟感平台",
                }
            ]
        }
    )

    site_id: UUID
    kind: Literal[CredentialKind.PLATFORM, CredentialKind.PANEL, CredentialKind.CONSOLE]
    name: Name
    title: Line = ""
    profile: Line | None = Field(default=None, description="whose dialect a platform speaks; the hub's own when absent")
