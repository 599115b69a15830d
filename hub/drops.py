"""Everything the hub may refuse, drop, put off or fail at, and the counter of each: one readable table.

The words for people (what it means, what to do) are in `locales/`, under `hub.drops.<counter>`. `docs/counters.md` is
this table for operators, and a test holds the two together; another holds that every counter of the hub is either here
or named in NO_DROPS.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from prometheus_client import CollectorRegistry


class DropKind(StrEnum):
    """What it costs. LOST: gone for good. REFUSED: the sender, or a list in the desk, has the reason. LATE: nothing is
    missing, it came later. FAILED: something did not work and was tried again, or told."""

    LOST = "lost"
    REFUSED = "refused"
    LATE = "late"
    FAILED = "failed"


@dataclass(frozen=True)
class Drop:
    """A counter, as in /metrics without `_total`. `only` narrows it to some values of a label."""

    counter: str
    kind: DropKind
    only: Mapping[str, frozenset[str]] = field(default_factory=dict)


def _only(label: str, *values: str) -> Mapping[str, frozenset[str]]:
    return {label: frozenset(values)}


LOST, REFUSED, LATE, FAILED = DropKind.LOST, DropKind.REFUSED, DropKind.LATE, DropKind.FAILED

# States of an action of linkage that was wanted and not done, or of which that is not known.
NOT_DONE = ("different", "unconfirmed", "refused", "not_sent", "blocked", "lapsed", "unread")

DROPS: tuple[Drop, ...] = (
    # from the device to the bus
    Drop("hub_intake_refused", REFUSED),
    Drop("hub_intake_unknown_device", REFUSED),
    Drop("hub_refusals_dropped", LOST),
    Drop("hub_discovered_refused", LOST),
    Drop("hub_mqtt_foreign_messages", REFUSED),
    Drop("hub_mqtt_forgotten_sessions", LOST),
    Drop("hub_mqtt_pauses", LATE),
    Drop("hub_modbus_polls", FAILED, _only("outcome", "silent", "unreachable")),
    Drop("hub_modbus_refusals", FAILED),
    Drop("hub_modbus_dropped_readings", LOST),
    Drop("hub_modbus_poller_failures", FAILED),
    Drop("hub_adapter_failures", FAILED),
    # the bus and the store
    Drop("hub_bus_publish_retries", LATE),
    Drop("hub_bus_poison_batches", LOST),
    Drop("hub_store_refused_readings", REFUSED),
    Drop("hub_store_poison_batches", REFUSED),
    Drop("hub_store_append_failures", LATE),
    Drop("hub_store_upkeep_failures", FAILED),
    # rules and alarms
    Drop("judge_left_out_readings", REFUSED),
    Drop("judge_clock_skew_readings", LATE),
    Drop("judge_poison_batches", LOST),
    Drop("judge_unfit_detections", LOST),
    Drop("judge_rule_failures", FAILED),
    Drop("hub_alarms_of_removed_equipment", LOST),
    Drop("alarms_left_to_sweep", LATE),
    Drop("hub_alarm_broker_misses", LOST),
    Drop("hub_console_answers", REFUSED, _only("outcome", "refused")),
    Drop("hub_console_answers_passed_over", REFUSED),
    # models in the line
    Drop("hub_model_left_out_readings", REFUSED),
    Drop("hub_model_failures", FAILED),
    Drop("hub_models_refused", FAILED),
    Drop("hub_model_findings_untold", LATE),
    Drop("hub_model_line_failures", LATE),
    Drop("hub_models_process_ends", LATE),
    Drop("hub_model_pasts_unread", LOST),
    Drop("hub_findings_left_out", REFUSED),
    Drop("hub_meters_left_out", FAILED),
    Drop("hub_equipment_days_left_out", FAILED),
    Drop("hub_health_failures", FAILED),
    # jobs, people, screens
    Drop("hub_jobs_given_up", LOST),
    Drop("hub_job_failures", LATE),
    Drop("hub_jobs_put_back", LATE),
    Drop("hub_work_order_sweep_failures", FAILED),
    Drop("hub_rule_firings", FAILED, _only("outcome", "failed", "stopped", "error")),
    Drop("hub_linkage_runs", FAILED, _only("state", *NOT_DONE)),
    Drop("hub_webhook_attempts", LOST, _only("outcome", "given_up")),
    Drop("hub_digest_failures", FAILED),
    Drop("hub_positions_dropped", REFUSED),
    Drop("hub_notifications", LOST, _only("outcome", "failed", "unknown")),
    Drop("hub_notifications_nobody_reached", LOST),
    Drop("hub_alert_cases_ended", LOST, _only("reason", "no_route")),
    Drop("hub_alert_cases_failed", FAILED),
    Drop("hub_alerts_nobody_found", LOST),
    Drop("hub_alert_deliveries", LOST, _only("outcome", "failed", "unknown")),
    Drop("hub_wechat_messages", LOST, _only("outcome", "lost")),
    Drop("hub_wechat_pictures", REFUSED, _only("outcome", "refused")),
    Drop("hub_logins", REFUSED, _only("outcome", "refused")),
    Drop("hub_live_overrun", LATE),
    Drop("hub_announcements_missed", LATE),
    Drop("hub_http_failures", FAILED),
)

# Counters of work that went as it should, or that only repeat what another counter says.
NO_DROPS = frozenset(
    {
        "hub_dead_letters",  # those of the refused that were kept: hub_intake_refused, hub_store_refused_readings
        "hub_discovered_messages", "hub_bus_published_readings", "hub_bus_released_batches", "hub_mqtt_messages",
        "hub_mqtt_published", "hub_intake_readings", "hub_store_readings", "alarms_published", "judge_readings",
        "judge_detections", "judge_rebuilds", "hub_model_readings", "hub_work_orders_opened", "hub_work_orders_joined",
        "hub_work_orders_escalated",
        "hub_work_order_proofs",  # what is unproved is a matter of the order, and listed
        "hub_personal_data_forgotten",  # let go of on purpose, when the time that was set for it was over
    }
)  # fmt: skip

BY_COUNTER: Mapping[str, Drop] = {drop.counter: drop for drop in DROPS}

# A counter and its labels' values, by label.
Labels = tuple[tuple[str, str], ...]
CountKey = tuple[str, Labels]


def counts_of(registry: CollectorRegistry) -> Iterator[tuple[CountKey, int]]:
    """What this process has counted so far of what is in the table."""
    for metric in registry.collect():
        drop = BY_COUNTER.get(metric.name)
        if drop is None or metric.type != "counter":
            continue
        for sample in metric.samples:
            if sample.name.endswith("_total") and _is_meant(drop, sample.labels):
                yield (drop.counter, tuple(sorted(sample.labels.items()))), int(sample.value)


def _is_meant(drop: Drop, labels: Mapping[str, str]) -> bool:
    return all(labels.get(label) in values for label, values in drop.only.items())
