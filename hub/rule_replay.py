"""`hub rules replay`: a rule over the stored history of this hub, running or not."""

from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from pathlib import Path

from hub.bootstrap import Hub, Role, build
from hub.infrastructure import infrastructure
from hub.settings import HubSettings
from hub.texts import load_texts
from insight.rules.errors import NoRuleToReplay, ReplayCoversNothing
from insight.rules.replaying import Asked
from insight.rules.schemas import ReplayAnswerOut, ReplaySideOut
from kit.access import Scope
from rules.schemas import RuleDefinition
from rules.versions.reading import read as read_rules

# One column is a rule: its words, and how a side is read.
_ROWS: tuple[tuple[str, Callable[[ReplaySideOut], object]], ...] = (
    ("equipment", lambda side: side.equipment_in_all),
    ("alarms", lambda side: side.alarms),
    ("still lasting at the end", lambda side: side.lasting),
    ("median duration, min", lambda side: side.median_min),
    ("longest, min", lambda side: side.longest_min),
    ("orders it would open", lambda side: side.orders),
    ("met a real fault", lambda side: side.met),
    ("turned out false", lambda side: side.refuted),
    ("nobody has said yet", lambda side: side.undecided),
    ("nobody noticed anything", lambda side: side.unmet),
    ("precision", lambda side: _percent(side.precision)),
    ("real faults", lambda side: side.faults),
    ("of these raised", lambda side: side.faults_found),
    ("recall", lambda side: _percent(side.recall)),
    ("median lead before people, min", lambda side: side.lead_min),
)


async def replay(
    settings: HubSettings, *, draft: Path | None, key: str, days: int, tolerance_h: float,
    show: Callable[[float], Awaitable[None]],
) -> ReplayAnswerOut:  # fmt: skip
    """The first rule of a TOML file, or that of `key`; `key` chooses one of the file too. `show` is told the progress.

    Raises whatever is wrong with the rule, NoRuleToReplay, ReplayCoversNothing, StoreUnavailable.
    """
    async with infrastructure(settings) as infra:
        # Beside a hub that runs, the process that has the store answers; else it is ours to open.
        roles = [Role.STORE] if infra.nats is not None else []
        async with build(settings, infra, roles) as hub:
            await hub.keeper.refresh()
            return await _replayed(hub, draft, key, timedelta(days=days), tolerance_h, show)


def definition_in(text: str, key: str) -> RuleDefinition:
    """The rule of that key in a file like those of `rules/defaults`, the first without a key.

    Raises NoRuleToReplay, and what is wrong in it as an import does."""
    found = read_rules(text, load_texts())
    for problem in found.problems:
        if key in ("", problem.rule) or problem.rule is None:
            raise problem.error
    for rule in found.rules:
        if key in ("", rule.definition.key):
            return rule.definition
    raise NoRuleToReplay


def lines_of(answer: ReplayAnswerOut) -> Iterator[str]:
    """The answer as a table to read in a terminal, and the days."""
    sides = [answer.draft] if answer.present is None else [answer.draft, answer.present]
    heads = ["draft", "as it is now"][: len(sides)]
    yield f"{'':32}" + "".join(f"{head:>16}" for head in heads)
    for words, read in _ROWS:
        yield f"{words:32}" + "".join(f"{_shown(read(side)):>16}" for side in sides)
    if answer.present is not None:
        yield f"alarms of the draft alone: {answer.only_draft}; of the rule as it is now alone: {answer.only_present}"
    yield "alarms a day: " + (", ".join(f"{one.day} {one.alarms}" for one in answer.draft.by_day) or "none")
    yield f"{answer.readings:,} readings in {answer.took_s} s"
    yield from (f"the rule failed while it ran: {words}" for words in answer.failing)


async def _replayed(
    hub: Hub,
    draft: Path | None,
    key: str,
    span: timedelta,
    tolerance_h: float,
    show: Callable[[float], Awaitable[None]],
) -> ReplayAnswerOut:
    rooms, scope = hub.rooms, Scope.everywhere()
    async with hub.common.database.transaction() as session:
        if draft is not None:
            definition = definition_in(draft.read_text("utf-8"), key)
        else:
            row = await rooms.rules.get(session, scope, key)
            definition = RuleDefinition.model_validate(row.definition)
        present = await rooms.rule_measures.replays.present(session, definition.key)
    compiled = rooms.rules.compiled(definition)
    if not rooms.rule_measures.replaying.covers(compiled, scope):
        raise ReplayCoversNothing(definition.key)

    async def go_on(progress: float) -> bool:
        await show(progress)
        return True

    until = hub.common.clock.now()
    asked = Asked(
        draft=compiled, present=present, scope=scope, since=until - span, until=until, tolerance_h=tolerance_h
    )
    return await rooms.rule_measures.replaying.answer(asked, go_on)


def _percent(share: float | None) -> str | None:
    return None if share is None else f"{share:.0%}"


def _shown(value: object) -> str:
    return "—" if value is None else str(value)
