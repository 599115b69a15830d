"""Drafts, comparing, coming into force now or at an instant, going back."""

from datetime import timedelta
from itertools import product
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from kit.access import Scope
from kit.db import Database
from kit.errors import StaleEdit
from kit.events import RecordingOutbox
from kit.i18n import Texts
from kit.ids import new_id
from rules import errors
from rules.events import RuleChanged
from rules.models import RuleRow
from rules.service import RuleService
from rules.versions import errors as refusals
from rules.versions import repository
from rules.versions.models import RuleVersionRow, VersionState
from rules.versions.service import FARTHEST_DAYS, MOST_DRAFTS, RuleVersions
from rules.versions.state import POSSIBLE, VersionAction
from tests.alarms.place import Place
from tests.rules.test_service import ANYWHERE, author, definition
from tests.rules.versions.test_history import texts

__all__ = ["author"]

KEY = "my-rule"


@pytest.fixture
def versions(rules: RuleService, place: Place) -> RuleVersions:
    return RuleVersions(rules, Texts.load(["kit", "rules"]), place.clock)


async def begun(session: AsyncSession, rules: RuleService, author: UUID) -> RuleRow:
    return await rules.add(session, ANYWHERE, definition(), enabled=True, author=author)


async def drafted(session: AsyncSession, versions: RuleVersions, author: UUID, **changes: Any) -> RuleVersionRow:
    return await versions.draft(session, ANYWHERE, definition(**changes), reason="why", author=author)


async def test_a_draft_is_not_in_force_before_somebody_activates_it(
    database: Database, rules: RuleService, versions: RuleVersions, author: UUID, outbox: RecordingOutbox
) -> None:
    async with database.transaction() as session:
        row = await begun(session, rules, author)
        draft = await drafted(session, versions, author, severity="minor")
        assert (row.number, row.definition["severity"], draft.based_on) == (1, "major", 1)
        before = await rules.revision(session)
        await versions.activate(session, ANYWHERE, KEY, 2, seen=1, compared=1, at=None, by=author)
        assert await texts(session, KEY) == [(1, "past", "major"), (2, "in_force", "minor")]
        assert (row.number, row.version, row.definition["severity"]) == (2, 2, "minor")
        assert await rules.revision(session) == before + 1
        compiled = await versions.compiled(session, ANYWHERE, KEY, 1)
        assert (compiled.rule.version, compiled.rule.severity) == (1, "major")
    assert len(outbox.of(RuleChanged)) == 2


async def test_a_draft_of_a_new_rule_becomes_a_rule_when_it_is_activated(
    database: Database, rules: RuleService, versions: RuleVersions, author: UUID
) -> None:
    async with database.transaction() as session:
        await drafted(session, versions, author)
        with pytest.raises(errors.RuleNotFound):
            await rules.get(session, ANYWHERE, KEY)
        await versions.activate(session, ANYWHERE, KEY, 1, seen=1, compared=None, at=None, by=author)
        row = await rules.get(session, ANYWHERE, KEY)
        assert (row.number, row.version, row.enabled, row.author_id) == (1, 1, True, author)


async def test_nobody_puts_a_draft_over_what_they_have_not_compared_it_with(
    database: Database, rules: RuleService, versions: RuleVersions, author: UUID
) -> None:
    async with database.transaction() as session:
        await begun(session, rules, author)
        await drafted(session, versions, author, severity="minor")
        critical = definition(severity="critical")
        await rules.change(session, ANYWHERE, KEY, critical, enabled=True, version=1, author=author)
        with pytest.raises(refusals.OtherVersionInForce) as refused:
            await versions.activate(session, ANYWHERE, KEY, 2, seen=1, compared=1, at=None, by=author)
        assert (refused.value.in_force, refused.value.compared) == (3, 1)


async def test_a_key_that_was_another_sites_is_not_taken(
    database: Database, rules: RuleService, versions: RuleVersions, place: Place, author: UUID
) -> None:
    async with database.transaction() as session:
        await drafted(session, versions, author)  # of the company, not in force yet
        here = Scope.of(place.site_id)
        with pytest.raises(errors.RuleExists):
            ours = definition(site_id=str(place.site_id))
            await rules.add(session, here, ours, enabled=True, author=author)


async def test_a_rule_that_cannot_be_judged_is_not_enabled(
    database: Database, rules: RuleService, author: UUID
) -> None:
    async with database.transaction() as session:
        row = await rules.add(session, ANYWHERE, definition(), enabled=False, author=author)
        for wrong, refusal in (
            ({"when": "gone > 1"}, errors.UnknownName),
            ({"colour": "red"}, errors.RuleOfOtherRelease),
        ):
            row.definition = definition().model_dump(mode="json") | wrong
            await session.flush()
            with pytest.raises(refusal):
                await rules.switch(session, ANYWHERE, KEY, enabled=True, version=row.version)


