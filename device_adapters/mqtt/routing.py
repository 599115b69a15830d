"""Which equipment a topic of a broker speaks of. Follows the live directory; asks no database."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import assert_never
from uuid import UUID
from zlib import crc32

from building.profile import DeviceProfile
from catalog.directory import Directory, EquipmentEntry, LiveDirectory, PointEntry
from device_adapters.mqtt.dialect import Dialect, Path, Rule, StatusRule, dialect_of, point_paths, silent_after_s

# A sender that invents topics must not fill the memory.
ROUTES_KEPT = 100_000


@dataclass(frozen=True)
class Slot:
    """A point and the words its device uses for it."""

    point: PointEntry
    words: Mapping[str, float]


class Share(Enum):
    """Which points a line reads. Two lines read the same messages; each point belongs to one of them."""

    ORDINARY = "ordinary"
    LIFE_SAFETY = "life_safety"
    ALL = "all"


@dataclass(frozen=True)
class Slots:
    """Points and where their values may stand."""

    by_path: tuple[tuple[tuple[Path, ...], Slot], ...]

    @cached_property
    def by_key(self) -> Mapping[str, Slot] | None:
        """Slots by their one key, when every point stands at the top; None for a nested dialect."""
        if any(len(path) != 1 for paths, _ in self.by_path for path in paths):
            return None
        return {path[0]: slot for paths, slot in self.by_path for path in paths}


@dataclass(frozen=True, eq=False)
class Target:
    """An equipment with what is needed to read its messages. `zone` is that of device times without one."""

    entry: EquipmentEntry
    slots: Slots
    refuses_unmapped: bool
    zone: str | None

    def slots_of(self, share: Share) -> Slots:
        match share:
            case Share.ORDINARY:
                return self._ordinary
            case Share.LIFE_SAFETY:
                return self._life_safety
            case Share.ALL:
                return self.slots
            case _:
                assert_never(share)

    @property
    def has_life_safety(self) -> bool:
        return bool(self._life_safety.by_path)

    @cached_property
    def top_keys(self) -> frozenset[str]:
        return frozenset(path[0] for paths, _ in self.slots.by_path for path in paths)

    @cached_property
    def _ordinary(self) -> Slots:
        return Slots(tuple(item for item in self.slots.by_path if not item[1].point.life_safety))

    @cached_property
    def _life_safety(self) -> Slots:
        return Slots(tuple(item for item in self.slots.by_path if item[1].point.life_safety))


@dataclass(frozen=True)
class Route:
    """A rule that a topic follows, and what its topic names. `target` is None when the catalog knows no such device."""

    rule: Rule
    site_code: str
    device: str | None
    target: Target | None


class Router:
    """Routes of one broker.

    `site_code` limits it to the devices of one site; `profile_keys` to some dialects. A device whose address names
    another broker is unknown here. Each of `life_safety_sessions` subscribes to up to `life_safety_topics` one by one.
    """

    def __init__(
        self,
        directory: LiveDirectory,
        profiles: Mapping[str, DeviceProfile],
        *,
        broker: str,
        site_code: str | None = None,
        profile_keys: Iterable[str] | None = None,
        life_safety_topics: int = 0,
        life_safety_sessions: int = 1,
    ) -> None:
        wanted = set(profiles if profile_keys is None else profile_keys)
        self._live = directory
        self._broker = broker
        self._site_code = site_code
        self._profiles = {key: p for key, p in profiles.items() if p.protocol == "mqtt" and key in wanted}
        self._dialects: dict[str, Dialect] = {key: dialect_of(p) for key, p in self._profiles.items()}
        self._silent_after_s = {key: silent_after_s(p) for key, p in self._profiles.items()}
        self._rules = list(dict.fromkeys(rule for dialect in self._dialects.values() for rule in dialect.rules))
        self._rules_by_head = _by_head(self._rules)
        self._life_safety_topics = life_safety_topics
        self._life_safety_sessions = life_safety_sessions
        self._index: _Index | None = None

    def filters(self) -> list[str]:
        """Every topic filter worth subscribing to."""
        return list(dict.fromkeys(rule.topic.filter for rule in self._rules))

    def life_safety_filters(self, session: int = 0) -> Mapping[str, None]:
        """The filters under which life-safety points may come, as the catalog stands now: the share of one session.

        The topics of the very devices that have such points, so that the broker sends all others once only; or
        wildcards where these are too many for the broker. The same object as long as they are the same.
        """
        return self._current().life_safety_filters[session]

    @property
    def directory(self) -> Directory:
        """What the answers of this object stand on at the moment; with a new one they may be others."""
        return self._live.current

    def routes(self, topic: str) -> tuple[Route, ...]:
        """The rules that `topic` follows; where some know the device, only those. Empty for a foreign topic."""
        index = self._current()
        routes = index.routes.get(topic)
        if routes is None:
            routes = self._find(index, topic)
            if len(index.routes) >= ROUTES_KEPT:
                index.routes.clear()
            index.routes[topic] = routes
        return routes

    def target(self, rule: Rule, *, site_code: str, device: str) -> Target | None:
        """The equipment that goes by `device` under this rule."""
        return self._target(self._current(), rule, site_code, device)

    def covered(self) -> list[EquipmentEntry]:
        """Every equipment this broker speaks for, by any rule that covers all."""
        index = self._current()
        found = {
            entry.equipment_id: entry
            for rule in self._rules
            if isinstance(rule, StatusRule) and rule.covers_all
            for entry in index.by_rule[rule].values()
        }
        return list(found.values())

    def watched(self) -> list[tuple[EquipmentEntry, float]]:
        """Equipment that may not be silent, and for how many seconds it may."""
        return self._current().watched

    def _find(self, index: "_Index", topic: str) -> tuple[Route, ...]:
        routes: list[Route] = []
        for rule in self._rules_by_head.get(topic.partition("/")[0]) or self._rules_by_head[""]:
            named = rule.topic.match(topic)
            if named is None:
                continue
            site, device = named
            site_code = site or self._site_code or ""
            target = None if device is None else self._target(index, rule, site_code, device)
            routes.append(Route(rule, site_code, device, target))
        known = [route for route in routes if route.target is not None or route.device is None]
        return tuple(known or routes)

    def _target(self, index: "_Index", rule: Rule, site_code: str, device: str) -> Target | None:
        entry = index.by_rule[rule].get((site_code if rule.topic.names_site else None, device))
        if entry is None:
            return None
        target = index.targets.get(entry.equipment_id)
        if target is None:
            target = index.targets[entry.equipment_id] = self._new_target(entry)
        return target

    def _new_target(self, entry: EquipmentEntry) -> Target:
        profile = self._profiles[entry.profile_key]
        slots = []
        for key, point in entry.points.items():
            spec = profile.points.get(key)
            slots.append((point_paths(profile, key), Slot(point, spec.words if spec is not None else {})))
        return Target(
            entry=entry,
            slots=Slots(tuple(slots)),
            refuses_unmapped=self._dialects[entry.profile_key].refuses_unmapped,
            zone=entry.address.get("time_zone"),
        )

    def _current(self) -> "_Index":
        directory = self._live.current
        if self._index is None or self._index.directory is not directory:
            self._index = self._new_index(directory)
        return self._index

    def _new_index(self, directory: Directory) -> "_Index":
        index = _Index(directory, {rule: {} for rule in self._rules})
        life_safety: list[EquipmentEntry] = []
        for entry in directory.of_protocol("mqtt"):
            if not self._is_ours(entry):
                continue
            if any(point.life_safety for point in entry.points.values()):
                life_safety.append(entry)
            limit_s = self._silent_after_s[entry.profile_key]
            if limit_s is not None:
                index.watched.append((entry, limit_s))
            for rule in self._dialects[entry.profile_key].rules:
                index.by_rule[rule][(entry.site_code if rule.topic.names_site else None, entry.external_id)] = entry
        filters = self._filters_of(life_safety)
        former = filters if self._index is None else self._index.life_safety_filters
        index.life_safety_filters = [old if old == new else new for old, new in zip(former, filters, strict=True)]
        return index

    def _filters_of(self, entries: Sequence[EquipmentEntry]) -> list[Mapping[str, None]]:
        """Where the telemetry of these comes from, for each session.

        A topic stays with the session of its hash as long as that has room; else it goes to the next that has.
        """
        sessions: list[dict[str, None]] = [{} for _ in range(self._life_safety_sessions)]
        topics = {
            _exact_topic(rule, entry) for entry in entries for rule in self._dialects[entry.profile_key].telemetry
        }
        if len(topics) > len(sessions) * self._life_safety_topics:
            profiles = sorted({entry.profile_key for entry in entries})
            wildcards = dict.fromkeys(rule.topic.filter for key in profiles for rule in self._dialects[key].telemetry)
            return [wildcards, *({} for _ in sessions[1:])]
        for topic in sorted(topics):
            home = crc32(topic.encode())
            in_turn = (sessions[(home + step) % len(sessions)] for step in range(len(sessions)))
            next(session for session in in_turn if len(session) < self._life_safety_topics)[topic] = None
        return list(sessions)

    def _is_ours(self, entry: EquipmentEntry) -> bool:
        return (
            entry.profile_key in self._dialects
            and entry.address.get("broker", self._broker) == self._broker
            and self._site_code in (None, entry.site_code)
        )


class _Index:
    """What a directory means for one broker; thrown away when the directory changes."""

    def __init__(self, directory: Directory, by_rule: dict[Rule, dict[tuple[str | None, str], EquipmentEntry]]) -> None:
        self.directory = directory
        self.by_rule = by_rule
        self.routes: dict[str, tuple[Route, ...]] = {}
        self.targets: dict[UUID, Target] = {}
        self.life_safety_filters: Sequence[Mapping[str, None]] = ()
        self.watched: list[tuple[EquipmentEntry, float]] = []


def _exact_topic(rule: Rule, entry: EquipmentEntry) -> str:
    """The topic of one device; the filter for all where a name that no topic can hold would change its meaning."""
    if set(entry.external_id + entry.site_code) & set("+#/\0"):
        return rule.topic.filter
    return rule.topic.filled(site=entry.site_code, device=entry.external_id)


def _by_head(rules: Sequence[Rule]) -> Mapping[str, list[Rule]]:
    """The rules that a topic may follow by its first level, in order; under "" those that any first level may."""
    heads = [rule.topic.text.partition("/")[0] for rule in rules]
    found = {"": [rule for rule, head in zip(rules, heads, strict=True) if "{" in head]}
    for wanted in heads:
        if "{" not in wanted:
            found[wanted] = [rule for rule, head in zip(rules, heads, strict=True) if "{" in head or head == wanted]
    return found
