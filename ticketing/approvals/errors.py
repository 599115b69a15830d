"""Refusals about approvals. Their words are in `locales/`, their status codes in `endpoints`."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from kit.errors import ONLY_SHOWN, DomainError
from kit.i18n import TextKey, Wording


@dataclass(eq=False)
class ApprovalPolicyNotFound(DomainError):
    policy_id: UUID


@dataclass(eq=False)
class PolicyInForce(DomainError):
    """Another policy of the site covers that action already."""

    covers: str
    by_code: str


@dataclass(eq=False)
class ApprovalNotFound(DomainError):
    """No such approval, or one of a site the caller may not see."""

    approval_id: UUID


@dataclass(eq=False)
class ApprovalEnded(DomainError):
    """It was decided, or withdrawn, before the vote came."""

    state: str
    ended_at: datetime | None

    @property
    def shown(self) -> dict[str, Any]:
        return self.facts | {"state": TextKey(f"ticketing.approval.state.{self.state}")}


@dataclass(eq=False)
class NotYourApproval(DomainError):
    """Neither the caller nor anybody who delegated to him is asked now. `names`: who is."""

    names: list[str]


@dataclass(eq=False)
class ApprovalMissing(DomainError):
    """The action wants an approval that nobody has asked for, that was refused, or that was for less."""

    action: str
    action_name: TextKey | Wording | None = field(default=None, metadata=ONLY_SHOWN)

    @property
    def shown(self) -> dict[str, Any]:
        return self.facts | {"action": self.action_name or Wording.same(self.action)}


@dataclass(eq=False)
class ApprovalPending(DomainError):
    """The action waits for an approval that is under way. `names`: whose word is wanted."""

    action: str
    names: list[str]
    action_name: TextKey | Wording | None = field(default=None, metadata=ONLY_SHOWN)

    @property
    def shown(self) -> dict[str, Any]:
        return self.facts | {"action": self.action_name or Wording.same(self.action)}


@dataclass(eq=False)
class NothingToApprove(DomainError):
    """No policy asks anybody before that action, or what was asked for is granted already."""

    action: str
    action_name: TextKey | Wording | None = field(default=None, metadata=ONLY_SHOWN)

    @property
    def shown(self) -> dict[str, Any]:
        return self.facts | {"action": self.action_name or Wording.same(self.action)}


@dataclass(eq=False)
class DelegationNotFound(DomainError):
    delegation_id: UUID


@dataclass(eq=False)
class DelegationRefused(DomainError):
    """`reason`: "circle" (it would come back to its giver), "no_staff", "period" or "over"."""

    reason: str

    @property
    def shown(self) -> dict[str, Any]:
        return self.facts | {"reason": TextKey(f"ticketing.approval.delegation.{self.reason}")}
