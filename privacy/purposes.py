"""What personal data is used for, and on which ground: data, read once, pure."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib import resources

import msgspec

from kit.i18n import Language, Wording


class Basis(StrEnum):
    CONTRACT = "contract"
    LEGAL_DUTY = "legal_duty"
    EMERGENCY = "emergency"
    CONSENT = "consent"


class _Row(msgspec.Struct, forbid_unknown_fields=True):
    code: str
    basis: Basis
    names: dict[str, str]
    data: list[str]
    version: int | None = None
    texts: dict[str, str] | None = None


@dataclass(frozen=True)
class Purpose:
    """`version` and `texts` only of what rests on consent: what somebody agrees to, word for word."""

    code: str
    basis: Basis
    names: Wording
    data: tuple[str, ...]
    version: int | None
    texts: Wording | None


def shipped() -> dict[str, Purpose]:
    return parse((resources.files("privacy") / "purposes.toml").read_text("utf-8"))


def parse(document: str) -> dict[str, Purpose]:
    """By code. Raises ValueError saying which purpose is incomplete."""
    rows = msgspec.convert(tomllib.loads(document)["purposes"], list[_Row])
    found: dict[str, Purpose] = {}
    for row in rows:
        is_by_consent = row.basis is Basis.CONSENT
        if row.code in found or not _is_whole(row.names) or is_by_consent != (row.version is not None):
            raise ValueError(f"the purpose {row.code!r} is there twice, lacks a name, or a version where it should")
        if is_by_consent != (row.texts is not None and _is_whole(row.texts)):
            raise ValueError(f"the purpose {row.code!r} rests on consent and lacks its text, or has one for nothing")
        texts = Wording(row.texts) if row.texts else None
        found[row.code] = Purpose(row.code, row.basis, Wording(row.names), tuple(row.data), row.version, texts)
    return found


def _is_whole(texts: Mapping[str, str]) -> bool:
    return set(texts) == {language.value for language in Language} and all(texts.values())
