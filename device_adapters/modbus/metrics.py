"""What the Modbus adapter counts."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


class ModbusMetrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        self.polls = Counter("hub_modbus_polls", "Polls of a unit", ["outcome"], registry=registry)
        self.answered = self.polls.labels("answered")
        self.refusals = Counter("hub_modbus_refusals", "Blocks a unit refused for good", ["code"], registry=registry)
        self.poller_failures = Counter("hub_modbus_poller_failures", "Pollers that failed", registry=registry)
        self.endpoints = Gauge("hub_modbus_endpoints", "Endpoints polled", registry=registry)
        self.unusable = Gauge("hub_modbus_unusable", "Equipment whose address or profile is wrong", registry=registry)
        self.poll_seconds = Histogram(
            "hub_modbus_poll_seconds", "Time to read a unit", registry=registry,
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5),
        )  # fmt: skip
