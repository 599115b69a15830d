"""E-mail by SMTP, encrypted unless somebody says otherwise.

A server that took the message has it; one that fell silent after the text may have it too. The Message-ID is made of
the reference, so that mail systems which look at it drop a second copy.
"""

import asyncio
import smtplib
import ssl
from email.message import EmailMessage
from email.utils import formatdate
from enum import StrEnum
from typing import assert_never

from pydantic import Field, SecretStr

from connectors.errors import AmbiguousOutcome, ConnectorError, PermanentFailure, TemporaryFailure, not_configured
from kit.clock import Clock
from kit.settings import Settings, settings_config

SERVICE = "email"
# SMTP: 4xx is "not now", 5xx is "no".
PERMANENT_FROM = 500


class EmailSecurity(StrEnum):
    TLS = "tls"
    STARTTLS = "starttls"
    NONE = "none"  # a relay on this machine or in its own network


class EmailSettings(Settings):
    """HUB_EMAIL_…; without a host and a sender the connector is not configured."""

    model_config = settings_config("HUB_EMAIL_")

    host: str = Field("", description="SMTP server that takes the hub's e-mail, as smtp.exmail.qq.com")
    port: int = Field(465, ge=1, le=65535, description="port of the SMTP server")
    security: EmailSecurity = Field(EmailSecurity.TLS, description="tls (465), starttls (587), none (own relay)")
    sender: str = Field("", description="address that the hub's e-mail comes from")
    username: str = Field("", description="account at the SMTP server; empty: none is asked for")
    password: SecretStr | None = Field(None, description="password (授权码) of that account")
    deadline_s: float = Field(15.0, gt=0, description="seconds an e-mail may take")

    @property
    def is_configured(self) -> bool:
        return bool(self.host and self.sender)


class EmailClient:
    def __init__(self, settings: EmailSettings, clock: Clock, *, trusted: ssl.SSLContext | None = None) -> None:
        self._settings = settings
        self._clock = clock
        self._trusted = trusted

    @property
    def is_configured(self) -> bool:
        return self._settings.is_configured

    async def send(self, *, to: str, subject: str, text: str, reference: str) -> str:
        """Sends one message and returns its Message-ID. Raises ConnectorError."""
        if not self._settings.is_configured:
            raise not_configured(SERVICE, setting="HUB_EMAIL_HOST and HUB_EMAIL_SENDER")
        message = self._message(to=to, subject=subject, text=text, reference=reference)
        try:
            async with asyncio.timeout(self._settings.deadline_s * 2):
                await asyncio.to_thread(self._deliver, message)
        except TimeoutError as error:
            raise AmbiguousOutcome(SERVICE, "timeout", type(error).__name__) from error
        return str(message["Message-ID"])

    def _message(self, *, to: str, subject: str, text: str, reference: str) -> EmailMessage:
        message = EmailMessage()
        message["From"], message["To"] = self._settings.sender, to
        message["Subject"] = " ".join(subject.split())
        message["Date"] = formatdate(self._clock.now().timestamp())
        message["Message-ID"] = f"<{reference}@{self._settings.sender.rpartition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(text)
        return message

    def _deliver(self, message: EmailMessage) -> None:
        """In a thread. Before the server was asked to take it, nothing can have happened."""
        try:
            server = self._connected()
        except (OSError, smtplib.SMTPException) as error:
            raise _refused(error) from error
        try:
            server.send_message(message)
        except smtplib.SMTPServerDisconnected as error:
            raise AmbiguousOutcome(SERVICE, "connection_lost", type(error).__name__) from error
        except smtplib.SMTPException as error:
            raise _refused(error) from error
        except OSError as error:
            raise AmbiguousOutcome(SERVICE, "connection_lost", type(error).__name__) from error
        finally:
            server.close()

    def _connected(self) -> smtplib.SMTP:
        settings, context = self._settings, self._trusted or ssl.create_default_context()
        server: smtplib.SMTP
        match settings.security:
            case EmailSecurity.TLS:
                server = smtplib.SMTP_SSL(settings.host, settings.port, timeout=settings.deadline_s, context=context)
            case EmailSecurity.STARTTLS | EmailSecurity.NONE:
                server = smtplib.SMTP(settings.host, settings.port, timeout=settings.deadline_s)
            case _:
                assert_never(settings.security)
        try:
            if settings.security is EmailSecurity.STARTTLS:
                server.starttls(context=context)
            if settings.username and settings.password is not None:
                server.login(settings.username, settings.password.get_secret_value())
        except BaseException:
            server.close()
            raise
        return server


def _refused(error: Exception) -> ConnectorError:
    """What a refusal means. The words of a server may name an address: only its code is kept."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return PermanentFailure(SERVICE, "certificate", error.verify_message[:200])
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return PermanentFailure(SERVICE, "not_supported", "the server offers no STARTTLS, or asks for no account")
    code = _code_of(error)
    if code is None:
        return TemporaryFailure(SERVICE, "unreachable", type(error).__name__)
    if code >= PERMANENT_FROM:
        return PermanentFailure(SERVICE, str(code), type(error).__name__)
    return TemporaryFailure(SERVICE, str(code), type(error).__name__, retry_after_s=60.0)


def _code_of(error: Exception) -> int | None:
    if isinstance(error, smtplib.SMTPResponseException):
        return error.smtp_code
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return max(code for code, _ in error.recipients.values())
    return None
