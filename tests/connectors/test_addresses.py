"""Where webhooks may go."""

import ipaddress
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from automation.schedule import MOST_ATTEMPTS, WAITS_S, is_final, wait_s
from connectors.addresses import Address, refusal_of, refusal_of_url
from connectors.outward import Sender, error_of
from tests.automation.receiver import Receiver, receiving, response

INSIDE = [ipaddress.ip_network("10.20.0.0/16"), ipaddress.ip_network("127.0.0.0/8")]


@pytest.mark.parametrize(
    ("address", "refused"),
    [
        ("93.184.215.14", None),
        ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", None),
        ("127.0.0.1", "private"),
        ("127.8.8.8", "private"),
        ("0.0.0.0", "private"),
        ("10.0.0.1", "private"),
        ("172.16.3.4", "private"),
        ("192.168.1.1", "private"),
        ("100.64.0.1", "private"),
        ("169.254.1.1", "private"),
        ("169.254.169.254", "metadata"),
        ("100.100.100.200", "metadata"),
        ("168.63.129.16", "metadata"),
        ("224.0.0.1", "private"),
        ("240.0.0.1", "private"),
        ("255.255.255.255", "private"),
        ("::1", "private"),
        ("::", "private"),
        ("fe80::1", "private"),
        ("fd00::1", "private"),
        ("fec0::1", "private"),
        ("fd00:ec2::254", "metadata"),
        ("ff02::1", "private"),
        ("::ffff:127.0.0.1", "private"),
        ("::ffff:169.254.169.254", "metadata"),
        ("64:ff9b::7f00:1", "private"),
        ("64:ff9b::a9fe:a9fe", "metadata"),
        ("2002:7f00:1::", "private"),
        ("2002:a9fe:a9fe::1", "metadata"),
    ],
)
def test_nothing_is_sent_inside_by_default(address: str, refused: str | None) -> None:
    assert refusal_of(ipaddress.ip_address(address), [], scheme="https") == refused


@pytest.mark.parametrize(
    ("address", "scheme", "refused"),
    [
        ("10.20.3.4", "http", None),
        ("127.0.0.1", "http", None),
        ("::ffff:10.20.3.4", "http", None),
        ("10.21.0.1", "https", "private"),
        ("93.184.215.14", "http", "not_encrypted"),
        ("169.254.169.254", "https", "metadata"),
    ],
)
def test_a_network_may_be_allowed_by_name(address: str, scheme: str, refused: str | None) -> None:
    assert refusal_of(ipaddress.ip_address(address), INSIDE, scheme=scheme) == refused


