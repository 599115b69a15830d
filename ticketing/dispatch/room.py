"""Puts dispatch together, in two steps: what orders move by, and what moves orders."""

from dataclasses import dataclass

from catalog.service import CatalogService
from kit.clock import Clock
from notify.service import NotifyService
from people.contractors.service import ContractorService
from people.service import PeopleService
from ticketing.definitions.book import Definitions
from ticketing.dispatch.candidates import Candidates
from ticketing.dispatch.choosing import Dispatching
from ticketing.dispatch.replanning import Replanning
from ticketing.dispatch.telling import DispatchTelling
from ticketing.dispatch.waiting import Waits
from ticketing.moving import Moving
from ticketing.sweeping import Sweeping


@dataclass(frozen=True)
class DispatchGround:
    """What must stand before orders can move."""

    candidates: Candidates
    dispatching: Dispatching


@dataclass(frozen=True)
class Dispatch:
    """`telling`: to be subscribed; the sweep of `waits` is scheduled with those of the whole room."""

    waits: Waits
    replanning: Replanning
    telling: DispatchTelling

    @property
    def services(self) -> tuple[object, ...]:
        return self.waits, self.replanning


def lay_dispatch(
    *, catalog: CatalogService, people: PeopleService, contractors: ContractorService, definitions: Definitions,
    clock: Clock,
) -> DispatchGround:  # fmt: skip
    candidates = Candidates(people, contractors, catalog, clock)
    dispatching = Dispatching(
        people=people, catalog=catalog, candidates=candidates, definitions=definitions, clock=clock
    )  # fmt: skip
    return DispatchGround(candidates, dispatching)


def build_dispatch(
    ground: DispatchGround, *, catalog: CatalogService, people: PeopleService, notify: NotifyService, moving: Moving,
    sweeping: Sweeping, clock: Clock,
) -> Dispatch:  # fmt: skip
    candidates, dispatching = ground.candidates, ground.dispatching
    return Dispatch(
        waits=Waits(candidates=candidates, moving=moving, sweeping=sweeping, clock=clock),
        replanning=Replanning(
            people=people, catalog=catalog, candidates=candidates, dispatching=dispatching, moving=moving, clock=clock
        ),
        telling=DispatchTelling(notify=notify, people=people, dispatching=dispatching, clock=clock),
    )  # fmt: skip