async def test_two_who_edit_a_draft_do_not_overwrite_each_other(
    database: Database, rules: RuleService, versions: RuleVersions, author: UUID
) -> None:
    async with database.transaction() as session:
        await drafted(session, versions, author)
        minor, other = definition(severity="minor"), definition(severity="warning")
        edited = await versions.edit(session, ANYWHERE, KEY, 1, minor, reason="b", seen=1, author=author)
        assert (edited.version, edited.definition["severity"], edited.reason) == (2, "minor", "b")
        with pytest.raises(StaleEdit):
            await versions.edit(session, ANYWHERE, KEY, 1, other, reason="c", seen=1, author=author)
        with pytest.raises(errors.RuleKeyFixed):
            moved = definition(key="another")
            await versions.edit(session, ANYWHERE, KEY, 1, moved, reason="d", seen=2, author=author)


async def test_a_scheduled_version_comes_into_force_at_its_instant_by_itself(
    database: Database, rules: RuleService, versions: RuleVersions, place: Place, author: UUID
) -> None:
    at = place.clock.now() + timedelta(hours=8)
    async with database.transaction() as session:
        await begun(session, rules, author)
        await drafted(session, versions, author, severity="minor")
        await drafted(session, versions, author, severity="warning")
        with pytest.raises(refusals.ActivationTooFar):
            far = at + timedelta(days=FARTHEST_DAYS)
            await versions.activate(session, ANYWHERE, KEY, 2, seen=1, compared=1, at=far, by=author)
        await versions.activate(session, ANYWHERE, KEY, 2, seen=1, compared=1, at=at, by=author)
        with pytest.raises(refusals.OtherVersionScheduled):
            await versions.activate(session, ANYWHERE, KEY, 3, seen=1, compared=1, at=at, by=author)
        await versions.activate_due(session)
        assert [state for _, state, _ in await texts(session, KEY)] == ["in_force", "scheduled", "draft"]
    place.clock.advance(seconds=8 * 3600)
    async with database.transaction() as session:
        assert await versions.activate_due(session) is False
        assert [state for _, state, _ in await texts(session, KEY)] == ["past", "in_force", "draft"]
        [compiled] = (await rules.book(session)).rules
        assert (compiled.rule.version, compiled.rule.severity) == (2, "minor")
        row = await versions.get(session, ANYWHERE, KEY, 2)
        assert (row.in_force_from, row.activated_by) == (at, author)


async def test_a_scheduled_version_gives_way_to_what_came_into_force_meanwhile_and_says_so(
    database: Database, rules: RuleService, versions: RuleVersions, place: Place, author: UUID
) -> None:
    at = place.clock.now() + timedelta(hours=8)
    async with database.transaction() as session:
        await begun(session, rules, author)
        await drafted(session, versions, author, severity="minor")
        await versions.activate(session, ANYWHERE, KEY, 2, seen=1, compared=1, at=at, by=author)
        critical = definition(severity="critical")
        await rules.change(session, ANYWHERE, KEY, critical, enabled=True, version=1, author=author)
    place.clock.advance(seconds=9 * 3600)
    async with database.transaction() as session:
        await versions.activate_due(session)
        row = await versions.get(session, ANYWHERE, KEY, 2)
        assert (row.state, row.activate_at) == ("draft", None)
        assert row.refusal is not None
        assert row.refusal["code"] == "other_version_in_force"
        assert "第 3 版" in row.refusal["message"]["zh-CN"]
        assert (await rules.get(session, ANYWHERE, KEY)).number == 3
        # Scheduled once more it is taken back, and nothing comes of it.
        later = place.clock.now() + timedelta(hours=1)
        row = await versions.activate(session, ANYWHERE, KEY, 2, seen=row.version, compared=3, at=later, by=author)
        assert (row.state, row.refusal) == ("scheduled", None)
        row = await versions.unschedule(session, ANYWHERE, KEY, 2, seen=row.version)
        assert row.state == "draft"


