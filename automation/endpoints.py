"""Rules on orders and webhooks over HTTP: for managers; what concerns the whole company, for its administrators."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends

from automation import errors, repository, webhook_repository
from automation.editing import RuleEditor
from automation.errors import DeliveryNotFound
from automation.firing import FiringState
from automation.repository import FiringFilter
from automation.schedule import DeliveryState
from automation.schemas import (
    DeliveryDetailOut,
    DeliveryOut,
    EndpointEditIn,
    EndpointIn,
    EndpointOut,
    EndpointSecretOut,
    FiringOut,
    OrderRuleEditIn,
    OrderRuleIn,
    OrderRuleOut,
    OrderRuleVersionOut,
    PingIn,
    QueuedOut,
    RehearsalIn,
    RehearsalOut,
    RuleVocabularyOut,
    SwitchIn,
)
from automation.webhook_repository import DeliveryFilter
from automation.webhooks import Webhooks
from kit.access import Principal, Role
from kit.errors import DomainError
from kit.http import Page, Paging, SeenVersion, Session, allow, changes_nothing, service
from ticketing.feedback.repository import hidden_from

router = APIRouter(prefix="/api/v1/automation", tags=["automation"])

STATUS: dict[type[DomainError], int] = {
    errors.RuleInvalid: 422,
    errors.OrderRuleNotFound: 404,
    errors.StaleRule: 409,
    errors.CompanyWideOnly: 403,
    errors.TooManyRules: 409,
    errors.EndpointNotFound: 404,
    errors.EndpointRefused: 422,
    errors.DeliveryNotFound: 404,
    errors.DeliveryUnderWay: 409,
}

Editor = Annotated[RuleEditor, Depends(service(RuleEditor))]
Hooks = Annotated[Webhooks, Depends(service(Webhooks))]
Manager = Annotated[Principal, Depends(allow(Role.MANAGER))]


# --- rules ---------------------------------------------------------------------------------------------------------


@router.get("/vocabulary", response_model=RuleVocabularyOut)
async def get_rule_vocabulary(_: Manager) -> RuleVocabularyOut:
    """What rules may be made of: triggers, fields, operators, actions."""
    return RuleVocabularyOut.whole()


@router.get("/rules", response_model=Page[OrderRuleOut])
async def list_order_rules(
    session: Session, caller: Manager, paging: Paging, site: UUID | None = None
) -> Page[OrderRuleOut]:  # fmt: skip
    """Rules of the caller's sites and of the company, by name. `site`: those that hold there."""
    found, total = await repository.rules(
        session, caller.scope(Role.MANAGER), site_id=site, limit=paging.limit, offset=paging.offset
    )
    items = [OrderRuleOut.of(one) for one in found]
    return Page(items=items, total=total, limit=paging.limit, offset=paging.offset)


@router.post("/rules", response_model=OrderRuleOut, status_code=201)
async def create_order_rule(body: OrderRuleIn, session: Session, editor: Editor, caller: Manager) -> OrderRuleOut:
    """Saves a new rule. 422 names the place in the document that cannot be meant."""
    made = await editor.add(
        session, caller.scope(Role.MANAGER), site_id=body.site_id, name=body.name, document=body.document,
        is_enabled=body.is_enabled, by=caller.person_id,
    )  # fmt: skip
    return OrderRuleOut.of(made)


@router.post("/rules/rehearsal", response_model=RehearsalOut, dependencies=[Depends(changes_nothing)])
async def rehearse_order_rule(body: RehearsalIn, session: Session, editor: Editor, caller: Manager) -> RehearsalOut:
    """On which past orders a rule would have fired. Nothing is saved and nothing done."""
    done = await editor.rehearse(
        session, caller.scope(Role.MANAGER), site_id=body.site_id, document=body.document, since=body.since,
        until=body.until, limit=body.limit, without=await hidden_from(session, caller.person_id),
    )  # fmt: skip
    return RehearsalOut.of(done)


@router.get("/rules/{rule_id}", response_model=OrderRuleOut)
async def get_order_rule(rule_id: UUID, session: Session, editor: Editor, caller: Manager) -> OrderRuleOut:
    return OrderRuleOut.of(await editor.rule(session, caller.scope(Role.MANAGER), rule_id))


@router.put("/rules/{rule_id}", response_model=OrderRuleOut)
async def edit_order_rule(
    rule_id: UUID, body: OrderRuleEditIn, session: Session, editor: Editor, caller: Manager
) -> OrderRuleOut:  # fmt: skip
    """Saves a new version; what waits already keeps the one it began with."""
    changed = await editor.change(
        session, caller.scope(Role.MANAGER), rule_id, name=body.name, document=body.document, version=body.version,
        by=caller.person_id,
    )  # fmt: skip
    return OrderRuleOut.of(changed)


@router.patch("/rules/{rule_id}", response_model=OrderRuleOut)
async def switch_order_rule(
    rule_id: UUID, body: SwitchIn, session: Session, editor: Editor, caller: Manager
) -> OrderRuleOut:  # fmt: skip
    """Switches a rule on or off. Switched off, what waits already lapses."""
    scope = caller.scope(Role.MANAGER)
    return OrderRuleOut.of(
        await editor.switch(session, scope, rule_id, is_enabled=body.is_enabled, version=body.version)
    )


@router.get("/rules/{rule_id}/versions", response_model=list[OrderRuleVersionOut])
async def list_order_rule_versions(
    rule_id: UUID, session: Session, editor: Editor, caller: Manager
) -> list[OrderRuleVersionOut]:
    """Every version of a rule, the newest first."""
    found = await editor.rule(session, caller.scope(Role.MANAGER), rule_id)
    return [OrderRuleVersionOut.model_validate(one) for one in await repository.versions(session, found.rule.id)]


