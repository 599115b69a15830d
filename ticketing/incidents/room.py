"""Puts together what makes several orders one and one order several."""

from dataclasses import dataclass

from catalog.service import CatalogService
from kit.clock import Clock
from notify.service import NotifyService
from people.service import PeopleService
from ticketing.drafting import Drafting
from ticketing.feedback.protection import Protection
from ticketing.incidents.children import Children
from ticketing.incidents.followers import Followers
from ticketing.incidents.linking import Linking
from ticketing.incidents.merging import Merging
from ticketing.incidents.splitting import Splitting
from ticketing.incidents.telling import MergeTelling
from ticketing.moving import Moving
from ticketing.opening import Opening
from ticketing.sla.keeping import LevelKeeping


@dataclass(frozen=True)
class Incidents:
    """`services`: what endpoints ask for by type; `children` and `telling` are subscribed."""

    linking: Linking
    merging: Merging
    splitting: Splitting
    followers: Followers
    children: Children
    telling: MergeTelling

    @property
    def services(self) -> tuple[object, ...]:
        return self.linking, self.merging, self.splitting, self.followers


def build_incidents(
    *, catalog: CatalogService, people: PeopleService, notify: NotifyService, drafting: Drafting, moving: Moving,
    opening: Opening, keeping: LevelKeeping, protection: Protection, clock: Clock,
) -> Incidents:  # fmt: skip
    return Incidents(
        linking=Linking(catalog, clock),
        merging=Merging(moving, protection, keeping, clock),
        splitting=Splitting(opening, drafting, protection=protection, hears=[protection.note], clock=clock),
        followers=Followers(people, clock),
        children=Children(moving, clock),
        telling=MergeTelling(notify),
    )
