"""Where something is, from an owner's words: 3栋2单元502, 三号楼, 3#502室, 3-2-502, A座1201. Pure."""

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from owner_services.understanding.numerals import CHINESE, number

_N: Final = rf"(?:\d{{1,3}}|[{CHINESE}]{{1,4}})"
_ROOM: Final = rf"(?:\d{{3,4}}|[{CHINESE}]{{3,4}})"
# A number of three or four digits that belongs to no longer one: not a piece of a telephone number or a year.
_ALONE: Final = r"(?<![\d.])(?:{})(?!\d)"

_DASHED = re.compile(r"(?<![\d-])(?P<building>\d{1,2})\s*[-/]\s*(?P<unit>\d{1,2})\s*[-/]\s*(?P<room>\d{3,4})(?![\d-])")
_DASHED_PAIR = re.compile(r"(?<![\d-])(?P<first>\d{1,2})\s*[-/]\s*(?P<room>\d{3,4})(?![\d-])")
_BUILDING = re.compile(
    rf"(?<![\dA-Za-z])第?(?P<number>{_N}|[A-Za-z])\s*"
    r"(?:栋|幢|棟|座|号楼|號樓|#楼|#(?!\s*(?:客|货)?电?梯)|号(?=\s*\d{1,2}\s*(?:单元|门)|\s*\d{3,4}\s*[室房]))"
)
_UNIT = re.compile(rf"(?<!\d)第?(?P<number>{_N}|[A-Da-d]|[甲乙丙丁])\s*(?:单元|單元|门(?=\s*\d{{3,4}}))")
_NAMED_ROOM = re.compile(_ALONE.format(rf"(?P<room>{_ROOM})") + r"\s*(?:室|房|户|号房)")
# After a building or a unit a bare number is the room: 3栋2单元502.
_BARE_ROOM = re.compile(
    r"^\s*[,的、\-/]?\s*" + _ALONE.format(rf"(?P<room>{_ROOM})") + r"(?!\s*(?:块|元|点|分|年|号楼|栋))"
)
_FLOOR = re.compile(rf"(?<!\d)(?P<below>负|地下|-|B|b)?(?P<number>\d{{1,2}}|[{CHINESE}]{{1,3}})\s*(?:楼|层|F(?![a-z]))")
_UNIT_LETTERS: Final = {"甲": "1", "乙": "2", "丙": "3", "丁": "4"}


@dataclass(frozen=True)
class Place:
    """What was said; None where nothing was. Building and unit are digits or one capital letter ("3", "A")."""

    building: str | None = None
    unit: str | None = None
    room: str | None = None
    floor: int | None = None

    @property
    def is_empty(self) -> bool:
        return self.building is None and self.unit is None and self.room is None

    def completed_by(self, earlier: "Place") -> "Place":
        """This place, with what it leaves open taken from what was said earlier; a building begins anew."""
        if self.building is not None:
            return self
        return Place(
            earlier.building,
            self.unit or earlier.unit,
            self.room or earlier.room,
            earlier.floor if self.floor is None else self.floor,
        )


def normalised(text: str) -> str:
    """Full-width forms made half-width, spaces around trimmed."""
    return unicodedata.normalize("NFKC", text).strip()


def parse_place(text: str) -> Place:
    """The first building, unit, room and floor a text names."""
    text = normalised(text)
    dashed = _DASHED.search(text)
    if dashed:
        return Place(dashed["building"].lstrip("0"), dashed["unit"].lstrip("0"), dashed["room"])
    building, rest = _taken(_BUILDING, text)
    unit, rest_after_unit = _taken(_UNIT, rest)
    pair = _DASHED_PAIR.search(rest)
    if pair and unit is None:
        # 3栋2-502 names a unit; 3-502 alone names a building.
        first = pair["first"].lstrip("0")
        return Place(building or first, first if building else None, pair["room"])
    named = building is not None or unit is not None
    return Place(building, unit, _room(rest_after_unit, may_be_bare=named), _floor(rest_after_unit))


def designation(text: str) -> str | None:
    """A building's or unit's own mark out of its name in the catalog: "3栋" and "三号楼" are "3", "A座" is "A"."""
    match = re.match(rf"\D*?(?P<number>{_N}|[A-Za-z](?![A-Za-z]))", normalised(text))
    return None if match is None else _mark(match["number"])


def _taken(pattern: re.Pattern[str], text: str) -> tuple[str | None, str]:
    """The mark the pattern finds and the text behind it; None and the whole text when it finds none."""
    match = pattern.search(text)
    if match is None:
        return None, text
    mark = _mark(match["number"])
    return (mark, text[match.end() :]) if mark is not None else (None, text)


def _mark(text: str) -> str | None:
    if text in _UNIT_LETTERS:
        return _UNIT_LETTERS[text]
    if len(text) == 1 and text.isascii() and text.isalpha():
        return text.upper()
    value = number(text)
    return str(value) if value else None


def _room(text: str, *, may_be_bare: bool) -> str | None:
    match = _NAMED_ROOM.search(text) or (_BARE_ROOM.search(text) if may_be_bare else None)
    if match is None:
        return None
    value = number(match["room"])
    return str(value) if value else None


def _floor(text: str) -> int | None:
    match = _FLOOR.search(text)
    value = number(match["number"]) if match else None
    if match is None or value is None:
        return None
    return -value if match["below"] else value
