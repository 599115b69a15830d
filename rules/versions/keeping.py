"""Writes down what rules say: each text is a version with a number, and one of a rule is in force.

Everything here is done while the book of rules is held (`rules.repository.hold_book`), so that numbers have no gaps
and nobody puts two versions in force.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from rules.models import RuleRow
from rules.schemas import RuleDefinition
from rules.versions import repository
from rules.versions.models import RuleVersionRow, VersionState


@dataclass(frozen=True, kw_only=True)
class Written:
    """Who wrote a text, why and when. `author` None: it comes with the release."""

    author: UUID | None
    reason: str
    at: datetime


async def keep(
    session: AsyncSession,
    definition: RuleDefinition,
    written: Written,
    *,
    state: VersionState,
    based_on: int | None,
    restores: int | None = None,
) -> RuleVersionRow:
    """A new version under the next number of its key."""
    last = await repository.newest(session, definition.key)
    row = RuleVersionRow(
        rule_key=definition.key,
        number=1 if last is None else last.number + 1,
        site_id=definition.site_id,
        definition=definition.model_dump(mode="json"),
        state=state.value,
        reason=written.reason,
        author_id=written.author,
        based_on=based_on,
        restores=restores,
        created_at=written.at,
        updated_at=written.at,
    )
    session.add(row)
    await session.flush()
    return row


async def put_in_force(session: AsyncSession, version: RuleVersionRow, *, by: UUID | None, at: datetime) -> None:
    """From now on this is what the rule says; what it said is past."""
    await repository.retire(session, version.rule_key, at=at)
    version.state, version.activated_by, version.refusal = VersionState.IN_FORCE.value, by, None
    version.in_force_from, version.updated_at = at, at
    await session.flush()


async def begin(
    session: AsyncSession, row: RuleRow, definition: RuleDefinition, written: Written, *, restores: int | None = None
) -> RuleVersionRow:
    """A new version in force at once, which `row` takes up."""
    # A draft for the instant until the one before it is retired: of a rule one is in force.
    version = await keep(
        session, definition, written, state=VersionState.DRAFT, based_on=row.number or None, restores=restores
    )
    await put_in_force(session, version, by=written.author, at=written.at)
    take_up(row, version)
    return version


def take_up(row: RuleRow, version: RuleVersionRow) -> None:
    """The rule says what the version does. Whether it is enabled stays as it is."""
    row.definition, row.site_id = version.definition, version.site_id
    row.author_id, row.number, row.updated_at = version.author_id, version.number, version.updated_at
    if row.offered == version.number:
        row.offered = None


async def offer(session: AsyncSession, row: RuleRow, definition: RuleDefinition, written: Written) -> None:
    """What a release says beside what a person made of the rule. The offer before it is out of date."""
    await withdraw_offer(session, row, at=written.at)
    version = await keep(session, definition, written, state=VersionState.OFFERED, based_on=row.number)
    row.offered = version.number


async def withdraw_offer(session: AsyncSession, row: RuleRow, *, at: datetime) -> None:
    """Nothing is offered any more. One that somebody has scheduled stays theirs to stop."""
    for version in await repository.open_of(session, row.key):
        if version.state == VersionState.OFFERED:
            version.state, version.updated_at = VersionState.DISCARDED.value, at
    row.offered = None


async def end(session: AsyncSession, key: str, *, at: datetime) -> None:
    """The rule is removed: nothing of it is in force, and nothing comes into force by itself."""
    await repository.retire(session, key, at=at)
    for version in await repository.open_of(session, key):
        match VersionState(version.state):
            case VersionState.SCHEDULED:
                version.state, version.activate_at, version.updated_at = VersionState.DRAFT.value, None, at
            case VersionState.OFFERED:
                version.state, version.updated_at = VersionState.DISCARDED.value, at
            case _:
                pass
