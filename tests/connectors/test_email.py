"""E-mail against a real SMTP server on this machine, which answers as it is told."""

import asyncio
import email
import email.policy
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from connectors.email import EmailClient, EmailSecurity, EmailSettings
from connectors.errors import AmbiguousOutcome, NotConfigured, PermanentFailure, TemporaryFailure
from kit.clock import FakeClock
from tests.connectors.test_addresses import certificate


@dataclass
class MailServer:
    """`after_data`: what is answered once the message is there; None hangs up instead. `at_rcpt`: to its receiver.
    `starttls`: it offers that, with this certificate."""

    port: int = 0
    after_data: str | None = "250 taken"
    at_rcpt: str = "250 fine"
    starttls: ssl.SSLContext | None = None
    mails: list[bytes] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def say(words: str) -> None:
            writer.write(words.encode() + b"\r\n")
            await writer.drain()

        await say("220 here")
        while line := (await reader.readline()).decode().strip().upper():
            if line.startswith("EHLO"):
                await say("250-here\r\n250 STARTTLS" if self.starttls else "250 here")
            elif line == "STARTTLS" and self.starttls is not None:
                await say("220 go on")
                try:
                    await writer.start_tls(self.starttls)
                except ssl.SSLError:  # who called does not trust us
                    break
            elif line.startswith("RCPT"):
                await say(self.at_rcpt)
            elif line.startswith("DATA"):
                await say("354 go on")
                self.mails.append(await reader.readuntil(b"\r\n.\r\n"))
                if self.after_data is None:
                    break
                await say(self.after_data)
            elif line.startswith("QUIT"):
                break
            else:
                await say("250 fine")
        writer.close()


@asynccontextmanager
async def mail_server(*, tls: ssl.SSLContext | None = None) -> AsyncIterator[MailServer]:
    server = MailServer()
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=tls)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()


def client(port: int, clock: FakeClock) -> EmailClient:
    settings = EmailSettings(
        _env_file=None, host="127.0.0.1", port=port, security=EmailSecurity.NONE, sender="hub@example.com", deadline_s=5
    )
    return EmailClient(settings, clock)


async def test_a_mail_arrives_whole_and_a_line_end_in_its_subject_adds_no_header(clock: FakeClock) -> None:
    async with mail_server() as server:
        mail_id = await client(server.port, clock).send(
            to="duty@example.com",
            subject="紧急报警\r\nBcc: all@example.com",
            text="3号水泵：轴承过热",
            reference="ab12",
        )
    [raw] = server.mails
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    assert mail_id == mail["Message-ID"] == "<ab12@example.com>"
    assert mail["Subject"] == "紧急报警 Bcc: all@example.com"
    assert (mail["To"], mail["Bcc"]) == ("duty@example.com", None)
    assert "3号水泵：轴承过热" in mail.get_content()


@pytest.mark.parametrize(
    ("at_rcpt", "after_data", "error", "code"),
    [
        ("550 nobody here", "250 taken", PermanentFailure, "550"),
        ("451 later", "250 taken", TemporaryFailure, "451"),
        ("250 fine", "554 spam", PermanentFailure, "554"),
        ("250 fine", None, AmbiguousOutcome, "connection_lost"),
    ],
)
async def test_a_refusal_is_told_apart_from_silence(
    clock: FakeClock, at_rcpt: str, after_data: str | None, error: type[Exception], code: str
) -> None:
    async with mail_server() as server:
        server.at_rcpt, server.after_data = at_rcpt, after_data
        with pytest.raises(error, match=code):
            await client(server.port, clock).send(to="duty@example.com", subject="a", text="b", reference="1")


async def test_nobody_listening_and_nothing_set_are_told_apart(clock: FakeClock) -> None:
    async with mail_server() as server:
        port = server.port
    with pytest.raises(TemporaryFailure, match="unreachable"):
        await client(port, clock).send(to="duty@example.com", subject="a", text="b", reference="1")
    with pytest.raises(NotConfigured, match="HUB_EMAIL_HOST"):
        await EmailClient(EmailSettings(_env_file=None), clock).send(to="a@b.cn", subject="a", text="b", reference="1")


@pytest.mark.parametrize("security", [EmailSecurity.TLS, EmailSecurity.STARTTLS])
async def test_an_encrypted_server_is_believed_only_with_a_certificate_that_is_trusted(
    clock: FakeClock, tmp_path: Path, security: EmailSecurity
) -> None:
    file = certificate("localhost", tmp_path)
    ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ours.load_cert_chain(file)
    is_implicit = security is EmailSecurity.TLS
    async with mail_server(tls=ours if is_implicit else None) as server:
        server.starttls = None if is_implicit else ours
        settings = EmailSettings(
            _env_file=None, host="localhost", port=server.port, security=security, sender="hub@example.com",
            deadline_s=5,
        )  # fmt: skip
        mail = {"to": "duty@example.com", "subject": "a", "text": "b", "reference": "1"}
        with pytest.raises(PermanentFailure, match="certificate"):
            await EmailClient(settings, clock).send(**mail)
        assert server.mails == []
        trusted = ssl.create_default_context(cafile=str(file))
        await EmailClient(settings, clock, trusted=trusted).send(**mail)
        assert len(server.mails) == 1


async def test_a_server_that_does_not_encrypt_gets_no_mail_that_is_to_be(clock: FakeClock) -> None:
    async with mail_server() as server:
        settings = EmailSettings(
            _env_file=None, host="127.0.0.1", port=server.port, security=EmailSecurity.STARTTLS,
            sender="hub@example.com", deadline_s=5,
        )  # fmt: skip
        with pytest.raises(PermanentFailure, match="not_supported"):
            await EmailClient(settings, clock).send(to="duty@example.com", subject="a", text="b", reference="1")
    assert server.mails == []
