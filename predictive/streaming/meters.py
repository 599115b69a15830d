"""What models in the line count."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


class StreamMeters:
    def __init__(self, registry: CollectorRegistry) -> None:
        self.readings = Counter("hub_model_readings", "Readings that models looked at", registry=registry)
        self.left_out = Counter(
            "hub_model_left_out_readings", "Readings that counted for no row of a model", ["reason"], registry=registry
        )
        self.failures = Counter(
            "hub_model_failures", "Models of an equipment that failed and were set aside", registry=registry
        )
        self.refused = Counter(
            "hub_models_refused", "Stored models that were not loaded", ["reason"], registry=registry
        )
        self.untold = Counter("hub_model_findings_untold", "Findings that could not be handed on", registry=registry)
        self.broken_off = Counter(
            "hub_model_line_failures", "Times the line of models broke off and began again", registry=registry
        )
        self.unrecalled = Counter(
            "hub_model_pasts_unread", "Partitions begun without the past that the store could not tell",
            registry=registry,
        )  # fmt: skip
        self.watched = Gauge("hub_model_equipment", "Equipment looked at here", ["what"], registry=registry)
        self.behind = Gauge("hub_model_behind_seconds", "How far the bus has been read behind now", registry=registry)
        self.seconds = Histogram(
            "hub_model_look_seconds", "One look: reading, judging, telling", registry=registry,
            buckets=(0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30),
        )  # fmt: skip
