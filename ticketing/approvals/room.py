"""Puts approvals together; `ticketing.room` calls it."""

from dataclasses import dataclass

from kit.clock import Clock
from notify.service import NotifyService
from people.service import PeopleService
from ticketing.approvals.asking import Asking
from ticketing.approvals.following import ApprovalFollowing
from ticketing.approvals.policy_book import PolicyBook
from ticketing.approvals.service import ApprovalService
from ticketing.approvals.telling import ApprovalTelling
from ticketing.definitions.book import Definitions
from ticketing.moving import Moving
from ticketing.sweeping import Sweeping


@dataclass(frozen=True)
class Approvals:
    service: ApprovalService
    policies: PolicyBook
    following: ApprovalFollowing

    @property
    def services(self) -> tuple[object, ...]:
        return self.service, self.policies


def build_asking(*, people: PeopleService, notify: NotifyService, definitions: Definitions, clock: Clock) -> Asking:
    """Apart from the rest: it stands before orders can move, the rest after."""
    return Asking(people, ApprovalTelling(notify, definitions, clock), clock)


def build_approvals(
    asking: Asking, *, people: PeopleService, definitions: Definitions, moving: Moving, sweeping: Sweeping, clock: Clock
) -> Approvals:
    return Approvals(
        service=ApprovalService(
            asking=asking, people=people, definitions=definitions, sweeping=sweeping, clock=clock
        ),
        policies=PolicyBook(people, clock),
        following=ApprovalFollowing(asking, moving, definitions),
    )  # fmt: skip
