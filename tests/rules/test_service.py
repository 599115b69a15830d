"""Rules kept in PostgreSQL: shipped ones, people's ones, and nobody overwriting anybody."""

from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from kit.access import Scope
from kit.db import Database
from kit.events import RecordingOutbox
from kit.ids import new_id
from people.models import Person
from rules import errors
from rules.events import RuleChanged
from rules.models import RuleRow
from rules.schemas import EXAMPLE, RuleDefinition
from rules.service import RuleFilter, RuleService
from rules.shipped import shipped_rules
from tests.alarms.place import Place

ANYWHERE = Scope.everywhere()


def definition(**changes: Any) -> RuleDefinition:
    return RuleDefinition.model_validate(EXAMPLE | {"key": "my-rule"} | changes)


@pytest.fixture
async def author(database: Database) -> UUID:
    person = Person(id=new_id(), kind="staff", name="王经理")
    async with database.transaction() as session:
        session.add(person)
    return person.id


async def test_shipped_rules_come_in_once_and_compile(database: Database, rules: RuleService) -> None:
    count = len(list(shipped_rules()))
    async with database.transaction() as session:
        assert await rules.load_shipped(session) == count
        assert await rules.load_shipped(session) == 0
        assert len((await rules.book(session)).rules) == count


async def test_a_shipped_rule_that_a_person_edited_stays_as_edited(
    database: Database, rules: RuleService, author: UUID
) -> None:
    async with database.transaction() as session:
        await rules.load_shipped(session)
        row = await rules.get(session, ANYWHERE, "pump-bearing-wear")
        mine = RuleDefinition.model_validate(
            row.definition | {"when": "bearing_temp_c > 60", "clear": None, "clear_for": None}
        )
        mine = mine.model_copy(update={"message": mine.name})
        await rules.change(session, ANYWHERE, row.key, mine, enabled=True, version=1, author=author)
        assert await rules.load_shipped(session) == 0
        assert (await rules.get(session, ANYWHERE, row.key)).definition["when"] == "bearing_temp_c > 60"


async def test_a_shipped_rule_that_changed_with_a_release_is_updated(database: Database, rules: RuleService) -> None:
    async with database.transaction() as session:
        await rules.load_shipped(session)
        row = await rules.get(session, ANYWHERE, "pump-bearing-wear")
        before, row.definition = row.definition, row.definition | {"for": "9m"}
        await session.flush()
        assert await rules.load_shipped(session) == 1
        assert (row.version, row.number, row.definition["for"]) == (2, 2, before["for"])


async def test_every_change_grows_version_and_revision_and_is_told(
    database: Database, rules: RuleService, author: UUID, outbox: RecordingOutbox
) -> None:
    async with database.transaction() as session:
        revisions = [await rules.revision(session)]
        row = await rules.add(session, ANYWHERE, definition(), enabled=True, author=author)
        revisions.append(await rules.revision(session))
        await rules.change(
            session, ANYWHERE, row.key, definition(severity="minor"), enabled=True, version=1, author=author
        )
        revisions.append(await rules.revision(session))
        await rules.switch(session, ANYWHERE, row.key, enabled=False, version=2)
        revisions.append(await rules.revision(session))
        assert row.version == 3
        await rules.remove(session, ANYWHERE, row.key, version=3)
        revisions.append(await rules.revision(session))
    assert revisions == [0, 1, 2, 3, 4]
    assert [event.key for event in outbox.of(RuleChanged)] == ["my-rule"] * 4


async def test_only_enabled_rules_are_in_the_book(database: Database, rules: RuleService, author: UUID) -> None:
    async with database.transaction() as session:
        await rules.add(session, ANYWHERE, definition(), enabled=False, author=author)
        assert (await rules.book(session)).rules == ()


async def test_a_kept_rule_that_no_longer_compiles_stops_no_other(
    database: Database, rules: RuleService, author: UUID
) -> None:
    async with database.transaction() as session:
        await rules.add(session, ANYWHERE, definition(), enabled=True, author=author)
        bad = await rules.add(session, ANYWHERE, definition(key="bad"), enabled=True, author=author)
        bad.definition = bad.definition | {"when": "gone > 1"}
        await session.flush()
        assert [compiled.rule.key for compiled in (await rules.book(session)).rules] == ["my-rule"]


