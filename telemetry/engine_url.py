"""Which engine keeps the readings, and where: `HUB_TELEMETRY_URL`, parsed. No message here ever holds a secret."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

INFLUX_PORT = 8086
CLICKHOUSE_PORT = 8123
CLICKHOUSE_TLS_PORT = 8443

FORMS = (
    "duckdb:, influxdb://user:password@host:8086/database, "
    "influxdb://:token@host:8086/bucket?version=2&org=name or clickhouse://user:password@host:8123/database"
)


class BadEngineUrl(ValueError):
    """HUB_TELEMETRY_URL cannot be used. The message says what to write, and repeats nothing of the value but names."""


@dataclass(frozen=True, kw_only=True)
class ServerAddress:
    """Where a server is and how it is spoken to. `ca_file` certifies it; None: the machine's own authorities do."""

    host: str
    port: int
    tls: bool = False
    ca_file: Path | None = None

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}"


@dataclass(frozen=True)
class DuckDbUrl:
    """The embedded engine."""


@dataclass(frozen=True, kw_only=True)
class InfluxUrl:
    """`version` 1 has a user and a password; 2 and 3 have a token. `database` is a bucket in 2. `org` is for 2 only."""

    address: ServerAddress
    database: str
    version: int = 1
    user: str = ""
    secret: str = field(default="", repr=False)
    org: str = ""


@dataclass(frozen=True, kw_only=True)
class ClickHouseUrl:
    """With a `cluster` the tables are replicated and sharded over it; `quorum` is how many replicas have a reading
    before it counts as kept: "auto" is a majority, "0" the one written to."""

    address: ServerAddress
    database: str
    user: str = "default"
    secret: str = field(default="", repr=False)
    cluster: str = ""
    quorum: str = "auto"


EngineUrl = DuckDbUrl | InfluxUrl | ClickHouseUrl


def parse_engine_url(text: str) -> EngineUrl:
    """Empty means the embedded engine. Raises BadEngineUrl."""
    try:
        parts = urlsplit(text.strip())
        _ = parts.port
    except ValueError:
        raise BadEngineUrl(f"the address cannot be read; write {FORMS}") from None
    match parts.scheme:
        case "" if not text.strip():
            return DuckDbUrl()
        case "duckdb":
            if parts.netloc or parts.path or parts.query:
                raise BadEngineUrl("`duckdb:` takes nothing more; its folder is HUB_TELEMETRY_FOLDER")
            return DuckDbUrl()
        case "influxdb":
            return _influx(parts)
        case "clickhouse":
            return _clickhouse(parts)
        case _:
            raise BadEngineUrl(f"there is no such engine; write {FORMS}")


def _influx(parts: SplitResult) -> InfluxUrl:
    options = _options(parts, known={"version", "org", "tls", "ca_file"})
    version = options.get("version", "1")
    if version not in ("1", "2", "3"):
        raise BadEngineUrl("version is 1, 2 or 3")
    url = InfluxUrl(
        address=_address(parts, options, port=INFLUX_PORT, tls_port=INFLUX_PORT),
        database=_database(parts),
        version=int(version),
        user=unquote(parts.username or ""),
        secret=unquote(parts.password or ""),
        org=options.get("org", ""),
    )
    if url.version == 2 and not url.org:
        raise BadEngineUrl("InfluxDB 2 needs its organisation: add &org=name")
    if url.version == 2 and not url.secret:
        raise BadEngineUrl("InfluxDB 2 needs a token: influxdb://:token@host:8086/bucket?version=2&org=name")
    if url.version == 1 and url.org:
        raise BadEngineUrl("an organisation belongs to InfluxDB 2: add &version=2, or take org away")
    return url


def _clickhouse(parts: SplitResult) -> ClickHouseUrl:
    options = _options(parts, known={"cluster", "quorum", "tls", "ca_file"})
    quorum = options.get("quorum", "auto")
    if quorum != "auto" and not quorum.isdecimal():
        raise BadEngineUrl("quorum is auto or a number of replicas")
    if "quorum" in options and "cluster" not in options:
        raise BadEngineUrl("a quorum needs replicas: add &cluster=name, or take quorum away")
    return ClickHouseUrl(
        address=_address(parts, options, port=CLICKHOUSE_PORT, tls_port=CLICKHOUSE_TLS_PORT),
        database=_database(parts),
        user=unquote(parts.username or "default"),
        secret=unquote(parts.password or ""),
        cluster=options.get("cluster", ""),
        quorum=quorum,
    )


def _options(parts: SplitResult, *, known: set[str]) -> Mapping[str, str]:
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    if unknown := sorted(set(options) - known):
        raise BadEngineUrl(f"{parts.scheme} knows no {', '.join(unknown)}; there are {', '.join(sorted(known))}")
    if empty := sorted(name for name, value in options.items() if not value):
        raise BadEngineUrl(f"{', '.join(empty)} has no value")
    return options


def _address(parts: SplitResult, options: Mapping[str, str], *, port: int, tls_port: int) -> ServerAddress:
    if not parts.hostname:
        raise BadEngineUrl(f"the host is missing; write {FORMS}")
    tls = options.get("tls", "false")
    if tls not in ("true", "false"):
        raise BadEngineUrl("tls is true or false")
    if "ca_file" in options and tls == "false":
        raise BadEngineUrl("ca_file needs tls=true")
    has_tls = tls == "true"
    return ServerAddress(
        host=parts.hostname,
        port=parts.port or (tls_port if has_tls else port),
        tls=has_tls,
        ca_file=Path(options["ca_file"]) if "ca_file" in options else None,
    )


def _database(parts: SplitResult) -> str:
    name = unquote(parts.path.strip("/"))
    if not name or not name.replace("_", "").replace("-", "").isalnum():
        raise BadEngineUrl(
            f"name the {parts.scheme} database after the host, in letters, digits, _ and -: "
            f"{parts.scheme}://…@host/readings"
        )
    return name
