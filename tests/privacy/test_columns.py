"""Every column of every table is declared personal or not, and what is said to be erased is."""

import tomllib
from pathlib import Path

import pytest

from audit.room import build_audit
from catalog.service import CatalogService
from hub.migrate import load_models
from hub.personal import holders
from kit.clock import SystemClock
from kit.db import Base
from kit.i18n import Language
from kit.personal import TableHolder
from people.service import PeopleService
from privacy.columns import let_go_of
from privacy.purposes import Basis, parse, shipped
from privacy.settings import PrivacySettings

KINDS = {"no", "person", "erased", "aged", "edited", "work", "kept"}
DECLARED = tomllib.loads((Path(__file__).parents[2] / "privacy" / "columns.toml").read_text("utf-8"))
load_models()
TABLES = dict(Base.metadata.tables)
HOLDERS = holders(
    build_audit(
        SystemClock(), personal=let_go_of(), whereabouts=PeopleService(CatalogService({}), SystemClock())
    ),
    PrivacySettings(_env_file=None), files=Path("nowhere"),
)  # fmt: skip
# The audit takes its own values out, by the eraser that keeps its chain whole.
BY_THE_AUDIT = {("audit_detail", "facts"), ("audit_detail", "origin")}


def declared(kind: str) -> set[tuple[str, str]]:
    return {(table, name) for table, kinds in DECLARED.items() for name in kinds.get(kind, [])}


def test_every_column_says_what_it_is_to_a_person() -> None:
    columns = {(name, column.name) for name, table in TABLES.items() for column in table.columns}
    said = [(table, name) for table, kinds in DECLARED.items() for names in kinds.values() for name in names]
    assert {kind for kinds in DECLARED.values() for kind in kinds} <= KINDS
    assert columns - set(said) == set(), "add a row to privacy/columns.toml, and where it is personal to a holder"
    assert set(said) - columns == set(), "a row of privacy/columns.toml names what is not there"
    assert len(said) == len(set(said)), "a column is declared twice"


def test_what_names_a_person_is_declared_so() -> None:
    named = {
        (name, column.name)
        for name, table in TABLES.items()
        for column in table.columns
        if any(key.column.table.name == "person" for key in column.foreign_keys)
    }
    assert named <= declared("person") | declared("erased")


def test_what_is_declared_erased_is_erased_by_the_room_that_holds_it() -> None:
    done = set(BY_THE_AUDIT)
    for holder in HOLDERS:
        for rows in holder.rows if isinstance(holder, TableHolder) else ():
            table = rows.table.__tablename__
            gone = {column.name for column in TABLES[table].columns} if rows.is_dropped else set(rows.replaced)
            done |= {(table, name) for name in gone}
    assert declared("erased") <= done, "declared as erased, and no holder does it"
    told = {pair for pair in done if pair not in declared("erased") | declared("person") | declared("no")}
    assert told == set() or told <= declared("kept") | {("person", "is_active")}, "erased, and not declared so"


def test_every_kind_that_grows_old_has_a_time() -> None:
    settings = PrivacySettings(_env_file=None)
    kinds = {kind for holder in HOLDERS for kind in holder.kinds}
    assert {kind: settings.days(kind) > 0 for kind in kinds} == dict.fromkeys(kinds, True)
    assert {name.removesuffix("_days") for name in PrivacySettings.model_fields} == kinds | {"charges"}


def test_each_purpose_has_its_ground_and_consent_its_text_in_both_languages() -> None:
    purposes = shipped()
    assert {purpose.basis for purpose in purposes.values()} == set(Basis)
    for purpose in purposes.values():
        assert (purpose.texts is not None) == (purpose.basis is Basis.CONSENT)
        assert all(purpose.names[language.value] for language in Language)


@pytest.mark.parametrize(
    "change",
    [('basis = "consent"', 'basis = "contract"'), ("version = 1", ""), ('basis = "contract"', 'basis = "consent"')],
)
def test_a_purpose_whose_ground_and_text_do_not_fit_is_refused(change: tuple[str, str]) -> None:
    document = (Path(__file__).parents[2] / "privacy" / "purposes.toml").read_text("utf-8")
    with pytest.raises(ValueError, match="the purpose"):
        parse(document.replace(*change, 1))
