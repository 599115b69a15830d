"""What a rule does to an order, by the same doors as people. Each returns what came of it, for the log."""

from collections.abc import Collection, Sequence
from typing import Any, assert_never
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from automation.models import RuleFiring
from automation.rule import Action, Assign, CallWebhook, Create, Escalate, Notify, Recipient, SetPriority
from automation.webhooks import Webhooks
from kit.access import Role, Scope
from kit.i18n import Language
from notify.service import Notice, NotifyService, Urgency
from people.service import PeopleService
from ticketing.actor import Actor
from ticketing.editing import OrderEdit
from ticketing.flow import Action as Move
from ticketing.kinds import Channel
from ticketing.order_view import OrderView
from ticketing.outlook import Outlook
from ticketing.reports import NewReport
from ticketing.service import TicketingService
from ticketing.words import Words

Outcome = dict[str, Any]


class Acting:
    def __init__(
        self, *, ticketing: TicketingService, outlook: Outlook, people: PeopleService, notify: NotifyService,
        webhooks: Webhooks,
    ) -> None:  # fmt: skip
        self._ticketing = ticketing
        self._outlook = outlook
        self._people = people
        self._notify = notify
        self._webhooks = webhooks

    async def do(
        self, session: AsyncSession, firing: RuleFiring, rule_name: str, action: Action, order: OrderView, *,
        number: int,
    ) -> Outcome:  # fmt: skip
        """`number` is the action's place in its rule. Raises what the room raises that is asked to do it."""
        key = f"rule/{firing.id}/{number}"
        match action:
            case Notify():
                return await self._tell(session, rule_name, action, order, key=key)
            case Assign(person_id):
                return await self._assign(session, rule_name, order, person_id)
            case SetPriority(priority):
                edit = OrderEdit(priority=priority)
                scope = Scope.of(order.site_id)
                await self._ticketing.edit(
                    session, scope, order.id, actor=Actor.system(), edit=edit, why=rule_name, version=None
                )
                return {"do": "set", "result": "done", "priority": priority}
            case Escalate(reason):
                await self._outlook.escalate(session, order.id, why=f"{rule_name}: {reason}", occasion=firing.id)
                return {"do": "escalate", "result": "done"}
            case Create():
                return await self._create(session, action, order, key=key)
            case CallWebhook(endpoint_id):
                delivery_id = await self._webhooks.queue(session, endpoint_id, firing, order, rule_name=rule_name)
                return {"do": "webhook", "result": "done", "delivery_id": str(delivery_id)}
            case _:
                assert_never(action)

    async def _tell(
        self, session: AsyncSession, rule_name: str, action: Notify, order: OrderView, *, key: str
    ) -> Outcome:
        """Whom a complaint is about is left out; where they are the duty manager, the next manager is told."""
        told: list[UUID] = []
        kept_off = await self._outlook.kept_off(session, order.id)
        for person_id in await self._recipients(session, action, order, without=kept_off):
            language = (await self._people.contact(session, person_id)).language
            facts = {
                "number": order.number, "place": order.place, "rule": rule_name,
                "text": action.text.get(language, action.text[Language.ZH]),
            }  # fmt: skip
            notice = Notice(
                key=key, person_id=person_id, template="staff.rule", facts=facts, site_id=order.site_id,
                urgency=Urgency.URGENT if action.is_urgent else Urgency.ORDINARY, link=f"/work-orders/{order.id}",
            )  # fmt: skip
            await self._notify.tell(session, notice)
            told.append(person_id)
        return {"do": "notify", "result": "done" if told else "nobody", "told": [str(one) for one in told]}

    async def _recipients(
        self, session: AsyncSession, action: Notify, order: OrderView, *, without: Collection[UUID]
    ) -> Sequence[UUID]:
        found: list[UUID]
        match action.to:
            case Recipient.PERSON:
                assert action.person_id is not None  # read with it
                found = [action.person_id]
            case Recipient.ASSIGNEE:
                assignee_id = order.values["assignee_id"]
                found = [] if assignee_id is None else [assignee_id]
            case Recipient.DUTY_MANAGER:
                found = [(await self._people.duty_manager(session, order.site_id)).person_id]
            case Recipient.MANAGERS:
                found = await self._people.managers(session, order.site_id)
            case _:
                assert_never(action.to)
        allowed = [one for one in found if one not in without]
        if allowed or action.to not in (Recipient.DUTY_MANAGER, Recipient.MANAGERS):
            return allowed
        others = [
            one for role in (Role.MANAGER, Role.ADMIN)
            for one in await self._people.holders(session, site_id=order.site_id, role=role) if one not in without
        ]  # fmt: skip
        return others[:1]

    async def _assign(
        self, session: AsyncSession, rule_name: str, order: OrderView, person_id: UUID | None
    ) -> Outcome:  # fmt: skip
        if person_id is None:
            await self._outlook.dispatch_best(session, order.id)
            return {"do": "assign", "result": "done"}
        words = Words(assignee_id=person_id, reason=rule_name)
        scope = Scope.of(order.site_id)
        await self._ticketing.act(
            session, scope, order.id, actor=Actor.system(), action=Move.DISPATCH, words=words
        )  # fmt: skip
        return {"do": "assign", "result": "done", "person_id": str(person_id)}

    async def _create(self, session: AsyncSession, action: Create, order: OrderView, *, key: str) -> Outcome:
        place = {name: order.values[name] for name in ("equipment_id", "space_id", "building_id")}
        new = NewReport(
            site_id=order.site_id, channel=Channel.STAFF, text=action.text, category=action.category,
            priority=action.priority, source_ref=key, roles=frozenset({Role.DISPATCHER}), **place,
        )  # fmt: skip
        done = await self._ticketing.report(session, new)
        made = {"number": done.report.number, "work_order_id": str(done.report.work_order_id)}
        return {"do": "create", "result": "joined" if done.joined else "done", **made}
