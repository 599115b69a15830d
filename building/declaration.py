"""A site as its declaration (TOML) says it: buildings, spaces and equipment, with series. Parsed and checked, pure.

The catalog loads it and simulators play it: both read the same file. See `building.series` for the patterns.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from building.equipment import EquipmentKind
from building.series import BadSeries, expand
from building.space import SpaceKind


class BadDeclaration(ValueError):
    """A declaration that cannot be used. The message names the place and what to change."""


@dataclass(frozen=True)
class BuildingDeclaration:
    code: str
    name: str


@dataclass(frozen=True)
class SpaceDeclaration:
    """A place. `building` and `parent` are codes; without a building it belongs to the whole site."""

    building: str | None
    kind: SpaceKind
    code: str
    name: str
    parent: str | None = None


@dataclass(frozen=True)
class EquipmentDeclaration:
    """An equipment. `building`, `space` and `parent` are codes; `external_id` is the device's own name on the wire."""

    code: str
    name: str
    kind: EquipmentKind
    profile: str | None
    model: str
    building: str | None
    space: str | None
    parent: str | None
    protocol: str | None
    external_id: str
    address: Mapping[str, Any]
    rescue_code: str | None
    location: str


@dataclass(frozen=True)
class SiteDeclaration:
    """A whole site. `settings` are the site's own settings by the room that reads them; `timezone` is IANA."""

    code: str
    name: str
    city: str
    timezone: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    buildings: tuple[BuildingDeclaration, ...] = ()
    spaces: tuple[SpaceDeclaration, ...] = ()
    equipment: tuple[EquipmentDeclaration, ...] = ()


Kind = TypeVar("Kind", bound=StrEnum)
Item = TypeVar("Item", BuildingDeclaration, SpaceDeclaration, EquipmentDeclaration)


def parse_site(raw: Mapping[str, Any]) -> SiteDeclaration:
    """A checked declaration from a parsed TOML document: every code unique, every reference known, no cycle.

    Raises BadDeclaration.
    """
    top = _Fields("declaration", raw)
    head = _Fields("site", top.table("site"))
    site = SiteDeclaration(
        code=head.text("code"),
        name=head.text("name"),
        city=head.text("city", default=""),
        timezone=head.text("timezone"),
        settings=head.table("settings", default={}),
        buildings=_items("buildings", top, _building),
        spaces=_items("spaces", top, _space),
        equipment=_items("equipment", top, _equipment),
    )
    head.refuse_rest()
    top.refuse_rest()
    _check(site)
    return site


def cycle_in(parents: Mapping[str, str | None]) -> list[str] | None:
    """The codes of a parent chain that comes back to itself, or None. Parents that are no key end a chain."""
    sound: set[str] = set()
    for start in parents:
        chain: list[str] = []
        code: str | None = start
        while code is not None and code in parents and code not in sound:
            if code in chain:
                return [*chain[chain.index(code) :], code]
            chain.append(code)
            code = parents[code]
        sound.update(chain)
    return None


def _building(fields: "_Fields") -> BuildingDeclaration:
    return BuildingDeclaration(code=fields.text("code"), name=fields.text("name"))


def _space(fields: "_Fields") -> SpaceDeclaration:
    return SpaceDeclaration(
        building=fields.optional("building"),
        kind=fields.one_of("kind", SpaceKind),
        code=fields.text("code"),
        name=fields.text("name"),
        parent=fields.optional("parent"),
    )


def _equipment(fields: "_Fields") -> EquipmentDeclaration:
    code = fields.text("code")
    return EquipmentDeclaration(
        code=code,
        name=fields.text("name", default=code),
        kind=fields.one_of("kind", EquipmentKind),
        profile=fields.optional("profile"),
        model=fields.text("model", default=""),
        building=fields.optional("building"),
        space=fields.optional("space"),
        parent=fields.optional("parent"),
        protocol=fields.optional("protocol"),
        external_id=fields.text("external_id", default=code),
        address=fields.table("address", default={}),
        rescue_code=fields.optional("rescue_code"),
        location=fields.text("location", default=""),
    )


