"""Every text a user sees, of all rooms."""

from kit.i18n import Texts

ROOMS_WITH_TEXTS = (
    "kit", "building", "catalog", "people", "people.contractors", "device_adapters", "connectors", "telemetry", "stock",
    "alarms", "knowledge", "notify", "rules",
    "ticketing", "ticketing.charging", "ticketing.working", "ticketing.definitions", "ticketing.approvals",
    "ticketing.feedback", "ticketing.sla", "ticketing.incidents", "ticketing.dispatch",
    "owner_services", "automation", "linkage", "insight", "privacy",
    "predictive", "predictive.streaming", "predictive.training", "predictive.predictions", "predictive.remaining_life",
    "predictive.health", "predictive.consumption", "hub",
)  # fmt: skip


def load_texts() -> Texts:
    return Texts.load(ROOMS_WITH_TEXTS)