def test_metadata_is_refused_even_where_all_the_world_is_allowed() -> None:
    everything = [ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0")]
    assert refusal_of(ipaddress.ip_address("169.254.169.254"), everything, scheme="https") == "metadata"


@pytest.mark.parametrize(
    "url",
    [
        "", "ftp://example.com/", "https://", "https:///x", "example.com", "https://exa mple.com/",
        "https://example.com:99999/", "https://example.com:0/", "http://[::1/", "https://用户.example/", "https://x\n.y/",
        "file:///etc/passwd", "gopher://127.0.0.1:6379/", "https://a:b@example.com/", "https://a@example.com/",
        "https://example.com/" + "x" * 1_000,
    ],
)  # fmt: skip
def test_what_is_no_address_of_a_webhook_is_refused(url: str) -> None:
    assert refusal_of_url(url) is not None


def test_attempts_go_on_for_a_day_and_end() -> None:
    waits = [wait_s(attempts=number, jitter=0) for number in range(1, MOST_ATTEMPTS + 1)]
    assert waits == [*WAITS_S, None]
    assert sum(WAITS_S) <= 24 * 3600 < sum(WAITS_S) * 1.1
    assert all(wait_s(attempts=number, jitter=0.99) <= wait_s(attempts=number, jitter=0) for number in (1, 5))  # type: ignore[operator]


@pytest.mark.parametrize(
    ("status", "error", "for_good"),
    [(200, None, False), (204, None, False), (302, "redirect", False), (410, "gone", True), (500, "http_500", False)],
)
def test_an_answer_is_yes_or_an_error(status: int, error: str | None, for_good: bool) -> None:
    assert error_of(status) == error
    assert is_final(error or "") is for_good


class Names:
    """Answers what a test wrote down: like a DNS server in a stranger's hand."""

    def __init__(self, *addresses: str) -> None:
        self.answers = [ipaddress.ip_address(one) for one in addresses]
        self.asked: list[str] = []

    async def addresses(self, host: str, port: int) -> Sequence[Address]:
        self.asked.append(host)
        return self.answers


def sender(names: Names, *allowed: str) -> Sender:
    networks = [ipaddress.ip_network(one) for one in allowed]
    trusted = httpx.create_ssl_context(verify=False)
    return Sender(allowed=networks, deadline_s=1.5, resolver=names, trusted=trusted)


async def posted(names: Names, receiver: Receiver, *allowed: str) -> tuple[str, list[str]]:
    url = f"http://hooks.example:{receiver.port}/a?b=1"
    outcome = await sender(names, *allowed).post(url, headers={"webhook-id": "msg_1"}, body=b"{}")
    return outcome.error, [f"{one.headers['host']}{one.target}" for one in receiver.received]


async def test_the_address_that_was_looked_at_is_the_one_called() -> None:
    async with receiving() as receiver:
        names = Names("127.0.0.1")
        answer = await posted(names, receiver, "127.0.0.0/8")
        assert answer == ("", [f"hooks.example:{receiver.port}/a?b=1"])
        assert names.asked == ["hooks.example"]


@pytest.mark.parametrize(
    ("addresses", "error"),
    [
        (("127.0.0.1",), "private"),
        (("93.184.215.14", "127.0.0.1"), "not_encrypted"),
        (("169.254.169.254",), "metadata"),
        (("::ffff:127.0.0.1",), "private"),
        ((), "name_unknown"),
    ],
)
async def test_a_name_that_leads_inside_is_not_called(addresses: tuple[str, ...], error: str) -> None:
    async with receiving() as receiver:
        assert await posted(Names(*addresses), receiver) == (error, [])


async def test_a_redirect_is_an_answer_and_not_followed() -> None:
    async with receiving() as receiver:
        receiver.answers = [response("302 Found", location="http://169.254.169.254/latest/meta-data/")]
        error, received = await posted(Names("127.0.0.1"), receiver, "127.0.0.0/8")
        assert (error, len(received)) == ("redirect", 1)


async def test_no_more_of_an_answer_is_read_than_is_kept() -> None:
    async with receiving() as receiver:
        receiver.answers = [response("500 No", body="坏" * 1_000_000)]
        url = f"http://127.0.0.1:{receiver.port}/"
        outcome = await sender(Names(), "127.0.0.0/8").post(url, headers={}, body=b"{}")
        assert (outcome.error, outcome.answer) == ("http_500", "坏" * 500)


def certificate(name: str, folder: Path) -> Path:
    """A key and a certificate that vouches for itself, of that name, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / f"{name}.pem"
    made = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(made + signed.public_bytes(Encoding.PEM))
    return file


@pytest.mark.parametrize(("name", "error"), [("hooks.example", ""), ("other.example", "unreachable")])
async def test_the_certificate_is_that_of_the_name_although_the_address_is_called(
    tmp_path: Path, name: str, error: str
) -> None:
    file = certificate(name, tmp_path)
    ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ours.load_cert_chain(file)
    trusted = ssl.create_default_context(cafile=str(file))
    async with receiving(ours) as receiver:
        sender = Sender(allowed=INSIDE, deadline_s=5, resolver=Names("127.0.0.1"), trusted=trusted)
        url = f"https://hooks.example:{receiver.port}/"
        assert (await sender.post(url, headers={}, body=b"{}")).error == error
        assert len(receiver.received) == (0 if error else 1)
