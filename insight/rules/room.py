"""Puts together what measures rules: every object once, by hand."""

from dataclasses import dataclass

from procrastinate import App

from alarms.labelled import LabelledAlarms
from catalog.directory import LiveDirectory
from insight.rules.labels import RuleLabels
from insight.rules.replaying import Replaying
from insight.rules.replays import RuleReplays
from kit.clock import Clock
from kit.db import Database
from kit.jobs import JobKind
from kit.sweeps import Sweep
from rules.service import RuleService
from telemetry.history import READINGS_A_STRETCH
from telemetry.store import TelemetryQueries
from ticketing.outcome_book import OutcomeBook


@dataclass(frozen=True)
class RuleMeasures:
    """`provided`: the services that endpoints ask for by type."""

    replaying: Replaying
    replays: RuleReplays
    labels: RuleLabels

    @property
    def provided(self) -> tuple[object, ...]:
        return self.replays, self.labels

    def jobs(self) -> tuple[JobKind, ...]:
        return (self.replays.job(),)

    def sweeps(self) -> tuple[Sweep, ...]:
        return self.replays.sweeps()


def build_rule_measures(
    *, database: Database, app: App, rules: RuleService, queries: TelemetryQueries, directory: LiveDirectory,
    clock: Clock, readings: int = READINGS_A_STRETCH,
) -> RuleMeasures:  # fmt: skip
    """`readings`: how many of history are asked for at a time."""
    outcomes = OutcomeBook()
    replaying = Replaying(
        database=database, queries=queries, directory=directory, outcomes=outcomes, clock=clock, readings=readings
    )
    return RuleMeasures(
        replaying=replaying,
        replays=RuleReplays(replaying=replaying, rules=rules, database=database, app=app, clock=clock),
        labels=RuleLabels(
            labelled=LabelledAlarms(), outcomes=outcomes, rules=rules, queries=queries, directory=directory, clock=clock
        ),
    )
