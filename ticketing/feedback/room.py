"""Puts the part together."""

from dataclasses import dataclass

from catalog.service import CatalogService
from kit.clock import Clock
from kit.sweeps import Sweep
from notify.service import NotifyService
from people.service import PeopleService
from ticketing.definitions.book import Definitions
from ticketing.dispatch.choosing import Dispatching
from ticketing.feedback.board import FeedbackBoard
from ticketing.feedback.policies import FeedbackPolicies
from ticketing.feedback.protection import Protection
from ticketing.feedback.return_visits import ReturnVisits
from ticketing.feedback.service import FeedbackService
from ticketing.feedback.settling import Settling
from ticketing.feedback.telling import FeedbackTelling
from ticketing.moving import Moving
from ticketing.opening import Opening
from ticketing.report_links import ReportLinks
from ticketing.sweeping import Sweeping


@dataclass(frozen=True)
class Feedback:
    """`telling`: to be subscribed."""

    service: FeedbackService
    board: FeedbackBoard
    protection: Protection
    telling: FeedbackTelling

    @property
    def services(self) -> tuple[object, ...]:
        return self.service, self.board, self.protection

    def sweeps(self) -> tuple[Sweep, ...]:
        return self.telling.sweeps()


def build_feedback(
    *, catalog: CatalogService, people: PeopleService, notify: NotifyService, definitions: Definitions,
    dispatching: Dispatching, moving: Moving, opening: Opening, sweeping: Sweeping, links: ReportLinks, clock: Clock,
) -> Feedback:  # fmt: skip
    policies = FeedbackPolicies(catalog)
    settling = Settling(
        dispatching=dispatching, definitions=definitions, moving=moving, policies=policies, clock=clock
    )  # fmt: skip
    return_visits = ReturnVisits(
        catalog=catalog, definitions=definitions, opening=opening, moving=moving, dispatching=dispatching, clock=clock
    )  # fmt: skip
    return Feedback(
        service=FeedbackService(
            catalog=catalog, moving=moving, settling=settling, return_visits=return_visits, policies=policies,
            clock=clock,
        ),
        board=FeedbackBoard(),
        protection=Protection(people=people, moving=moving, clock=clock),
        telling=FeedbackTelling(
            notify=notify, people=people, settling=settling, sweeping=sweeping, links=links, clock=clock
        ),
    )  # fmt: skip