def _items(name: str, top: "_Fields", parse: Callable[["_Fields"], Item]) -> tuple[Item, ...]:
    found: list[Item] = []
    for index, entry in enumerate(top.tables(name)):
        where = f"{name}[{index}]"
        try:
            for row in expand(entry):
                fields = _Fields(f"{where} ({row.get('code', '?')})", row)
                found.append(parse(fields))
                fields.refuse_rest()
        except BadSeries as error:
            raise BadDeclaration(f"{where}: {error}") from None
    return tuple(found)


def _check(site: SiteDeclaration) -> None:
    try:
        ZoneInfo(site.timezone)
    except (ZoneInfoNotFoundError, ValueError):
        raise BadDeclaration(f"site: timezone {site.timezone} is unknown; use a name such as Asia/Shanghai") from None
    buildings = _unique("buildings", site.buildings)
    spaces = _unique("spaces", site.spaces)
    equipment = _unique("equipment", site.equipment)
    for space in site.spaces:
        _known(f"space {space.code}", "building", space.building, buildings)
        _known(f"space {space.code}", "parent", space.parent, spaces)
    for item in site.equipment:
        _known(f"equipment {item.code}", "building", item.building, buildings)
        _known(f"equipment {item.code}", "space", item.space, spaces)
        _known(f"equipment {item.code}", "parent", item.parent, equipment)
    _refuse_cycle("spaces", {space.code: space.parent for space in site.spaces})
    _refuse_cycle("equipment", {item.code: item.parent for item in site.equipment})


def _unique(name: str, items: Sequence[Item]) -> set[str]:
    codes: set[str] = set()
    for item in items:
        if item.code in codes:
            raise BadDeclaration(f"{name}: the code {item.code} is declared twice")
        codes.add(item.code)
    return codes


def _known(where: str, role: str, code: str | None, codes: set[str]) -> None:
    if code is not None and code not in codes:
        raise BadDeclaration(f"{where}: its {role} {code} is not declared")


def _refuse_cycle(name: str, parents: Mapping[str, str | None]) -> None:
    if chain := cycle_in(parents):
        raise BadDeclaration(f"{name}: the parents go in a circle: {' → '.join(chain)}")


class _Fields:
    """One table of the document, read key by key; what nobody read is refused in the end."""

    def __init__(self, where: str, raw: Mapping[str, Any]) -> None:
        self._where = where
        self._raw = raw
        self._read: set[str] = set()

    def text(self, key: str, *, default: str | None = None) -> str:
        value = self._take(key, default)
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise BadDeclaration(f"{self._where}: {key} must be a text")
        if value == "" and default is None:
            raise BadDeclaration(f"{self._where}: {key} must not be empty")
        return str(value)

    def optional(self, key: str) -> str | None:
        return self.text(key) if key in self._raw else None

    def one_of(self, key: str, kinds: type[Kind]) -> Kind:
        value = self.text(key)
        try:
            return kinds(value)
        except ValueError:
            known = ", ".join(kinds)
            raise BadDeclaration(f"{self._where}: {key} {value} is unknown; known are {known}") from None

    def table(self, key: str, *, default: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
        value = self._take(key, default)
        if not isinstance(value, Mapping):
            raise BadDeclaration(f"{self._where}: {key} must be a table")
        return value

    def tables(self, key: str) -> Iterable[Mapping[str, Any]]:
        value = self._take(key, [])
        if not isinstance(value, list) or not all(isinstance(entry, Mapping) for entry in value):
            raise BadDeclaration(f"{self._where}: {key} must be written as [[{key}]]")
        return value

    def refuse_rest(self) -> None:
        if unknown := set(self._raw) - self._read:
            raise BadDeclaration(
                f"{self._where}: unknown key {', '.join(sorted(unknown))}; known are {', '.join(sorted(self._read))}"
            )

    def _take(self, key: str, default: Any) -> Any:
        self._read.add(key)
        value = self._raw.get(key, default)
        if value is None:
            raise BadDeclaration(f"{self._where}: {key} is missing")
        return value
