"""Modes of failure as data: which points tell which wear in which equipment, and where it ends."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, assert_never

from building.equipment import EquipmentKind
from predictive.drift.days import FeatureKind
from predictive.remaining_life.degradation import Limit

SHIPPED: Final = Path(__file__).with_name("modes.toml")


class BadModes(ValueError):
    """The file of modes cannot be used; the words say which entry and what is expected."""


class Direction(StrEnum):
    RISES = "rises"
    FALLS = "falls"
    EITHER = "either"


class LimitKind(StrEnum):
    LIMIT = "limit"  # in the point's unit
    RATIO = "limit_ratio"  # of its own usual value
    CHANGE = "limit_change"  # beyond its own usual value


@dataclass(frozen=True, slots=True)
class Sign:
    point: str
    feature: FeatureKind
    direction: Direction
    limit_kind: LimitKind
    limit: float
    spread: float

    def limit_for(self, *, usual: float, moved: float) -> Limit:
        """Where this equipment fails, whose sign is usually `usual` and has moved so far from it."""
        match self.direction:
            case Direction.RISES:
                rises = True
            case Direction.FALLS:
                rises = False
            case Direction.EITHER:
                rises = moved >= 0
            case _:
                assert_never(self.direction)
        match self.limit_kind:
            case LimitKind.LIMIT:
                return Limit(self.limit, self.spread, rises)
            case LimitKind.RATIO:
                return Limit(self.limit * usual, self.spread * abs(usual), rises)
            case LimitKind.CHANGE:
                return Limit(usual + (self.limit if rises else -self.limit), self.spread, rises)
            case _:
                assert_never(self.limit_kind)


@dataclass(frozen=True, slots=True)
class Mode:
    key: str
    kinds: frozenset[EquipmentKind]
    signs: tuple[Sign, ...]


@dataclass(frozen=True, slots=True)
class Service:
    """Due at every multiple of `every`, in the counter's unit."""

    key: str
    kinds: frozenset[EquipmentKind]
    point: str
    every: float


@dataclass(frozen=True, slots=True)
class Modes:
    modes: tuple[Mode, ...]
    services: tuple[Service, ...]

    def of_kind(self, kind: EquipmentKind) -> tuple[Mode, ...]:
        return tuple(mode for mode in self.modes if kind in mode.kinds)

    def services_of(self, kind: EquipmentKind) -> tuple[Service, ...]:
        return tuple(service for service in self.services if kind in service.kinds)


def load_modes(*own: Path) -> Modes:
    """Ours, then a site's files: an entry of the same key replaces ours. Raises BadModes."""
    modes: dict[str, Mode] = {}
    services: dict[str, Service] = {}
    for path in (SHIPPED, *own):
        try:
            text = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, tomllib.TOMLDecodeError) as error:
            raise BadModes(f"{path}: {error}") from error
        modes |= {mode.key: mode for mode in map(_mode, _entries(text, "modes"))}
        services |= {service.key: service for service in map(_service, _entries(text, "services"))}
    return Modes(tuple(modes.values()), tuple(services.values()))


def _entries(text: Mapping[str, Any], name: str) -> Iterable[Mapping[str, Any]]:
    entries = text.get(name, [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise BadModes(f"{name} must be written as [[{name}]]")
    return entries


def _mode(entry: Mapping[str, Any]) -> Mode:
    key = _text(entry, "key", where="modes")
    signs = entry.get("signs")
    if not isinstance(signs, list) or not signs:
        raise BadModes(f"mode {key}: signs must name one point at least")
    return Mode(key, _kinds(entry, key), tuple(_sign(sign, key) for sign in signs))


def _sign(entry: Mapping[str, Any], key: str) -> Sign:
    point = _text(entry, "point", where=key)
    limits = [kind for kind in LimitKind if kind.value in entry]
    if len(limits) != 1:
        raise BadModes(f"mode {key}, point {point}: exactly one of {', '.join(LimitKind)} is needed")
    try:
        feature = FeatureKind(entry.get("feature", FeatureKind.LEVEL))
        direction = Direction(entry.get("direction", ""))
    except ValueError as error:
        raise BadModes(f"mode {key}, point {point}: {error}") from None
    spread = _number(entry, "spread", where=f"mode {key}, point {point}")
    if spread <= 0:
        raise BadModes(f"mode {key}, point {point}: spread must be above 0, no limit is exact")
    return Sign(point, feature, direction, limits[0], _number(entry, limits[0].value, where=key), spread)


def _service(entry: Mapping[str, Any]) -> Service:
    key = _text(entry, "key", where="services")
    every = _number(entry, "every", where=f"service {key}")
    if every <= 0:
        raise BadModes(f"service {key}: every must be above 0")
    return Service(key, _kinds(entry, key), _text(entry, "point", where=key), every)


def _kinds(entry: Mapping[str, Any], key: str) -> frozenset[EquipmentKind]:
    try:
        kinds = frozenset(EquipmentKind(kind) for kind in entry.get("kinds", []))
    except ValueError as error:
        raise BadModes(f"{key}: {error}") from None
    if not kinds:
        raise BadModes(f"{key}: kinds must name one kind of equipment at least")
    return kinds


def _text(entry: Mapping[str, Any], name: str, *, where: str) -> str:
    value = entry.get(name)
    if not isinstance(value, str) or not value:
        raise BadModes(f"{where}: {name} is missing")
    return value


def _number(entry: Mapping[str, Any], name: str, *, where: str) -> float:
    value = entry.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadModes(f"{where}: {name} must be a number")
    return float(value)
