"""The names on the bus, and how much of each stream is kept."""

from dataclasses import dataclass

READINGS = "readings"
LIFE_SAFETY = "life_safety"


@dataclass(frozen=True)
class StreamSpec:
    """A JetStream stream of batches; its subjects are `<prefix>.<partition>`.

    It keeps what was published for `keep_s` where there is room, so that a new owner of a partition can read it again,
    and what nobody has read for as long as that takes (`bus.keeper`). At `max_bytes` it takes no more.
    """

    name: str
    prefix: str
    keep_s: float
    max_bytes: int

    def subject(self, partition: int) -> str:
        return f"{self.prefix}.{partition}"

    @property
    def subjects(self) -> str:
        return f"{self.prefix}.*"


# At 21 bytes a reading, 8 GiB are about 400 million readings: three days at 1,500 a second.
READINGS_STREAM = StreamSpec("READINGS", READINGS, keep_s=72 * 3600, max_bytes=8 * 1024**3)
LIFE_SAFETY_STREAM = StreamSpec("LIFE_SAFETY", LIFE_SAFETY, keep_s=30 * 86400, max_bytes=1024**3)
STREAMS = (READINGS_STREAM, LIFE_SAFETY_STREAM)


def stream_of(*, life_safety: bool) -> StreamSpec:
    return LIFE_SAFETY_STREAM if life_safety else READINGS_STREAM


def durable_name(durable: str, partition: int | None) -> str:
    """One durable consumer for everything, or one a partition, so that partitions can change hands."""
    return durable if partition is None else f"{durable}-{partition}"


def partition_of(subject: str) -> int:
    return int(subject.rpartition(".")[2])
