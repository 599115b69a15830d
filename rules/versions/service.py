"""What can be done with versions of rules: write drafts, compare, put in force now or at an instant, go back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from kit.access import Scope
from kit.clock import Clock
from kit.errors import DomainError, StaleEdit
from kit.i18n import Language, Texts
from kit.logs import logger
from rules import errors
from rules import repository as rule_repository
from rules.models import RuleRow
from rules.rule import CompiledRule
from rules.schemas import RuleDefinition
from rules.service import RuleService, may_change
from rules.versions import keeping, repository
from rules.versions.differences import Difference, differences
from rules.versions.errors import (
    ActivationTooFar,
    OtherVersionInForce,
    OtherVersionScheduled,
    RuleVersionNotFound,
    TooManyDrafts,
    VersionActionNotPossible,
    WrittenForOtherRelease,
)
from rules.versions.models import RuleVersionRow, VersionState
from rules.versions.state import POSSIBLE, VersionAction, stopped_state

log = logger(__name__)

MOST_DRAFTS = 20
FARTHEST_DAYS = 366
AT_ONCE = 50


@dataclass(frozen=True)
class Comparison:
    """What changes from version `since` (None: from nothing) to version `number`."""

    since: int | None
    number: int
    differences: tuple[Difference, ...]


@dataclass(frozen=True)
class _Held:
    """A version and its rule (None where no version of it is in force), both kept until the transaction ends."""

    version: RuleVersionRow
    rule: RuleRow | None

    @property
    def in_force(self) -> int | None:
        return None if self.rule is None else self.rule.number


class RuleVersions:
    """`rules` checks texts and hands what is in force to the judges."""

    def __init__(self, rules: RuleService, texts: Texts, clock: Clock) -> None:
        self._rules = rules
        self._texts = texts
        self._clock = clock

    # --- looking ---------------------------------------------------------------------------------------------------

    async def find(
        self, session: AsyncSession, scope: Scope, key: str, *, limit: int, offset: int
    ) -> tuple[Sequence[RuleVersionRow], int]:
        """The newest first, also of a rule that was removed. Raises RuleNotFound where there was never such a rule."""
        rows, total = await repository.find(session, scope, key, limit=limit, offset=offset)
        if not total:
            raise errors.RuleNotFound(key)
        return rows, total

    async def get(self, session: AsyncSession, scope: Scope, key: str, number: int) -> RuleVersionRow:
        """Raises RuleVersionNotFound."""
        row = await repository.get(session, scope, key, number)
        if row is None:
            raise RuleVersionNotFound(key, number)
        return row

    async def compiled(self, session: AsyncSession, scope: Scope, key: str, number: int) -> CompiledRule:
        """The version as a judge would run it. Raises RuleVersionNotFound and whatever is wrong with the rule."""
        row = await self.get(session, scope, key, number)
        return self._rules.compiled(_definition_of(row), version=row.number)

    async def compare(
        self, session: AsyncSession, scope: Scope, key: str, number: int, *, since: int | None
    ) -> Comparison:
        """With version `since`, or with the one in force. Raises RuleVersionNotFound."""
        after = await self.get(session, scope, key, number)
        if since is None:
            rule = await rule_repository.get(session, scope, key)
            since = None if rule is None else rule.number
        before = {} if since is None else _comparable(await self.get(session, scope, key, since))
        return Comparison(since, number, differences(before, _comparable(after)))

    # --- drafts ----------------------------------------------------------------------------------------------------

    async def draft(
        self, session: AsyncSession, scope: Scope, definition: RuleDefinition, *, reason: str, author: UUID
    ) -> RuleVersionRow:
        """A text that is not in force, of a rule that there is or of a new one.

        Raises RuleExists (at a site that is not the caller's), CompanyRule, TooManyDrafts and whatever is wrong with
        the rule.
        """
        self._rules.check_definition(definition, scope)
        await rule_repository.hold_book(session)
        rule = await rule_repository.get(session, Scope.everywhere(), definition.key)
        last = await repository.newest(session, definition.key)
        owner = rule or last
        if owner is not None and not may_change(owner.site_id, scope):
            raise errors.CompanyRule(definition.key) if owner.site_id is None else errors.RuleExists(definition.key)
        drafts = [row for row in await repository.open_of(session, definition.key) if row.state == VersionState.DRAFT]
        if len(drafts) >= MOST_DRAFTS:
            raise TooManyDrafts(definition.key, MOST_DRAFTS)
        written = keeping.Written(author=author, reason=reason, at=self._clock.now())
        based_on = None if rule is None else rule.number
        return await keeping.keep(session, definition, written, state=VersionState.DRAFT, based_on=based_on)

    async def edit(
        self,
        session: AsyncSession,
        scope: Scope,
        key: str,
        number: int,
        definition: RuleDefinition,
        *,
        reason: str,
        seen: int,
        author: UUID,
    ) -> RuleVersionRow:
        """Raises what `activate` does, RuleKeyFixed, and whatever is wrong with the rule."""
        held = await self._held(session, scope, key, number, seen=seen, action=VersionAction.EDIT)
        if definition.key != key:
            raise errors.RuleKeyFixed(key)
        self._rules.check_definition(definition, scope)
        row = held.version
        row.definition, row.site_id = definition.model_dump(mode="json"), definition.site_id
        row.reason, row.author_id, row.refusal = reason, author, None
        row.based_on, row.updated_at = held.in_force, self._clock.now()
        await session.flush()
        return row

    async def discard(self, session: AsyncSession, scope: Scope, key: str, number: int, *, seen: int) -> RuleVersionRow:
        """It stays to be looked at, and never comes into force. Raises what `activate` does."""
        held = await self._held(session, scope, key, number, seen=seen, action=VersionAction.DISCARD)
        held.version.state, held.version.updated_at = VersionState.DISCARDED.value, self._clock.now()
        if held.rule is not None and held.rule.offered == number:
            held.rule.offered = None
        await session.flush()
        return held.version

    # --- coming into force -----------------------------------------------------------------------------------------

    async def activate(
        self,
        session: AsyncSession,
        scope: Scope,
        key: str,
        number: int,
        *,
        seen: int,
        compared: int | None,
        at: datetime | None,
        by: UUID,
    ) -> RuleVersionRow:
        """Now, or at an instant to come. `compared`: the version in force that the caller has seen, None for none.

        Raises RuleNotFound, RuleVersionNotFound, CompanyRule, StaleEdit, VersionActionNotPossible,
        OtherVersionInForce, OtherVersionScheduled, ActivationTooFar, and whatever is wrong with the rule by now.
        """
        held = await self._held(session, scope, key, number, seen=seen, action=VersionAction.ACTIVATE)
        if held.in_force != compared:
            raise OtherVersionInForce(key, held.in_force, compared)
        definition = _definition_of(held.version)
        self._rules.check_definition(definition, scope)
        now = self._clock.now()
        if at is not None and at > now:
            await self._schedule(session, held, at=at, now=now, by=by)
        else:
            await self._put_in_force(session, held, by=by)
        return held.version

    async def unschedule(
        self, session: AsyncSession, scope: Scope, key: str, number: int, *, seen: int
    ) -> RuleVersionRow:
        """It is a draft again. Raises what `activate` does."""
        held = await self._held(session, scope, key, number, seen=seen, action=VersionAction.UNSCHEDULE)
        self._stop(held.version)
        await session.flush()
        return held.version

    async def roll_back(
        self,
        session: AsyncSession,
        scope: Scope,
        key: str,
        number: int,
        *,
        compared: int | None,
        reason: str,
        author: UUID,
    ) -> RuleVersionRow:
        """The text of a past version in force again, as a new one, so that alarms tell the two times apart.

        Raises what `activate` does.
        """
        held = await self._held(session, scope, key, number, seen=None, action=VersionAction.ROLL_BACK)
        if held.in_force != compared:
            raise OtherVersionInForce(key, held.in_force, compared)
        definition = _definition_of(held.version)
        self._rules.check_definition(definition, scope)
        written = keeping.Written(author=author, reason=reason, at=self._clock.now())
        version = await keeping.keep(
            session, definition, written, state=VersionState.DRAFT, based_on=held.in_force, restores=number
        )
        await self._put_in_force(session, _Held(version, held.rule), by=author)
        return version

    async def activate_due(self, session: AsyncSession) -> bool:
        """A sweep: puts in force what is due, or writes down why it cannot be. True: there may be more."""
        if not await repository.due(session, self._clock.now(), limit=1):
            return False
        await rule_repository.hold_book(session)
        rows = await repository.due(session, self._clock.now(), limit=AT_ONCE)
        for row in rows:
            try:
                await self._activate_due(session, row)
            except DomainError as error:
                log.error("version of a rule not in force", rule=row.rule_key, number=row.number, error=str(error))
                self._stop(row)
                message = {language.value: self._texts.of_error(error, language) for language in Language}
                row.refusal = {"code": error.code(), "message": message}
        await session.flush()
        return len(rows) == AT_ONCE

    # --- inside ----------------------------------------------------------------------------------------------------

    async def _activate_due(self, session: AsyncSession, row: RuleVersionRow) -> None:
        rule = await rule_repository.get(session, Scope.everywhere(), row.rule_key, for_update=True)
        held = _Held(row, rule)
        if held.in_force != row.based_on:
            raise OtherVersionInForce(row.rule_key, held.in_force, row.based_on)
        self._rules.check_definition(_definition_of(row), Scope.everywhere())
        await self._put_in_force(session, held, by=row.activated_by)

    async def _held(
        self,
        session: AsyncSession,
        scope: Scope,
        key: str,
        number: int,
        *,
        seen: int | None,
        action: VersionAction,
    ) -> _Held:
        await rule_repository.hold_book(session)
        version = await repository.get(session, scope, key, number, for_update=True)
        if version is None:
            raise RuleVersionNotFound(key, number)
        rule = await rule_repository.get(session, Scope.everywhere(), key, for_update=True)
        for site_id in (version.site_id, version.site_id if rule is None else rule.site_id):
            if not may_change(site_id, scope):
                raise errors.CompanyRule(key) if site_id is None else errors.RuleNotFound(key)
        if seen is not None and seen != version.version:
            raise StaleEdit(given_version=seen, version=version.version, row_id=str(version.id))
        state = VersionState(version.state)
        if action not in POSSIBLE[state]:
            raise VersionActionNotPossible(number, state.value, [one.value for one in POSSIBLE[state]])
        return _Held(version, rule)

    async def _schedule(self, session: AsyncSession, held: _Held, *, at: datetime, now: datetime, by: UUID) -> None:
        if at > now + timedelta(days=FARTHEST_DAYS):
            raise ActivationTooFar(at, FARTHEST_DAYS)
        row = held.version
        for other in await repository.open_of(session, row.rule_key):
            if other.state == VersionState.SCHEDULED and other.number != row.number:
                raise OtherVersionScheduled(row.rule_key, other.number)
        row.state, row.activate_at, row.activated_by = VersionState.SCHEDULED.value, at, by
        row.based_on, row.refusal, row.updated_at = held.in_force, None, now
        await session.flush()

    async def _put_in_force(self, session: AsyncSession, held: _Held, *, by: UUID | None) -> None:
        now, version = self._clock.now(), held.version
        await keeping.put_in_force(session, version, by=by, at=now)
        rule = held.rule
        if rule is None:
            rule = RuleRow(key=version.rule_key, enabled=True, version=0, created_at=now)
        rule.version += 1
        keeping.take_up(rule, version)
        session.add(rule)
        await self._rules.changed(session, rule)

    def _stop(self, row: RuleVersionRow) -> None:
        row.state = stopped_state(is_shipped=row.author_id is None).value
        row.activate_at, row.activated_by, row.updated_at = None, None, self._clock.now()


def _definition_of(row: RuleVersionRow) -> RuleDefinition:
    """Raises WrittenForOtherRelease."""
    try:
        return RuleDefinition.model_validate(row.definition)
    except ValidationError:
        raise WrittenForOtherRelease(row.rule_key, row.number) from None


def _comparable(row: RuleVersionRow) -> dict[str, Any]:
    """With the fields of this release where that can be, so that one that it added is no difference."""
    try:
        return _definition_of(row).model_dump(mode="json")
    except WrittenForOtherRelease:
        return row.definition
