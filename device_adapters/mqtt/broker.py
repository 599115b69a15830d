"""Where a broker is, how to be let in, and what to listen to there."""

import ssl
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

# What the hub's own broker is called.
EMBEDDED = "embedded"
# Of the embedded listener: nats-server refuses more than 60 topics a session at QoS 1, so several sessions share them.
EMBEDDED_TOPICS = 50
EMBEDDED_SESSIONS = 12


class MqttVersion(StrEnum):
    V311 = "3.1.1"
    V5 = "5"


class Broker(BaseModel):
    """One entry of `HUB_MQTT_BROKERS`. Only `name` and `host` are needed for a broker that lets anybody in.

    A certificate is checked against the system's authorities, or `ca_file`; there is no way not to check it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(description='what an equipment\'s address calls it: {"broker": "north"}', min_length=1)
    host: str
    port: int = 1883
    username: str | None = None
    password: str | None = Field(default=None, repr=False)
    version: MqttVersion = MqttVersion.V311
    client_id: str = Field(default="zhiwu-hub", description="unique at the broker: one per hub process that connects")
    tls: bool = False
    ca_file: Path | None = None
    client_certificate: Path | None = None
    client_key: Path | None = None
    site: str | None = Field(default=None, description="code of the only site whose devices speak here")
    profiles: list[str] | None = Field(default=None, description="the profiles to listen for; all when absent")
    life_safety_topics: int = Field(
        default=5_000,
        description="up to so many devices with life-safety points a session are heard by topics of their own, so "
        "that smoke waits behind no other message; more by wildcards, behind everything they match. Mosquitto and EMQX "
        "take thousands of topics a session, nats-server (the embedded listener) 60",
        ge=0,
    )
    life_safety_sessions: int = Field(
        default=1, description="how many sessions share these topics, where a broker takes few a session", ge=1, le=32
    )

    def tls_context(self) -> ssl.SSLContext | None:
        """None without TLS. Raises OSError for an unreadable file."""
        if not self.tls:
            return None
        context = ssl.create_default_context(cafile=self.ca_file)
        if self.client_certificate is not None:
            context.load_cert_chain(self.client_certificate, self.client_key)
        return context