async def test_going_back_is_a_new_version_with_the_old_text(
    database: Database, rules: RuleService, versions: RuleVersions, author: UUID
) -> None:
    async with database.transaction() as session:
        await begun(session, rules, author)
        minor = definition(severity="minor")
        await rules.change(session, ANYWHERE, KEY, minor, enabled=True, version=1, author=author)
        row = await versions.roll_back(session, ANYWHERE, KEY, 1, compared=2, reason="missed one", author=author)
        assert (row.number, row.restores, row.based_on, row.reason) == (3, 1, 2, "missed one")
        assert await texts(session, KEY) == [(1, "past", "major"), (2, "past", "minor"), (3, "in_force", "major")]
        rule = await rules.get(session, ANYWHERE, KEY)
        await rules.remove(session, ANYWHERE, KEY, version=rule.version)
        await versions.roll_back(session, ANYWHERE, KEY, 2, compared=None, reason="again", author=author)
        assert (await rules.get(session, ANYWHERE, KEY)).number == 4


async def test_what_a_release_offers_is_taken_or_refused(
    database: Database, rules: RuleService, versions: RuleVersions, author: UUID
) -> None:
    async with database.transaction() as session:
        await rules.load_shipped(session)
        for key in ("pump-fault", "pump-dry-run"):
            row = await rules.get(session, ANYWHERE, key)
            mine = definition(**(row.definition | {"severity": "warning", "levels": []}))
            await rules.change(session, ANYWHERE, key, mine, enabled=True, version=1, author=author)
            for shipped in await session.scalars(repository.of_key(key)):
                if shipped.author_id is None:
                    shipped.definition = shipped.definition | {"fault_mode": "other"}  # of the release before
        await session.flush()
        assert await rules.load_shipped(session) == 2
        compared = await versions.compare(session, ANYWHERE, "pump-fault", 3, since=None)
        assert ("severity",) in [one.path for one in compared.differences]
        await versions.activate(session, ANYWHERE, "pump-fault", 3, seen=1, compared=2, at=None, by=author)
        row = await rules.get(session, ANYWHERE, "pump-fault")
        assert (row.number, row.offered, row.author_id) == (3, None, None)  # as shipped again
        await versions.discard(session, ANYWHERE, "pump-dry-run", 3, seen=1)
        row = await rules.get(session, ANYWHERE, "pump-dry-run")
        assert (row.number, row.offered, row.author_id) == (2, None, author)
        assert await rules.load_shipped(session) == 0


async def test_what_a_state_does_not_allow_is_refused_and_says_what_is_possible(
    database: Database, versions: RuleVersions, author: UUID
) -> None:
    async with database.transaction() as session:
        row = await drafted(session, versions, author)
        for state, action in product(VersionState, VersionAction):
            if action in POSSIBLE[state]:
                continue
            row.state = state.value
            await session.flush()
            with pytest.raises(refusals.VersionActionNotPossible) as refused:
                await act(session, versions, action, seen=row.version, author=author)
            assert refused.value.possible == [one.value for one in POSSIBLE[state]]


async def act(session: AsyncSession, versions: RuleVersions, action: VersionAction, *, seen: int, author: UUID) -> None:
    match action:
        case VersionAction.EDIT:
            await versions.edit(session, ANYWHERE, KEY, 1, definition(), reason="r", seen=seen, author=author)
        case VersionAction.ACTIVATE:
            await versions.activate(session, ANYWHERE, KEY, 1, seen=seen, compared=None, at=None, by=author)
        case VersionAction.UNSCHEDULE:
            await versions.unschedule(session, ANYWHERE, KEY, 1, seen=seen)
        case VersionAction.DISCARD:
            await versions.discard(session, ANYWHERE, KEY, 1, seen=seen)
        case VersionAction.ROLL_BACK:
            await versions.roll_back(session, ANYWHERE, KEY, 1, compared=None, reason="r", author=author)


async def test_drafts_are_bounded_and_keep_to_their_sites(
    database: Database, rules: RuleService, versions: RuleVersions, place: Place, author: UUID
) -> None:
    here, elsewhere = Scope.of(place.site_id), Scope.of(new_id())
    async with database.transaction() as session:
        await begun(session, rules, author)
        with pytest.raises(errors.CompanyRule):
            ours = definition(site_id=str(place.site_id))
            await versions.draft(session, here, ours, reason="r", author=author)
        draft = definition(key="ours", site_id=str(place.site_id))
        for _ in range(MOST_DRAFTS):
            await versions.draft(session, here, draft, reason="r", author=author)
        with pytest.raises(refusals.TooManyDrafts):
            await versions.draft(session, here, draft, reason="r", author=author)
        with pytest.raises(errors.RuleNotFound):
            await versions.find(session, elsewhere, "ours", limit=1, offset=0)
        with pytest.raises(refusals.RuleVersionNotFound):
            await versions.activate(session, elsewhere, "ours", 1, seen=1, compared=None, at=None, by=author)
        with pytest.raises(errors.CompanyRule):
            await versions.roll_back(session, here, KEY, 1, compared=1, reason="r", author=author)
