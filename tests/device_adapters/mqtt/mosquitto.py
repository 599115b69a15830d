"""A real Mosquitto with the configuration we ship, on free ports and folders of the test's own."""

import asyncio
import getpass
import ipaddress
import re
import socket
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from kit.supervision.ports import free_port
from tests.conftest import LIVENESS_S, need

SHIPPED = Path(__file__).parents[3] / "deploy" / "mosquitto"


@dataclass
class Mosquitto:
    """`stop` and `start` as often as you like: the data stays."""

    home: Path
    program: str
    port: int
    tls_port: int
    process: asyncio.subprocess.Process | None = None

    @property
    def ca_file(self) -> Path:
        return self.home / "certs" / "ca.crt"

    async def start(self) -> None:
        self.process = await asyncio.create_subprocess_exec(
            self.program, "-c", str(self.home / "mosquitto.conf"), stderr=(self.home / "log").open("ab")
        )
        async with asyncio.timeout(LIVENESS_S):
            while not await asyncio.to_thread(_listens, self.port):
                assert self.process.returncode is None, (self.home / "log").read_text()
                await asyncio.sleep(0.02)

    async def stop(self) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.terminate()
            await asyncio.wait_for(self.process.wait(), LIVENESS_S)

    async def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        await asyncio.wait_for(self.process.wait(), LIVENESS_S)

    def written_at_ns(self) -> int:
        """When memory was last written to disk; 0 for never."""
        database = self.home / "data" / "mosquitto.db"
        return database.stat().st_mtime_ns if database.exists() else 0


@asynccontextmanager
async def running_mosquitto(home: Path, passwords: Mapping[str, str], *, tls: bool = False) -> AsyncIterator[Mosquitto]:
    """Mosquitto with deploy/mosquitto, its users made with mosquitto_passwd; TLS by uncommenting what is commented."""
    program = need("mosquitto", package="mosquitto")
    mosquitto = Mosquitto(home, program, free_port(), free_port())
    _write_configuration(mosquitto, tls=tls)
    _write_passwords(home / "zhiwu.passwords", passwords)
    try:
        await mosquitto.start()
        yield mosquitto
    finally:
        await mosquitto.stop()


def _write_configuration(mosquitto: Mosquitto, *, tls: bool) -> None:
    home = mosquitto.home
    (home / "data").mkdir(parents=True)
    (home / "certs").mkdir()
    text = (SHIPPED / "mosquitto.conf").read_text("utf-8")
    text = text.replace("/etc/mosquitto/", f"{home}/").replace("/var/lib/mosquitto/", f"{home}/data/")
    text = text.replace("listener 1883 127.0.0.1", f"listener {mosquitto.port} 127.0.0.1")
    if tls:
        text = re.sub(r"^#(listener|cafile|certfile|keyfile|tls_version)", r"\1", text, flags=re.MULTILINE)
        text = text.replace("listener 8883", f"listener {mosquitto.tls_port} 127.0.0.1")
        _write_certificates(home / "certs")
    (home / "mosquitto.conf").write_text(f"{text}\nuser {getpass.getuser()}\n", "utf-8")
    (home / "zhiwu.acl").write_text((SHIPPED / "acl").read_text("utf-8"), "utf-8")


def _write_passwords(path: Path, passwords: Mapping[str, str]) -> None:
    program = need("mosquitto_passwd", package="mosquitto")
    path.touch(mode=0o600)
    for user, password in passwords.items():
        subprocess.run([program, "-b", str(path), user, password], check=True, capture_output=True)


def _write_certificates(folder: Path) -> None:
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test authority")])
    ca = _certificate(ca_name, ca_name, ca_key, ca_key, x509.BasicConstraints(ca=True, path_length=0))
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = _certificate(name, ca_name, key, ca_key, address)
    (folder / "ca.crt").write_bytes(ca.public_bytes(serialization.Encoding.PEM))
    (folder / "server.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "server.key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


def _certificate(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
    extension: x509.ExtensionType,
) -> x509.Certificate:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        .sign(signer, hashes.SHA256())
    )


def _listens(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False
