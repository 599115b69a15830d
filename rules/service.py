"""What can be done with rules. A saved rule is a checked rule; judges take it up by themselves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from building.equipment import EquipmentKind
from building.profile import DeviceProfile, PointSpec
from catalog.directory import EquipmentEntry, LiveDirectory
from kit import events
from kit.access import Scope
from kit.clock import Clock
from kit.errors import DomainError
from kit.i18n import Language, Texts
from kit.logs import logger
from rules import errors, repository
from rules.book import Position, RuleBook, Watch
from rules.check_schemas import CheckIn, CheckOut, CheckProblem, KnownPoint
from rules.coverage import check_surroundings, left_out, meant, refused_by_the_nearest
from rules.events import RuleChanged
from rules.kept_text import readable, says
from rules.meaning import by_name, check_meaning
from rules.models import RuleRow
from rules.rule import CompiledRule, PointList, check_conditions, compile_rule
from rules.rule_set import is_for
from rules.schemas import LeftOutPairOut, RuleDefinition
from rules.shipped import shipped_rules
from rules.surroundings import Anywhere, Binder, LeftOut, Neighbours
from rules.tree import Function
from rules.trying import try_expression
from rules.versions import keeping
from rules.versions import repository as versions

log = logger(__name__)

EVERY_SITE = UUID(int=0)


@dataclass(frozen=True)
class RuleFilter:
    profile: str | None = None
    kind: EquipmentKind | None = None
    enabled: bool | None = None
    life_safety: bool | None = None


class RuleService:
    """`profiles` say which points a rule may name, `directory` which equipment."""

    def __init__(
        self, profiles: Mapping[str, DeviceProfile], directory: LiveDirectory, texts: Texts, clock: Clock
    ) -> None:
        self._profiles = profiles
        self._anywhere = {
            line: Anywhere.of((profile.points.values() for profile in profiles.values()), life_safety=line)
            for line in (True, False)
        }
        self._directory = directory
        self._texts = texts
        self._clock = clock

    # --- for judges ------------------------------------------------------------------------------------------------

    async def revision(self, session: AsyncSession) -> int:
        """Grows with every change of any rule."""
        return await repository.revision(session)

    async def book(self, session: AsyncSession) -> RuleBook:
        """Every enabled rule. One that no longer compiles (its profile changed) is logged and left out."""
        revision = await repository.revision(session)
        compiled: list[CompiledRule] = []
        for row in await repository.enabled_rules(session):
            try:
                compiled.append(self.compiled(RuleDefinition.model_validate(row.definition), version=row.number))
            except (DomainError, ValidationError) as error:
                log.error("rule left out", rule=row.key, error=str(error))
        return RuleBook(revision, tuple(compiled))

    async def position(self, session: AsyncSession, *, partition: int, life_safety: bool) -> Position | None:
        """How far a line of a partition was judged; None before its first time."""
        row = (await repository.positions(session, partition)).get(life_safety)
        return None if row is None else Position(row.sequence, row.at)

    async def save_positions(self, session: AsyncSession, sequences: Mapping[int, int], *, life_safety: bool) -> None:
        """Partition → sequence. Belongs into the transaction that holds what was detected up to there."""
        await repository.save_positions(session, sequences, life_safety=life_safety, at=self._clock.now())

    async def watch(self, session: AsyncSession, key: str, equipment: EquipmentEntry) -> Watch | None:
        """What the rule `key` looks at there; None where it is gone, disabled, or not for that equipment."""
        row = await repository.get(session, Scope.everywhere(), key)
        if row is None or not row.enabled:
            return None
        try:
            definition = RuleDefinition.model_validate(row.definition)
            compiled = self.compiled(definition, version=row.number)
        except (DomainError, ValidationError):
            return None  # `book` says so aloud
        if not is_for(compiled.rule, equipment):
            return None
        elsewhere = Neighbours.of(self._directory.current.entries).points_named_by(compiled, equipment)
        return Watch(compiled.own_points, of_silence=compiled.when is None, elsewhere=elsewhere)

    # --- changing --------------------------------------------------------------------------------------------------

    async def load_shipped(self, session: AsyncSession) -> int:
        """Brings the rules of this release in; how many were new or changed. What a person edited stays, and what the
        release says instead is offered beside it."""
        await repository.hold_book(session)
        known, shipped = await repository.by_key(session), await versions.last_shipped(session)
        changed = 0
        for definition in shipped_rules():
            row, last = known.get(definition.key), shipped.get(definition.key)
            changed += await self._ship(session, definition, row, last.definition if last else None)
        if changed:
            await repository.bump_revision(session)
        return changed

    async def add(
        self,
        session: AsyncSession,
        scope: Scope,
        definition: RuleDefinition,
        *,
        enabled: bool,
        author: UUID,
        reason: str = "",
    ) -> RuleRow:
        """Raises RuleExists (also where the key was another site's once), CompanyRule and whatever is wrong with the
        rule."""
        self.check_definition(definition, scope)
        await repository.hold_book(session)
        last = await versions.newest(session, definition.key)
        if last is not None and not may_change(last.site_id, scope):
            raise errors.RuleExists(definition.key)
        if await repository.get(session, Scope.everywhere(), definition.key) is not None:
            raise errors.RuleExists(definition.key)
        row = await self._begun(session, definition, author=author, reason=reason, enabled=enabled)
        await self.changed(session, row)
        return row

    async def change(
        self,
        session: AsyncSession,
        scope: Scope,
        key: str,
        definition: RuleDefinition,
        *,
        enabled: bool,
        version: int,
        author: UUID,
        reason: str = "",
    ) -> RuleRow:
        """Another text is a new version, in force at once. Raises RuleNotFound, RuleChangedMeanwhile, RuleKeyFixed,
        CompanyRule and whatever is wrong with the rule."""
        row = await self._for_change(session, scope, key, version=version)
        if definition.key != key:
            raise errors.RuleKeyFixed(key)
        self.check_definition(definition, scope)
        row.enabled = enabled
        if not says(row.definition, definition):
            written = keeping.Written(author=author, reason=reason, at=self._clock.now())
            await keeping.begin(session, row, definition, written)
        await self.changed(session, row)
        return row

    async def switch(self, session: AsyncSession, scope: Scope, key: str, *, enabled: bool, version: int) -> RuleRow:
        """Enables or disables; what it says stays, and whose that is.

        Raises RuleNotFound, RuleChangedMeanwhile, CompanyRule; to enable, RuleOfOtherRelease and what is wrong with it:
        one that no judge takes would look as if it watched.
        """
        row = await self._for_change(session, scope, key, version=version)
        if enabled:
            self.check_text(readable(row))
        row.enabled = enabled
        await self.changed(session, row)
        return row

    async def remove(self, session: AsyncSession, scope: Scope, key: str, *, version: int) -> None:
        """What it said is kept, because alarms name it. A shipped rule comes back with the next start: disable it
        instead. Raises RuleNotFound, RuleChangedMeanwhile, CompanyRule."""
        row = await self._for_change(session, scope, key, version=version)
        await keeping.end(session, key, at=self._clock.now())
        await session.delete(row)
        await self.changed(session, row)

    # --- looking ---------------------------------------------------------------------------------------------------

    async def get(self, session: AsyncSession, scope: Scope, key: str) -> RuleRow:
        """Raises RuleNotFound."""
        row = await repository.get(session, scope, key)
        if row is None:
            raise errors.RuleNotFound(key)
        return row

    async def find(
        self, session: AsyncSession, scope: Scope, wanted: RuleFilter, *, sort: str, limit: int, offset: int
    ) -> tuple[Sequence[RuleRow], int]:
        """A page and the number of all that match. Raises UnknownRuleSort."""
        if sort.removeprefix("-") not in repository.SORTS:
            raise errors.UnknownRuleSort(sort, known=", ".join(sorted(repository.SORTS)))
        return await repository.find(
            session,
            scope,
            profile=wanted.profile,
            kind=wanted.kind,
            enabled=wanted.enabled,
            life_safety=wanted.life_safety,
            sort=sort,
            limit=limit,
            offset=offset,
        )

    def check(self, asked: CheckIn, scope: Scope) -> CheckOut:
        """Tries an expression without saving anything, given the equipment of the scope. Raises UnknownProfile."""
        profiles = self._profiles_for(asked.profile, asked.kind)
        points = {point.key: point for profile in profiles for point in profile.points.values()}
        problem = None
        try:
            entries = [one for one in self._directory.current.entries if scope.allows(one.site_id)]
            try_expression(asked, PointList.of(points.values()), self._anywhere[asked.life_safety], entries)
        except errors.ExpressionError as refusal:
            error = by_name(refusal, points.values())
            message = {language: self._texts.of_error(error, language) for language in Language}
            problem = CheckProblem(code=error.code(), column=error.column, message=message)
        return CheckOut(
            ok=problem is None,
            problem=problem,
            points=[
                KnownPoint(key=point.key, name=dict(point.name), unit=point.unit, life_safety=point.life_safety)
                for point in points.values()
            ],
            functions=[function.value for function in Function],
        )

    async def left_out(self, session: AsyncSession, scope: Scope, key: str) -> list[LeftOutPairOut]:
        """The equipment that a rule in force is not judged on, because of what it names elsewhere, by code. Raises
        RuleNotFound, RuleOfOtherRelease and, where its points are gone, what is wrong with it."""
        row = await self.get(session, scope, key)
        rule = self.compiled(readable(row), version=row.number)
        found = left_out(rule, self._directory.current.entries)
        ours = [one for one in found if scope.allows(one.equipment.site_id)]
        return [self._told_of(one) for one in sorted(ours, key=lambda one: one.equipment.code)]

    # --- for versions ----------------------------------------------------------------------------------------------

    def compiled(self, definition: RuleDefinition, *, version: int = 1) -> CompiledRule:
        """For a kind, a rule must fit at least one profile of it; the first that fits says what its names mean. What it
        names of other equipment is something that any profile has."""
        return self._compiled(definition, self._anywhere[definition.life_safety], version=version)

    def check_definition(self, definition: RuleDefinition, scope: Scope) -> None:
        """Raises CompanyRule, RuleNotFound, and whatever is wrong with the rule."""
        if definition.site_id is None and scope.site_ids is not None:
            raise errors.CompanyRule(definition.key)
        if definition.site_id is not None and not scope.allows(definition.site_id):
            raise errors.RuleNotFound(definition.key)
        self.check_text(definition)
        check_meaning(definition, self._points_for(definition.profile, definition.kind))
        self._check_equipment(definition, scope)

    def check_text(self, definition: RuleDefinition) -> None:
        """Raises whatever is wrong with its text, given the equipment that there is."""
        entries = self._directory.current.entries
        try:
            rule = self.compiled(definition)
        except errors.UnknownPointOfOther as error:
            raise self._nearest(definition, entries) or error from None
        except errors.UnknownName as error:
            raise by_name(error, self._points_for(definition.profile, definition.kind)) from None
        if not rule.elsewhere:
            return
        judged = meant(rule, entries)
        if judged:
            check_surroundings(Binder.of(rule, Neighbours.of(entries)), judged)
        else:
            codes = {one.code for one in entries if definition.site_id in (None, one.site_id)}
            self._compiled(definition, replace(self._anywhere[definition.life_safety], codes=codes))

    async def changed(self, session: AsyncSession, row: RuleRow) -> None:
        """Judges take it up, and open screens hear of it."""
        await repository.bump_revision(session)
        await session.flush()
        await events.publish(session, RuleChanged(site_id=row.site_id or EVERY_SITE, key=row.key))

    # --- inside ----------------------------------------------------------------------------------------------------

    def _told_of(self, one: LeftOut) -> LeftOutPairOut:
        return LeftOutPairOut(
            equipment_id=one.equipment.equipment_id, equipment_code=one.equipment.code,
            equipment_name=one.equipment.name, reason=one.refusal.code(),
            message={language: self._texts.of_error(one.refusal, language) for language in Language},
        )  # fmt: skip

    def _compiled(self, definition: RuleDefinition, around: Anywhere, *, version: int = 1) -> CompiledRule:
        rule = definition.to_rule(version=version)
        refusal: DomainError = errors.RuleFitsNoEquipment(str(definition.kind))
        for profile in self._profiles_for(definition.profile, definition.kind):
            try:
                points = PointList.of(profile.points.values())
                return compile_rule(rule, points, around)
            except errors.ExpressionError as error:
                # The profile that the text comes furthest with is the one that was meant.
                if not isinstance(refusal, errors.ExpressionError) or error.column > refusal.column:
                    refusal = error
        raise refusal

    @staticmethod
    def _nearest(definition: RuleDefinition, entries: Sequence[EquipmentEntry]) -> DomainError | None:
        rule = definition.to_rule()
        asked = (one for one in entries if is_for(rule, one))
        check = partial(check_conditions, rule)
        return refused_by_the_nearest(check, asked, Neighbours.of(entries), life_safety=rule.life_safety)

    def _check_equipment(self, definition: RuleDefinition, scope: Scope) -> None:
        by_id = self._directory.current.by_id
        if definition.site_id not in {None, *(entry.site_id for entry in by_id.values())}:
            raise errors.UnknownRuleSite(str(definition.site_id))
        for equipment_id in {*definition.equipment, *definition.equipment_params}:
            entry = by_id.get(equipment_id)
            fits = entry is not None and (
                scope.allows(entry.site_id)
                and definition.site_id in (None, entry.site_id)
                and definition.profile in (None, entry.profile_key)
                and definition.kind in (None, entry.kind)
            )
            if not fits:
                raise errors.UnknownRuleEquipment(str(equipment_id))

    def _points_for(self, profile: str | None, kind: EquipmentKind | None) -> list[PointSpec]:
        return [point for known in self._profiles_for(profile, kind) for point in known.points.values()]

    def _profiles_for(self, profile: str | None, kind: EquipmentKind | None) -> list[DeviceProfile]:
        if profile is None:
            return [known for known in self._profiles.values() if known.kind == kind]
        if profile not in self._profiles:
            raise errors.UnknownProfile(profile, known=", ".join(sorted(self._profiles)))
        return [self._profiles[profile]]

    async def _for_change(self, session: AsyncSession, scope: Scope, key: str, *, version: int) -> RuleRow:
        await repository.hold_book(session)
        row = await repository.get(session, scope, key, for_update=True)
        if row is None:
            raise errors.RuleNotFound(key)
        if row.site_id is None and scope.site_ids is not None:
            raise errors.CompanyRule(key)
        if row.version != version:
            raise errors.RuleChangedMeanwhile(given_version=version, version=row.version, rule=key, row_id=str(row.id))
        row.version += 1
        row.updated_at = self._clock.now()
        return row

    async def _ship(
        self, session: AsyncSession, definition: RuleDefinition, row: RuleRow | None, last: dict[str, Any] | None
    ) -> bool:
        """Whether the rule of this release is news. `last`: the text that a release brought last."""
        written = keeping.Written(author=None, reason="", at=self._clock.now())
        if row is None:
            self.compiled(definition)
            await self._begun(session, definition, author=None, reason="", enabled=True)
            return True
        if says(row.definition, definition):
            if row.offered is not None:
                await keeping.withdraw_offer(session, row, at=written.at)
            return False
        if row.author_id is None:
            self.compiled(definition)
            row.version += 1
            await keeping.begin(session, row, definition, written)
            return True
        if last is not None and says(last, definition):
            return False
        await keeping.offer(session, row, definition, written)
        return True

    async def _begun(
        self, session: AsyncSession, definition: RuleDefinition, *, author: UUID | None, reason: str, enabled: bool
    ) -> RuleRow:
        now = self._clock.now()
        row = RuleRow(key=definition.key, enabled=enabled, version=1, number=0, created_at=now)
        await keeping.begin(session, row, definition, keeping.Written(author=author, reason=reason, at=now))
        session.add(row)
        return row


def may_change(site_id: UUID | None, scope: Scope) -> bool:
    """What is for every site is changed by who answers for every site."""
    return scope.site_ids is None if site_id is None else scope.allows(site_id)
