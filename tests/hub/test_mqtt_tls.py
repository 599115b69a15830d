"""The embedded MQTT listener over TLS, with a certificate of one's own."""

import asyncio
import datetime
import ipaddress
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from paho.mqtt.enums import CallbackAPIVersion
from pydantic import ValidationError

from hub.bootstrap import _brokers
from hub.infrastructure import infrastructure
from hub.settings import HubSettings
from kit.supervision.ports import free_port

ANSWER_WITHIN_S = 10


def certified(folder: Path) -> tuple[Path, Path]:
    """A self-signed certificate for 127.0.0.1 and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hub")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    cert_file, key_file = folder / "cert.pem", folder / "key.pem"
    cert_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return cert_file, key_file


def connect(broker_port: int, *, ca_file: Path | None, username: str, password: str) -> str:
    """What the listener answers a client: `Success`, or the class of what broke."""
    answers: list[str] = []
    client = paho.Client(CallbackAPIVersion.VERSION2)
    client.on_connect = lambda *args: answers.append(str(args[3]))
    client.username_pw_set(username, password)
    if ca_file is not None:
        client.tls_set(ca_certs=str(ca_file))
    try:
        client.connect("127.0.0.1", broker_port)
        for _ in range(ANSWER_WITHIN_S * 10):
            if answers or client.loop(0.1) != paho.MQTT_ERR_SUCCESS:
                break
    except OSError as error:
        return type(error).__name__
    finally:
        client.disconnect()
    return answers[0] if answers else "no answer"


async def test_the_listener_speaks_tls_and_only_tls(tmp_path: Path, database_url: str) -> None:
    cert_file, key_file = certified(tmp_path)
    settings = HubSettings(
        _env_file=None, var=tmp_path / "var", database_url=database_url, nats_port=free_port(), mqtt_port=free_port(),
        mqtt_tls_cert=cert_file, mqtt_tls_key=key_file,
    )  # fmt: skip
    async with infrastructure(settings) as infra:
        own = _brokers(infra)[0]
        assert (own.tls, own.ca_file) == (True, cert_file)
        assert own.username is not None
        assert own.password is not None
        user, password = own.username, own.password

        async def answer(ca_file: Path | None) -> str:
            return await asyncio.to_thread(connect, own.port, ca_file=ca_file, username=user, password=password)

        assert await answer(own.ca_file) == "Success"
        assert await answer(None) != "Success"


def test_half_of_the_pair_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="HUB_MQTT_TLS_KEY"):
        HubSettings(_env_file=None, mqtt_tls_cert=tmp_path / "cert.pem")