async def test_who_saves_over_somebody_elses_change_is_told(
    database: Database, rules: RuleService, author: UUID
) -> None:
    async with database.transaction() as session:
        await rules.add(session, ANYWHERE, definition(), enabled=True, author=author)
        await rules.switch(session, ANYWHERE, "my-rule", enabled=False, version=1)
        with pytest.raises(errors.RuleChangedMeanwhile) as refused:
            await rules.switch(session, ANYWHERE, "my-rule", enabled=True, version=1)
    assert refused.value.version == 2


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"when": "bearing_temp > 1"}, errors.MisspelledName),
        ({"clear": "nonsense < 1"}, errors.UnknownName),
        ({"profile": "nothing"}, errors.UnknownProfile),
        ({"profile": None, "kind": "camera"}, errors.RuleFitsNoEquipment),
        ({"equipment": [str(new_id())]}, errors.UnknownRuleEquipment),
        ({"equipment_params": {str(new_id()): {"hot_c": 1}}}, errors.UnknownRuleEquipment),
        ({"message": {"zh-CN": "{secret}", "en": "x"}}, errors.BadMessage),
        ({"message": {"zh-CN": "{bearing_temp_c.real}", "en": "x"}}, errors.BadMessage),
        ({"message": {"zh-CN": "{bearing_temp_c:9999999}", "en": "x"}}, errors.BadMessage),
        ({"message": {"zh-CN": "{", "en": "x"}}, errors.BadMessage),
    ],
)
async def test_a_rule_that_is_wrong_is_refused(
    database: Database, rules: RuleService, author: UUID, changes: dict[str, Any], refusal: type[Exception]
) -> None:
    async with database.transaction() as session:
        with pytest.raises(refusal):
            await rules.add(session, ANYWHERE, definition(**changes), enabled=True, author=author)


@pytest.mark.parametrize(
    "changes",
    [
        {"when": None, "clear": None, "for": None},
        {"missing": "10m"},
        {"kind": "pump"},
        {"points": ["bearing_temp_c"]},
        {"for": "5 minutes"},
        {"key": "Not A Key"},
        {"name": {"zh-CN": "只有中文"}},
        {"order": {"kind": "party", "priority": 1}},
        {"order": {"kind": "repair", "priority": 5}},
        {"params": {"hot_c": "NaN"}},
        {"severity": "worst"},
        {"colour": "red"},
    ],
)
def test_a_rule_of_the_wrong_shape_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        definition(**changes)


async def test_named_equipment_must_be_of_the_rules_profile(
    database: Database, rules: RuleService, place: Place, author: UUID
) -> None:
    async with database.transaction() as session:
        pump, lift = (str(place.equipment_id(code)) for code in ("PUMP-01", "LIFT-01"))
        with pytest.raises(errors.UnknownRuleEquipment):
            await rules.add(session, ANYWHERE, definition(equipment=[lift]), enabled=True, author=author)
        fits = definition(equipment=[pump], equipment_params={pump: {"hot_c": 80}})
        await rules.add(session, ANYWHERE, fits, enabled=True, author=author)
        with pytest.raises(errors.UnknownParameter):
            wrong = definition(key="other", equipment_params={pump: {"cold_c": 80}})
            await rules.add(session, ANYWHERE, wrong, enabled=True, author=author)


async def test_a_site_manager_sees_company_rules_and_changes_only_the_sites(
    database: Database, rules: RuleService, place: Place, author: UUID
) -> None:
    here, elsewhere = Scope.of(place.site_id), Scope.of(new_id())
    async with database.transaction() as session:
        await rules.add(session, ANYWHERE, definition(), enabled=True, author=author)
        with pytest.raises(errors.CompanyRule):
            await rules.switch(session, here, "my-rule", enabled=False, version=1)
        with pytest.raises(errors.CompanyRule):
            await rules.add(session, here, definition(key="mine"), enabled=True, author=author)
        site_rule = definition(key="mine", site_id=str(place.site_id))
        await rules.add(session, here, site_rule, enabled=True, author=author)
        assert await keys(rules, session, here) == ["mine", "my-rule"]
        assert await keys(rules, session, elsewhere) == ["my-rule"]
        with pytest.raises(errors.RuleNotFound):
            await rules.get(session, elsewhere, "mine")
        with pytest.raises(errors.RuleNotFound):
            await rules.add(
                session, elsewhere, definition(key="x", site_id=str(place.site_id)), enabled=True, author=author
            )


async def keys(rules: RuleService, session: Any, scope: Scope, **wanted: Any) -> list[str]:
    rows: list[RuleRow]
    rows, _ = await rules.find(session, scope, RuleFilter(**wanted), sort="key", limit=50, offset=0)  # type: ignore[assignment]
    return [row.key for row in rows]


async def test_rules_are_filtered(database: Database, rules: RuleService) -> None:
    async with database.transaction() as session:
        await rules.load_shipped(session)
        found = await keys(rules, session, ANYWHERE, life_safety=True)
        assert found == sorted(definition.key for definition in shipped_rules() if definition.life_safety)
        assert set(found) >= {"elevator-passenger-trapped", "gas-detected", "smoke-detected"}
        of_smoke = [definition.key for definition in shipped_rules() if definition.profile == "nbiot-smoke"]
        assert await keys(rules, session, ANYWHERE, profile="nbiot-smoke") == sorted(of_smoke) != []
        assert await keys(rules, session, ANYWHERE, enabled=False) == []
        assert await keys(rules, session, ANYWHERE, kind="pump") == []
