"""Whom a complaint is about, from the complainer's words, so that it never becomes that person's work. Pure.

Rather one too many kept off than the accused handed their own complaint.
"""

import re
from collections.abc import Mapping
from uuid import UUID

_ANONYMOUS = re.compile(
    r"匿名|不要(?:告诉|透露|说是我)|别(?:告诉|透露|说是我)|不想让.{0,8}知道|\banonymous", re.IGNORECASE
)
# 张工, 张师傅, 姓张的保安: a surname with what its bearer is called.
_TITLES = "工|师傅|经理|主管|队长|管家|班长|姐|哥|主任|助理|保安|保洁|客服"


def wants_anonymity(text: str) -> bool:
    return bool(_ANONYMOUS.search(text))


def people_meant(text: str, names: Mapping[UUID, str]) -> set[UUID]:
    """Those of `names` whom the words mean: by full name, or by surname and title, then everybody of that surname."""
    whole = {person_id for person_id, name in names.items() if len(name) >= 2 and name in text}
    if whole:
        return whole
    return {person_id for person_id, name in names.items() if _called_by_surname(text, name)}


def _called_by_surname(text: str, name: str) -> bool:
    if not name or not "一" <= name[0] <= "鿿":
        return False
    surname = re.escape(name[0])
    return bool(re.search(rf"{surname}(?:{_TITLES})|姓{surname}(?:的|那)", text))
