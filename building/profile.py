"""Device profiles: what a model of device reports, in which unit and range. Parsed from TOML, pure.

Protocol sections (`[mqtt]`, `[modbus]` and the same keys inside a point) are kept as they are; the adapter of that
protocol reads and checks its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from building.equipment import EquipmentKind
from building.point import PointKind, Reporting, ReportingMode


class BadProfile(ValueError):
    """A profile that cannot be used. The message names the profile, the point and what to change."""


@dataclass(frozen=True)
class PointSpec:
    """One point of a profile.

    `low`/`high`: plausible range in `unit`; a value outside is a dead letter. `words`: incoming strings and the
    number each stands for. `labels`: the number (as text) and the words shown for it, by language.
    `sections`: the point's protocol sections by protocol name.
    """

    key: str
    name: Mapping[str, str]
    kind: PointKind
    unit: str
    low: float
    high: float
    reporting: Reporting
    decimals: int = 2
    life_safety: bool = False
    words: Mapping[str, float] = field(default_factory=dict)
    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    sections: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class DeviceProfile:
    """A model of device. `edition` says which standard or manual the points follow."""

    key: str
    name: Mapping[str, str]
    kind: EquipmentKind
    protocol: str
    edition: str
    points: Mapping[str, PointSpec]
    sections: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


PROTOCOLS = ("mqtt", "modbus")
_TOP = {"key", "name", "kind", "protocol", "edition", "points", *PROTOCOLS}
_POINT = {
    "key", "name", "kind", "unit", "range", "reporting", "decimals", "life_safety", "words", "labels", *PROTOCOLS,
}  # fmt: skip


def parse_profile(raw: Mapping[str, Any]) -> DeviceProfile:
    """A checked profile from a parsed TOML document. Raises BadProfile."""
    key = raw.get("key", "?")
    _refuse_unknown(raw, _TOP, where=f"profile {key}")
    try:
        points = [_parse_point(key, point) for point in raw["points"]]
        profile = DeviceProfile(
            key=raw["key"],
            name=raw["name"],
            kind=EquipmentKind(raw["kind"]),
            protocol=raw["protocol"],
            edition=raw["edition"],
            points={point.key: point for point in points},
            sections={name: raw[name] for name in PROTOCOLS if name in raw},
        )
    except KeyError as missing:
        raise BadProfile(f"profile {key}: {missing} is missing") from None
    except (ValueError, TypeError) as error:
        raise error if isinstance(error, BadProfile) else BadProfile(f"profile {key}: {error}") from None
    if len(profile.points) != len(points):
        raise BadProfile(f"profile {key}: two points have the same key")
    return profile


def _parse_point(profile: str, raw: Mapping[str, Any]) -> PointSpec:
    where = f"profile {profile}, point {raw.get('key', '?')}"
    _refuse_unknown(raw, _POINT, where=where)
    try:
        low, high = raw["range"]
        if not low < high:
            raise BadProfile(f"{where}: range must be [low, high] with low < high")
        return PointSpec(
            key=raw["key"],
            name=raw["name"],
            kind=PointKind(raw["kind"]),
            unit=raw["unit"],
            low=float(low),
            high=float(high),
            reporting=Reporting(ReportingMode(raw["reporting"]["mode"]), float(raw["reporting"]["interval_s"])),
            decimals=int(raw.get("decimals", 2)),
            life_safety=bool(raw.get("life_safety", False)),
            words={str(word): float(number) for word, number in raw.get("words", {}).items()},
            labels=raw.get("labels", {}),
            sections={name: raw[name] for name in PROTOCOLS if name in raw},
        )
    except KeyError as missing:
        raise BadProfile(f"{where}: {missing} is missing") from None
    except (ValueError, TypeError) as error:
        raise error if isinstance(error, BadProfile) else BadProfile(f"{where}: {error}") from None


def _refuse_unknown(raw: Mapping[str, Any], known: set[str], *, where: str) -> None:
    if unknown := set(raw) - known:
        raise BadProfile(f"{where}: unknown key {', '.join(sorted(unknown))}; known are {', '.join(sorted(known))}")