@router.get("/firings", response_model=Page[FiringOut])
async def list_rule_firings(
    session: Session, caller: Manager, paging: Paging, site: UUID | None = None, rule: UUID | None = None,
    work_order: UUID | None = None, state: FiringState | None = None,
) -> Page[FiringOut]:  # fmt: skip
    """What set rules off and what came of it, the newest first."""
    wanted = FiringFilter(site_id=site, rule_id=rule, work_order_id=work_order, state=state)
    without = await hidden_from(session, caller.person_id)
    found, total = await repository.firings(
        session, caller.scope(Role.MANAGER), wanted, without=without, limit=paging.limit, offset=paging.offset
    )
    items = [FiringOut.of(one) for one in found]
    return Page(items=items, total=total, limit=paging.limit, offset=paging.offset)


# --- webhooks ------------------------------------------------------------------------------------------------------


@router.get("/webhooks", response_model=Page[EndpointOut])
async def list_webhooks(session: Session, caller: Manager, paging: Paging) -> Page[EndpointOut]:
    """Webhooks of the caller's sites and of the company, by name. Secrets are not shown again."""
    found, total = await webhook_repository.endpoints(
        session, caller.scope(Role.MANAGER), limit=paging.limit, offset=paging.offset
    )
    items = [EndpointOut.of(one) for one in found]
    return Page(items=items, total=total, limit=paging.limit, offset=paging.offset)


@router.post("/webhooks", response_model=EndpointSecretOut, status_code=201)
async def create_webhook(body: EndpointIn, session: Session, hooks: Hooks, caller: Manager) -> EndpointSecretOut:
    """Adds an address to be called by rules. Its secret is in the answer, this once."""
    made = await hooks.add(
        session, caller.scope(Role.MANAGER), site_id=body.site_id, name=body.name, url=body.url
    )  # fmt: skip
    return EndpointSecretOut.shown(made)


@router.patch("/webhooks/{endpoint_id}", response_model=EndpointOut)
async def edit_webhook(
    endpoint_id: UUID, body: EndpointEditIn, session: Session, hooks: Hooks, caller: Manager
) -> EndpointOut:
    """Renames, redirects or switches a webhook."""
    changed = await hooks.change(
        session, caller.scope(Role.MANAGER), endpoint_id, name=body.name, url=body.url, is_enabled=body.is_enabled,
        version=body.version,
    )  # fmt: skip
    return EndpointOut.of(changed)


@router.post("/webhooks/{endpoint_id}/secret", response_model=EndpointSecretOut)
async def rotate_webhook_secret(
    endpoint_id: UUID, session: Session, hooks: Hooks, caller: Manager, version: SeenVersion = None
) -> EndpointSecretOut:
    """A new secret, shown this once. Until `previous_until` the one before it signs as well."""
    return EndpointSecretOut.shown(
        await hooks.rotate(session, caller.scope(Role.MANAGER), endpoint_id, version=version)
    )


@router.post("/webhooks/{endpoint_id}/test", response_model=QueuedOut, status_code=202)
async def test_webhook(
    endpoint_id: UUID, body: PingIn, session: Session, hooks: Hooks, caller: Manager
) -> QueuedOut:  # fmt: skip
    """Sends a message of the type `webhook.test`; what came of it is in its delivery."""
    delivery_id = await hooks.ping(session, caller.scope(Role.MANAGER), endpoint_id, site_id=body.site_id)
    return QueuedOut(delivery_id=delivery_id)


@router.get("/deliveries", response_model=Page[DeliveryOut])
async def list_webhook_deliveries(
    session: Session, caller: Manager, paging: Paging, site: UUID | None = None, webhook: UUID | None = None,
    work_order: UUID | None = None, state: DeliveryState | None = None,
) -> Page[DeliveryOut]:  # fmt: skip
    """What was sent to webhooks, the newest first; `state=failed` shows what nobody took."""
    wanted = DeliveryFilter(site_id=site, endpoint_id=webhook, work_order_id=work_order, state=state)
    without = await hidden_from(session, caller.person_id)
    found, total = await webhook_repository.deliveries(
        session, caller.scope(Role.MANAGER), wanted, without=without, limit=paging.limit, offset=paging.offset
    )
    items = [DeliveryOut.of(one) for one in found]
    return Page(items=items, total=total, limit=paging.limit, offset=paging.offset)


@router.get("/deliveries/{delivery_id}", response_model=DeliveryDetailOut)
async def get_webhook_delivery(delivery_id: UUID, session: Session, caller: Manager) -> DeliveryDetailOut:
    """A delivery with its body and every attempt."""
    without = await hidden_from(session, caller.person_id)
    found = await webhook_repository.delivery(session, caller.scope(Role.MANAGER), delivery_id, without=without)
    if found is None:
        raise DeliveryNotFound(delivery_id)
    return DeliveryDetailOut.whole(found, list(await webhook_repository.attempts(session, found.id)))


@router.post("/deliveries/{delivery_id}/redeliver", response_model=DeliveryOut, status_code=202)
async def redeliver_webhook(delivery_id: UUID, session: Session, hooks: Hooks, caller: Manager) -> DeliveryOut:
    """Sends what was delivered or given up once more, under the same id."""
    without = await hidden_from(session, caller.person_id)
    return DeliveryOut.of(await hooks.redeliver(session, caller.scope(Role.MANAGER), delivery_id, without=without))
