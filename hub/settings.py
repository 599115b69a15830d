"""Settings of the whole: folders, addresses, which servers are embedded. A room's own settings live in that room."""

import logging
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from kit.bodies import BodyLimits
from kit.i18n import Language
from kit.secrets import SecretStore
from kit.settings import Settings, settings_config

Port = Annotated[int, Field(ge=0, le=65535)]

LOOPBACK = "127.0.0.1"
WILDCARDS = ("", "0.0.0.0", "::")  # noqa: S104 - recognised, not bound


class Durability(StrEnum):
    """What must happen before something counts as kept. See docs/reliability.md."""

    PROCESS = "process"
    POWER = "power"


class HubSettings(Settings):
    """Read once at start from `HUB_…` variables and `hub.env`.

    Everything listens on loopback unless told otherwise. Empty `database_url` or `nats_url` means: run our own.
    """

    model_config = settings_config("HUB_")

    var: Path = Field(Path("var"), description="folder of all data; one hub a folder")
    files_dir: Path | None = Field(None, description="folder of photos; by default `files` in HUB_VAR")
    database_url: str = Field(
        "", description="your PostgreSQL, as postgresql://user:password@host/name; empty: our own"
    )
    postgres_port: Port = Field(54329, description="loopback port of our own PostgreSQL")
    nats_url: str = Field(
        "",
        description="your nats-server, as nats://user:password@host:4222, or all of a cluster with commas; "
        "empty: our own",
    )
    nats_replicas: int = Field(
        0, ge=0, le=5, description="copies the cluster keeps of each message; 0: 3 where HUB_NATS_URL names 3 servers"
    )
    nats_port: Port = Field(4222, description="loopback port of our own nats-server")
    mqtt_bind: str = Field(LOOPBACK, description="address the embedded MQTT listener listens on; 0.0.0.0 for all")
    mqtt_port: Port = Field(1883, description="port of the embedded MQTT listener")
    mqtt_tls_cert: Path | None = Field(
        None, description="certificate (PEM, with its chain) of the MQTT listener, good for 127.0.0.1 too: then TLS"
    )
    mqtt_tls_key: Path | None = Field(None, description="private key (PEM) of that certificate")
    http_bind: str = Field(LOOPBACK, description="address the desk and the API listen on; 0.0.0.0 for all")
    http_port: Port = Field(8000, description="port of the desk and the API")
    body_mb: int = Field(1, ge=1, le=64, description="largest request without files, MB")
    upload_mb: int = Field(64, ge=1, le=1024, description="largest request with files, MB")
    body_silence_s: int = Field(20, ge=1, le=600, description="seconds in which the next part of a request must come")
    public_url: str = Field("", description="how people reach the hub, as https://hub.example.com: links and QR codes")
    health_bind: str = Field(LOOPBACK, description="address of HUB_HEALTH_PORT; 0.0.0.0 for all")
    health_port: Port = Field(
        0, description="port of /healthz, /readyz and /metrics of a process without the api role; 0: none"
    )
    secrets_file: Path | None = Field(
        None, description="file of the generated secrets; by default `secrets.json` in HUB_VAR"
    )
    login_secret: SecretStr | None = Field(
        None,
        min_length=32,
        description="signs log-ins; the same in every process of several machines; by default generated",
    )
    link_secret: SecretStr | None = Field(
        None, min_length=32, description="signs links to reports; the same in every process; by default generated"
    )
    model_secret: SecretStr | None = Field(
        None, min_length=32, description="signs trained models; the same in every process; by default generated"
    )
    backup_passphrase: SecretStr | None = Field(
        None, min_length=12, description="seals the secrets in a backup; without it they are left out of it"
    )
    web_dist: Path = Field(
        Path(__file__).parent.parent / "web" / "dist", description="folder of the built front end (`make web`)"
    )
    profiles_dir: Path = Field(
        Path(__file__).parent.parent / "device_adapters" / "profiles", description="folder of the device profiles"
    )
    storage_low_mb: int = Field(
        1024, ge=0, description="an alarm is raised when less room is left where the hub writes, MB"
    )
    durable: Durability = Field(
        Durability.PROCESS,
        description="`process`: no kill -9 loses what was acknowledged; `power`: no power cut either, but more slowly",
    )
    language: Language = Field(Language.ZH, description="language of what the commands refuse with: zh-CN or en")
    log_level: str = Field("INFO", description="least serious log lines to write: DEBUG, INFO, WARNING or ERROR")
    log_json: bool | None = Field(None, description="log lines as JSON; by default when the output is no terminal")

    @field_validator("log_level")
    @classmethod
    def _is_a_level(cls, value: str) -> str:
        if value.upper() not in logging.getLevelNamesMapping():
            raise ValueError("there are DEBUG, INFO, WARNING and ERROR")
        return value.upper()

    @field_validator(
        "mqtt_tls_cert",
        "mqtt_tls_key",
        "secrets_file",
        "login_secret",
        "link_secret",
        "model_secret",
        "backup_passphrase",
        "files_dir",
        mode="before",
    )
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        return value or None

    @model_validator(mode="after")
    def _both_tls_files_or_neither(self) -> Self:
        if (self.mqtt_tls_cert is None) is not (self.mqtt_tls_key is None):
            raise ValueError("HUB_MQTT_TLS_CERT and HUB_MQTT_TLS_KEY belong together: set both or neither")
        return self

    @property
    def files(self) -> Path:
        """Where photos are kept."""
        return self.files_dir or self.var / "files"

    @property
    def bodies(self) -> BodyLimits:
        return BodyLimits(body_mb=self.body_mb, upload_mb=self.upload_mb, silence_s=self.body_silence_s)

    @property
    def secrets(self) -> SecretStore:
        """The generated secrets; those that the settings give come before them."""
        given = {
            "login_secret": self.login_secret, "link_secret": self.link_secret, "model_secret": self.model_secret
        }  # fmt: skip
        return SecretStore(
            self.secrets_file or self.var / "secrets.json",
            given={name: secret.get_secret_value() for name, secret in given.items() if secret is not None},
        )

    @property
    def local_url(self) -> str:
        """How programs on this machine reach the hub."""
        host = LOOPBACK if self.http_bind in WILDCARDS else self.http_bind
        return f"http://{f'[{host}]' if ':' in host else host}:{self.http_port}"

    @property
    def base_url(self) -> str:
        """How people reach the hub: what links in messages begin with."""
        return self.public_url or self.local_url
