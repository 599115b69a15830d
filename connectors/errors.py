"""What can go wrong with an outside service, by what the caller may do about it."""

from dataclasses import dataclass


@dataclass(eq=False)
class ConnectorError(Exception):
    """Base. `code` is the service's own error code or one of ours ("timeout", "not_configured", …).

    `detail` is for staff: it never holds a token, a secret, a phone number or a message's text.
    """

    service: str
    code: str
    detail: str

    def __str__(self) -> str:
        return f"{self.service} {self.code}: {self.detail}"


@dataclass(eq=False)
class TemporaryFailure(ConnectorError):
    """Nothing was done; trying again later may work. `retry_after_s` is the least wait the service asks for."""

    retry_after_s: float = 0.0


@dataclass(eq=False)
class PermanentFailure(ConnectorError):
    """Nothing was done, and the same request will be refused again."""


@dataclass(eq=False)
class NotConfigured(PermanentFailure):
    """This installation has no settings for the service."""


@dataclass(eq=False)
class AmbiguousOutcome(ConnectorError):
    """The request may or may not have been carried out: repeating it may do the thing twice."""


def not_configured(service: str, *, setting: str) -> NotConfigured:
    return NotConfigured(service, "not_configured", f"set {setting} to use it")
