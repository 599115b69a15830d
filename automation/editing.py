"""Rules on orders: saved whole and checked, each change a version, tried on past orders before it is switched on."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from automation import repository
from automation.condition import Facts, holds
from automation.errors import CompanyWideOnly, OrderRuleNotFound, RuleInvalid, StaleRule, TooManyRules
from automation.facts import Occurrence, could_hold, facts_of, occurrences, values_at
from automation.models import OrderRule, OrderRuleVersion
from automation.repository import Versioned
from automation.rule import Rule, read_rule
from automation.webhooks import Webhooks
from catalog.service import CatalogService
from kit.access import Scope
from kit.clock import Clock
from kit.errors import DomainError
from kit.ids import new_id
from people.kinds import PersonKind
from people.service import PeopleService
from ticketing.order_view import OrderView, PastOrder
from ticketing.outlook import Outlook

# Every event of an order asks all rules of its kind.
MOST_RULES = 500


@dataclass(frozen=True)
class WouldFire:
    """An order on which a rule would have fired, and the first time it would have."""

    order: OrderView
    occurrence: Occurrence
    fires_at: datetime
    times: int


@dataclass(frozen=True)
class Rehearsal:
    """What a rule would have done to past orders. `orders`: how many were looked at."""

    orders: int
    found: Sequence[WouldFire]

    @property
    def firings(self) -> int:
        return sum(one.times for one in self.found)


class RuleEditor:
    def __init__(
        self, *, outlook: Outlook, webhooks: Webhooks, people: PeopleService, catalog: CatalogService, clock: Clock
    ) -> None:
        self._outlook = outlook
        self._webhooks = webhooks
        self._people = people
        self._catalog = catalog
        self._clock = clock

    async def add(
        self, session: AsyncSession, scope: Scope, *, site_id: UUID | None, name: str, document: Mapping[str, Any],
        is_enabled: bool, by: UUID,
    ) -> Versioned:  # fmt: skip
        """Raises RuleInvalid, SiteNotFound, CompanyWideOnly, TooManyRules."""
        await self._may_change(session, scope, site_id)
        rule = await self._checked(session, site_id, document)
        if await repository.count_rules(session) >= MOST_RULES:
            raise TooManyRules(MOST_RULES)
        now = self._clock.now()
        row = OrderRule(
            id=new_id(), site_id=site_id, name=name, trigger=rule.trigger.value, version=1, is_enabled=is_enabled,
            created_at=now, changed_at=now,
        )  # fmt: skip
        session.add(row)
        await session.flush()
        return await self._say(session, row, document, by=by)

    async def change(
        self, session: AsyncSession, scope: Scope, rule_id: UUID, *, name: str, document: Mapping[str, Any],
        version: int, by: UUID,
    ) -> Versioned:  # fmt: skip
        """A new version; what waits already keeps its own. `version`: what the caller last saw.

        Raises OrderRuleNotFound, StaleRule, RuleInvalid, CompanyWideOnly.
        """
        row = await self._hold(session, scope, rule_id)
        if row.version != version:
            raise StaleRule(given_version=version, version=row.version)
        rule = await self._checked(session, row.site_id, document)
        row.name, row.trigger, row.version = name, rule.trigger.value, row.version + 1
        row.changed_at = self._clock.now()
        return await self._say(session, row, document, by=by)

    async def switch(
        self, session: AsyncSession, scope: Scope, rule_id: UUID, *, is_enabled: bool, version: int | None = None
    ) -> Versioned:
        """`version`: what the caller last saw. Raises OrderRuleNotFound, StaleRule, CompanyWideOnly."""
        row = await self._hold(session, scope, rule_id)
        if version is not None and row.version != version:
            raise StaleRule(given_version=version, version=row.version)
        row.is_enabled, row.changed_at = is_enabled, self._clock.now()
        return await self._with_version(session, row)

    async def rule(self, session: AsyncSession, scope: Scope, rule_id: UUID) -> Versioned:
        """Raises OrderRuleNotFound."""
        row = await repository.rule(session, scope, rule_id)
        if row is None:
            raise OrderRuleNotFound(rule_id)
        return await self._with_version(session, row)

    async def rehearse(
        self, session: AsyncSession, scope: Scope, *, site_id: UUID | None, document: Mapping[str, Any],
        since: datetime, until: datetime, limit: int, without: Collection[UUID],
    ) -> Rehearsal:  # fmt: skip
        """The rule on orders opened in that time, the newest `limit` of them; nothing is done. `without`: orders of
        which the asker must not know.

        Raises RuleInvalid, SiteNotFound.
        """
        if site_id is not None:
            await self._catalog.site(session, scope, site_id)
        rule = await self._checked(session, site_id, document)
        past = await self._outlook.past(
            session, scope, site_id=site_id, since=since, until=until, without=without, limit=limit
        )
        found = (rehearsed(rule, order, now=self._clock.now()) for order in past)
        return Rehearsal(len(past), [one for one in found if one is not None])

    # --- inside ----------------------------------------------------------------------------------------------------

    async def _hold(self, session: AsyncSession, scope: Scope, rule_id: UUID) -> OrderRule:
        row = await repository.lock_rule(session, scope, rule_id)
        if row is None:
            raise OrderRuleNotFound(rule_id)
        await self._may_change(session, scope, row.site_id)
        return row

    async def _may_change(self, session: AsyncSession, scope: Scope, site_id: UUID | None) -> None:
        if site_id is not None:
            await self._catalog.site(session, scope, site_id)
        elif scope.site_ids is not None:
            raise CompanyWideOnly

    async def _say(
        self, session: AsyncSession, row: OrderRule, document: Mapping[str, Any], *, by: UUID
    ) -> Versioned:  # fmt: skip
        said = OrderRuleVersion(
            rule_id=row.id, version=row.version, document=dict(document), saved_at=self._clock.now(), saved_by=by
        )
        session.add(said)
        await session.flush()
        return Versioned(row, said)

    async def _with_version(self, session: AsyncSession, row: OrderRule) -> Versioned:
        said = await repository.version(session, row.id, row.version)
        assert said is not None  # saved with the rule
        return Versioned(row, said)

    async def _checked(self, session: AsyncSession, site_id: UUID | None, document: Mapping[str, Any]) -> Rule:
        """The rule, whose people work at the site and whose webhooks are its own or the company's."""
        rule = read_rule(document)
        for person_id in rule.person_ids:
            await self._check_person(session, site_id, person_id)
        # A rule of the company can only call what every site may call.
        reach = Scope(frozenset()) if site_id is None else Scope.of(site_id)
        for endpoint_id in rule.endpoint_ids:
            try:
                await self._webhooks.endpoint(session, reach, endpoint_id)
            except DomainError:
                raise RuleInvalid(where="actions", problem="no_endpoint", allowed=str(endpoint_id)) from None
        return rule

    async def _check_person(self, session: AsyncSession, site_id: UUID | None, person_id: UUID) -> None:
        scope = Scope.everywhere() if site_id is None else Scope.of(site_id)
        try:
            person = await self._people.person(session, scope, person_id)
        except DomainError:
            raise RuleInvalid(where="actions", problem="no_person", allowed=str(person_id)) from None
        if person.kind is PersonKind.OWNER or not person.is_active:
            raise RuleInvalid(where="actions", problem="no_person", allowed=str(person_id))


def rehearsed(rule: Rule, order: PastOrder, *, now: datetime) -> WouldFire | None:
    """When the rule would have fired on an order first, and how often; None when never, or not yet."""
    delay = timedelta(minutes=rule.delay_min)
    fired = [
        one for one in occurrences(order)
        if one.trigger is rule.trigger and one.at + delay <= now and _fires(rule, order, one, delay)
    ]  # fmt: skip
    return WouldFire(order.view, fired[0], fired[0].at + delay, len(fired)) if fired else None


def _fires(rule: Rule, order: PastOrder, one: Occurrence, delay: timedelta) -> bool:
    at_once = _facts(order, one, one.at)
    if not delay:
        return holds(rule.condition, at_once)
    return could_hold(rule.condition, at_once) and holds(rule.condition, _facts(order, one, one.at + delay))


def _facts(order: PastOrder, one: Occurrence, moment: datetime) -> Facts:
    return facts_of(values_at(order, moment), one.event, now=moment)
