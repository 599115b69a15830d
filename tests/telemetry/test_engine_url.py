"""HUB_TELEMETRY_URL: what it may say, what is said when it cannot be used, and that its secret is never said."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from hub.settings_list import what_is_wrong
from telemetry.engine_url import (
    BadEngineUrl,
    ClickHouseUrl,
    DuckDbUrl,
    InfluxUrl,
    ServerAddress,
    parse_engine_url,
)
from telemetry.settings import TelemetrySettings

SECRET = "s3cr/et:@"
ENCODED = "s3cr%2Fet%3A%40"


@pytest.mark.parametrize("text", ["", "  ", "duckdb:"])
def test_without_a_server_the_engine_is_the_embedded_one(text: str) -> None:
    assert parse_engine_url(text) == DuckDbUrl()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            f"influxdb://hub:{ENCODED}@db.example/readings?version=1",
            InfluxUrl(
                address=ServerAddress(host="db.example", port=8086), database="readings", user="hub", secret=SECRET
            ),
        ),
        (
            "influxdb://127.0.0.1:9999/readings",
            InfluxUrl(address=ServerAddress(host="127.0.0.1", port=9999), database="readings"),
        ),
        (
            f"influxdb://:{ENCODED}@db.example/bucket?version=2&org=acme&tls=true&ca_file=/etc/ca.pem",
            InfluxUrl(
                address=ServerAddress(host="db.example", port=8086, tls=True, ca_file=Path("/etc/ca.pem")),
                database="bucket", version=2, secret=SECRET, org="acme",
            ),
        ),
        (
            f"influxdb://:{ENCODED}@db.example/readings?version=3",
            InfluxUrl(
                address=ServerAddress(host="db.example", port=8086), database="readings", version=3, secret=SECRET
            ),
        ),
        (
            "clickhouse://db.example/hub",
            ClickHouseUrl(address=ServerAddress(host="db.example", port=8123), database="hub"),
        ),
        (
            f"clickhouse://hub:{ENCODED}@[::1]/hub?cluster=main&quorum=2&tls=true",
            ClickHouseUrl(
                address=ServerAddress(host="::1", port=8443, tls=True),
                database="hub", user="hub", secret=SECRET, cluster="main", quorum="2",
            ),
        ),
    ],
)  # fmt: skip
def test_a_url_names_server_account_and_database(text: str, expected: InfluxUrl | ClickHouseUrl) -> None:
    assert parse_engine_url(text) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("postgres://u:s3cr@h/d", "no such engine"),
        ("s3cr", "no such engine"),
        ("influxdb://u:s3cr@h:port/d", "cannot be read"),
        ("influxdb://u:s3cr@h:99999/d", "cannot be read"),
        ("influxdb://u:s3cr@/d", "host is missing"),
        ("influxdb://u:s3cr@h", "name the influxdb database"),
        ("influxdb://u:s3cr@h/a/b", "name the influxdb database"),
        ("influxdb://u:s3cr@h/d?version=4", "version is 1, 2 or 3"),
        ("influxdb://u:s3cr@h/d?version=2", "&org=name"),
        ("influxdb://h/d?version=2&org=acme", "needs a token"),
        ("influxdb://u:s3cr@h/d?org=acme", "belongs to InfluxDB 2"),
        ("influxdb://u:s3cr@h/d?tsl=true", "knows no tsl"),
        ("influxdb://u:s3cr@h/d?tls=yes", "tls is true or false"),
        ("influxdb://u:s3cr@h/d?ca_file=/ca.pem", "needs tls=true"),
        ("clickhouse://u:s3cr@h/d?cluster=", "cluster has no value"),
        ("clickhouse://u:s3cr@h/d?quorum=2", "needs replicas"),
        ("clickhouse://u:s3cr@h/d?cluster=c&quorum=most", "auto or a number"),
        ("clickhouse://u:s3cr@h/d;DROP TABLE x", "name the clickhouse database"),
        ("duckdb:///var/readings", "HUB_TELEMETRY_FOLDER"),
    ],
)
def test_a_url_that_cannot_be_used_says_what_to_write_and_never_the_secret(
    text: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BadEngineUrl, match=words) as refused:
        parse_engine_url(text)
    assert "s3cr" not in str(refused.value)
    monkeypatch.setenv("HUB_TELEMETRY_URL", text)
    with pytest.raises(ValidationError) as wrong:
        TelemetrySettings()
    (line,) = what_is_wrong(wrong.value)
    assert line.startswith("HUB_TELEMETRY_URL: ")
    assert "s3cr" not in line


@pytest.mark.parametrize("scheme", ["influxdb", "clickhouse"])
def test_neither_the_settings_nor_the_address_show_the_secret(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_TELEMETRY_URL", f"{scheme}://hub:{ENCODED}@db.example/readings")
    settings = TelemetrySettings()
    assert settings.is_server
    for shown in (repr(settings), repr(settings.engine), str(settings.model_dump())):
        assert SECRET not in shown
        assert ENCODED not in shown
