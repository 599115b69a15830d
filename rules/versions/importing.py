"""Rules out of the hub as a document, and into it as drafts."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kit.access import Scope
from kit.errors import DomainError
from kit.i18n import Texts
from rules import errors
from rules import repository as rule_repository
from rules.kept_text import readable, says
from rules.schemas import RuleDefinition
from rules.service import RuleFilter, RuleService
from rules.versions import repository
from rules.versions.document import written
from rules.versions.reading import LineProblem, ReadRule, read
from rules.versions.service import RuleVersions

PAGE = 500
# The forms of a condition: a rule has one of them.
CONDITIONS = ("when", "stuck", "rate")


@dataclass(frozen=True)
class ImportedRule:
    """`number` None: it was only checked."""

    line: int
    rule: str
    number: int | None


@dataclass(frozen=True)
class Imported:
    """What became of a document. `unchanged`: keys of rules that say so already, in force or as a draft."""

    drafts: tuple[ImportedRule, ...]
    unchanged: tuple[str, ...]
    problems: tuple[LineProblem, ...]


class RuleDocuments:
    def __init__(self, rules: RuleService, versions: RuleVersions, texts: Texts) -> None:
        self._rules = rules
        self._versions = versions
        self._texts = texts

    async def exported(self, session: AsyncSession, scope: Scope, wanted: RuleFilter) -> str:
        """What is in force, by key. One that is no rule in this release any more is named and left out: no judge takes
        it."""
        definitions: list[RuleDefinition] = []
        left_out: list[str] = []
        offset, total = 0, 1
        while offset < total:
            rows, total = await self._rules.find(session, scope, wanted, sort="key", limit=PAGE, offset=offset)
            for row in rows:
                try:
                    definitions.append(readable(row))
                except errors.RuleOfOtherRelease:
                    left_out.append(row.key)
            offset += PAGE
        return written(definitions, left_out=left_out)

    async def imported(
        self,
        session: AsyncSession,
        scope: Scope,
        document: str,
        *,
        reason: str,
        author: UUID,
        only_check: bool,
    ) -> Imported:
        """Drafts of what is right and new; nothing comes into force. `only_check`: not even drafts."""
        found = read(document, self._texts)
        drafts: list[ImportedRule] = []
        unchanged: list[str] = []
        problems = list(found.problems)
        for rule in found.rules:
            definition = rule.definition
            try:
                self._rules.check_definition(definition, scope)
                if await self._is_known(session, scope, definition):
                    unchanged.append(definition.key)
                    continue
                number = None
                if not only_check:
                    draft = await self._versions.draft(session, scope, definition, reason=reason, author=author)
                    number = draft.number
            except DomainError as error:
                problems.append(self._problem(rule, error))
                continue
            drafts.append(ImportedRule(rule.lines.line, definition.key, number))
        return Imported(tuple(drafts), tuple(unchanged), tuple(sorted(problems, key=lambda one: one.line)))

    async def _is_known(self, session: AsyncSession, scope: Scope, definition: RuleDefinition) -> bool:
        row = await rule_repository.get(session, scope, definition.key)
        if row is not None and says(row.definition, definition):
            return True
        waiting = await repository.open_of(session, definition.key)
        return any(says(one.definition, definition) for one in waiting)

    def _problem(self, rule: ReadRule, error: DomainError) -> LineProblem:
        field = self._field_of(rule.definition, error)
        column = error.column if isinstance(error, errors.ExpressionError) else None
        return LineProblem(rule.lines.of(field), rule.definition.key, error, column)

    def _field_of(self, definition: RuleDefinition, error: DomainError) -> str | None:
        """The field that is refused, as far as the refusal tells."""
        match error:
            case errors.ExpressionError():
                return self._refused_expression(definition, error)
            case errors.UnknownProfile():
                return "profile"
            case errors.RuleFitsNoEquipment():
                return "kind"
            case errors.UnknownRuleEquipment():
                is_listed = error.equipment in map(str, definition.equipment)
                return "equipment" if is_listed else "equipment_params"
            case errors.UnknownRuleSite():
                return "site_id"
            case errors.UnknownParameter():
                return "units" if error.name in definition.units else "equipment_params"
            case errors.ParameterIsPoint():
                return "params"
            case errors.SilenceTooShort():
                return "missing"
            case errors.BadMessage():
                return "message"
            case _:
                return "key"

    def _refused_expression(self, definition: RuleDefinition, error: errors.ExpressionError) -> str:
        """Which of its expressions: the one without which the rule is not refused so."""
        if definition.missing is not None:
            return "points"
        for field in ("clear", "levels"):
            without = definition.model_copy(update={field: None if field == "clear" else []})
            try:
                self._rules.check_text(without)
            except errors.ExpressionError as still:
                if (type(still), still.facts) == (type(error), error.facts):
                    continue
            return field
        return next(name for name in CONDITIONS if getattr(definition, name) is not None)
