"""What the judge line counts."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


class JudgeMeters:
    """One for both lines; the label `line` is "ordinary" or "life_safety"."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.readings = Counter("judge_readings", "Readings judged", ["line"], registry=registry)
        self.left_out = Counter(
            "judge_left_out_readings",
            "Readings not judged: refused by admission, late for their point, or older than the lateness bound",
            ["line", "reason"],
            registry=registry,
        )
        self.clock_skew = Counter(
            "judge_clock_skew_readings", "Readings ahead of the hub, judged at their arrival", registry=registry
        )
        self.detections = Counter("judge_detections", "Detections committed", ["line", "what"], registry=registry)
        self.unfit = Counter("judge_unfit_detections", "Detections the alarms could not take", registry=registry)
        self.poison = Counter("judge_poison_batches", "Batches that could not be judged", ["line"], registry=registry)
        self.failures = Counter("judge_rule_failures", "Evaluations of a rule that failed", ["rule"], registry=registry)
        self.rebuilds = Counter("judge_rebuilds", "Times a partition's state was rebuilt", ["line"], registry=registry)
        self.pairs = Gauge("judge_pairs", "Pairs of rule and equipment judged here", ["line"], registry=registry)
        self.left_out_pairs = Gauge(
            "judge_left_out_pairs", "Pairs not judged, because what their rule names on other equipment is not there",
            ["line", "reason"], registry=registry,
        )  # fmt: skip
        self.window = Gauge(
            "judge_window_seconds", "How far behind its equipment's newest reading one still counts in its place",
            ["line"], registry=registry,
        )  # fmt: skip
        self.seconds = Histogram(
            "judge_batch_seconds",
            "From the bus to the commit, one fetch",
            ["line"],
            buckets=(0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3),
            registry=registry,
        )


def line_name(*, life_safety: bool) -> str:
    return "life_safety" if life_safety else "ordinary"
