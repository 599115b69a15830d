"""What a rule raises: an alarm's stretch of one equipment. From detections in order, levels of a rule as one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from alarms.detection import LEVEL_MARK, Detection, OrderPolicy
from building.severity import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """UTC ms. `onset_ms` is when the condition began to hold, `raised_ms` when it had held for long enough; `end_ms`
    None: it lasted to the end of what was replayed. `values` are those that decided, by name."""

    rule_key: str
    equipment_id: UUID
    site_id: UUID
    fault_mode: str
    severity: Severity
    order: OrderPolicy | None
    life_safety: bool = False
    onset_ms: int
    raised_ms: int
    end_ms: int | None = None
    values: Mapping[str, float] = field(default_factory=dict)


class EpisodeBook:
    """Takes detections up in the order of their time."""

    def __init__(self) -> None:
        self._lasting: dict[tuple[str, UUID], Episode] = {}
        self._ended: list[Episode] = []

    def enter(self, detections: Sequence[Detection]) -> None:
        for detection in detections:
            key = (detection.source_id, detection.equipment_id)
            if detection.active:
                self._lasting[key] = _begun(detection)
            elif key in self._lasting:
                self._ended.append(replace(self._lasting.pop(key), end_ms=detection.at_ms))

    def add(self, episode: Episode) -> None:
        """One that was found whole."""
        self._ended.append(episode)

    def episodes(self) -> list[Episode]:
        """By onset; the levels of a rule that overlap are one episode."""
        return _levels_as_one([*self._ended, *self._lasting.values()])


def _begun(detection: Detection) -> Episode:
    return Episode(
        rule_key=detection.source_id, equipment_id=detection.equipment_id, site_id=detection.site_id,
        fault_mode=detection.fault_mode, severity=detection.severity, order=detection.order,
        life_safety=detection.life_safety, onset_ms=detection.onset_ms, raised_ms=detection.at_ms,
        values=detection.values,
    )  # fmt: skip


def _levels_as_one(found: Sequence[Episode]) -> list[Episode]:
    """An alarm is present while any of its levels is, from when the first of them was raised; its severity is the
    highest it had. As the ledger of alarms has it."""
    whole: list[Episode] = []
    last: dict[tuple[str, UUID], tuple[int, str]] = {}
    for level in sorted(found, key=lambda one: (one.raised_ms, one.onset_ms, one.rule_key, one.equipment_id)):
        rule_key = level.rule_key.partition(LEVEL_MARK)[0]
        place, before = last.get((rule_key, level.equipment_id), (-1, ""))
        if place >= 0 and _goes_on(whole[place], level, is_same=before == level.rule_key):
            whole[place] = _joined(whole[place], level)
        else:
            place = len(whole)
            whole.append(replace(level, rule_key=rule_key))
        last[rule_key, level.equipment_id] = place, level.rule_key
    return sorted(whole, key=lambda one: (one.onset_ms, one.raised_ms, one.rule_key, one.equipment_id))


def _goes_on(before: Episode, after: Episode, *, is_same: bool) -> bool:
    """Whether the alarm is still there when the other stretch is raised. Two of the very same level do not touch."""
    if before.end_ms is None or after.raised_ms < before.end_ms:
        return True
    return after.raised_ms == before.end_ms and not is_same


def _joined(one: Episode, other: Episode) -> Episode:
    ends_ms = None if one.end_ms is None or other.end_ms is None else max(one.end_ms, other.end_ms)
    worse = other if other.severity.rank < one.severity.rank else one
    return replace(one, end_ms=ends_ms, severity=worse.severity, order=one.order or other.order)
