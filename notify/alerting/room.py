"""Puts the telling of alarms together: every object once, by hand."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from procrastinate import App
from prometheus_client import CollectorRegistry, Counter

from alarms.service import AlarmService
from alarms.testing.service import TestWindowService
from catalog.service import CatalogService
from connectors.addresses import Network
from kit.clock import Clock
from kit.db import Database
from kit.i18n import Texts
from kit.jobs import JobKind
from kit.sweeps import Sweep
from notify.alerting.carriers import Carrier
from notify.alerting.destinations import AlertDestinations
from notify.alerting.detector_tests import TestOverTelling
from notify.alerting.digest import Digests
from notify.alerting.escalating import Escalations, Spoke
from notify.alerting.explaining import Explanations
from notify.alerting.policy_book import AlertPolicies
from notify.alerting.posting import Posting
from notify.alerting.telling import AlertTelling
from notify.service import NotifyService
from people.service import PeopleService


@dataclass(frozen=True)
class Alerting:
    """`provided`: the services that endpoints ask for by type; `escalations`: subscribed to the events of alarms."""

    policies: AlertPolicies
    destinations: AlertDestinations
    explanations: Explanations
    escalations: Escalations
    digests: Digests
    posting: Posting
    tests: TestOverTelling

    @property
    def provided(self) -> tuple[object, ...]:
        return self.policies, self.destinations, self.explanations

    def jobs(self) -> tuple[JobKind, ...]:
        return (self.posting.job(),)

    def sweeps(self) -> tuple[Sweep, ...]:
        return (*self.escalations.sweeps(), *self.digests.sweeps(), *self.posting.sweeps())


@dataclass(frozen=True, kw_only=True)
class AlertNeighbours:
    """What the telling of alarms is built on. `is_work`: whether an alarm becomes an order, which tells people itself.

    `allowed` and `robots` as of `AlertDestinations`; `master`: the hub's secret from which those of webhooks are made.
    """

    database: Database
    app: App
    alarms: AlarmService
    tests: TestWindowService
    catalog: CatalogService
    people: PeopleService
    notify: NotifyService
    carriers: Iterable[Carrier]
    allowed: Sequence[Network]
    robots: Mapping[str, Collection[str]]
    master: str
    is_work: Callable[[Spoke], bool]
    link_base_url: str
    keep_days: int
    texts: Texts
    clock: Clock
    registry: CollectorRegistry


def build_alerting(near: AlertNeighbours) -> Alerting:
    policies = AlertPolicies(catalog=near.catalog, people=near.people, clock=near.clock)
    posting = Posting(
        database=near.database, app=near.app, carriers=near.carriers, texts=near.texts,
        link_base_url=near.link_base_url, clock=near.clock, registry=near.registry, keep_days=near.keep_days,
    )  # fmt: skip
    telling = AlertTelling(
        people=near.people, notify=near.notify, posting=posting, tests=near.tests, texts=near.texts,
        clock=near.clock, registry=near.registry,
    )  # fmt: skip
    failed = Counter(
        "hub_alert_cases_failed", "Tellings of alarms, and digests of them, that failed and are tried again",
        registry=near.registry,
    )  # fmt: skip
    return Alerting(
        policies=policies,
        destinations=AlertDestinations(
            catalog=near.catalog, posting=posting, allowed=near.allowed, robots=near.robots, master=near.master,
            texts=near.texts, clock=near.clock,
        ),
        explanations=Explanations(catalog=near.catalog, people=near.people, texts=near.texts),
        escalations=Escalations(
            alarms=near.alarms, catalog=near.catalog, notify=near.notify, policies=policies, telling=telling,
            is_work=near.is_work, failed=failed, clock=near.clock, registry=near.registry, keep_days=near.keep_days,
        ),
        digests=Digests(
            alarms=near.alarms, people=near.people, notify=near.notify, telling=telling, failed=failed,
            texts=near.texts, clock=near.clock,
        ),
        posting=posting,
        tests=TestOverTelling(near.notify, near.tests),
    )  # fmt: skip
