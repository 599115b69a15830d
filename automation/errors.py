"""Refusals of the automation room. Their words are in `locales/`, their status codes in `endpoints`."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from kit.errors import DomainError, StaleEdit
from kit.i18n import TextKey


@dataclass(eq=False)
class RuleInvalid(DomainError):
    """A part of a rule cannot be meant. `where` is its place in the document, `allowed` what would do."""

    where: str
    problem: str
    allowed: str

    @property
    def shown(self) -> dict[str, Any]:
        return self.facts | {"problem": TextKey(f"automation.problem.{self.problem}")}


@dataclass(eq=False)
class OrderRuleNotFound(DomainError):
    """No such rule, or one of a site the caller may not see."""

    rule_id: UUID


@dataclass(eq=False)
class StaleRule(StaleEdit):
    """Somebody saved the rule since the caller looked at it."""


@dataclass(eq=False)
class CompanyWideOnly(DomainError):
    """What holds at every site is changed by those who may act at every site."""


@dataclass(eq=False)
class TooManyRules(DomainError):
    limit: int


@dataclass(eq=False)
class EndpointNotFound(DomainError):
    """No such webhook, or one of a site the caller may not see."""

    endpoint_id: UUID


@dataclass(eq=False)
class EndpointRefused(DomainError):
    """An address that the hub does not send to. `reason` is a text key's last part."""

    url: str
    reason: str

    @property
    def shown(self) -> dict[str, Any]:
        return self.facts | {"reason": TextKey(f"automation.refused.{self.reason}")}


@dataclass(eq=False)
class DeliveryNotFound(DomainError):
    delivery_id: UUID


@dataclass(eq=False)
class DeliveryUnderWay(DomainError):
    """Only what has ended is sent again by hand."""

    state: str

    @property
    def shown(self) -> dict[str, Any]:
        return self.facts | {"state": TextKey(f"automation.delivery.{self.state}")}
