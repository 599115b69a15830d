"""Closing a root asks what becomes of the orders under it: they end with it, or go on by themselves."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kit.access import Grant, Role, Scope
from kit.clock import Clock
from kit.errors import DomainError
from kit.events import publish
from kit.logs import logger
from ticketing import repository
from ticketing.actor import Actor
from ticketing.flow import Action, Hat
from ticketing.following import Step
from ticketing.incidents import repository as incident_repository
from ticketing.incidents.errors import ChildrenUndecided
from ticketing.incidents.events import ChildrenReleased
from ticketing.incidents.linking import unlink
from ticketing.kinds import SETTLED, ChildrenFate, ClosingCode, OrderState
from ticketing.models import WorkOrder
from ticketing.moving import Moving
from ticketing.words import Words

log = logger(__name__)

_DESK = {Hat.DISPATCHER, Hat.MANAGER}


async def check_decided(session: AsyncSession, step: Step) -> None:
    """A guard: whoever closes a root at the desk says what becomes of its children. Raises ChildrenUndecided.

    An owner who confirms a repair is asked nothing: what hangs under it goes on by itself.
    """
    order = step.order
    hats = step.actor.hats(site_id=order.site_id, assignee_id=order.assignee_id)
    if step.words.children is not None or not hats & _DESK:
        return
    numbers = [child.number for child in await incident_repository.open_children(session, order.id)]
    if numbers:
        raise ChildrenUndecided(field="children", numbers=numbers, allowed=", ".join(ChildrenFate))


async def release(session: AsyncSession, step: Step) -> None:
    """An effect: the children hear of it once the root is closed."""
    order = step.order
    if not await incident_repository.open_children(session, order.id):
        return
    fate = step.words.children or ChildrenFate.KEEP
    event = ChildrenReleased(
        site_id=order.site_id, root_id=order.id, fate=fate.value, actor_id=step.actor.person_id
    )  # fmt: skip
    await publish(session, event)


class Children:
    def __init__(self, moving: Moving, clock: Clock) -> None:
        self._moving = moving
        self._clock = clock

    async def on_children_released(self, session: AsyncSession, event: ChildrenReleased) -> None:
        """Ends or frees each child; one that cannot be ended (a step of it is open) goes on by itself."""
        root = await repository.order(session, Scope.everywhere(), event.root_id)
        if root is None:
            return
        for one in await incident_repository.open_children(session, root.id):
            child = await repository.lock_order(session, Scope.everywhere(), one.id)
            if child is None or child.parent_id != root.id or child.state in SETTLED:
                continue
            if event.fate == ChildrenFate.KEEP or not await self._close(session, child, root, event.actor_id):
                await unlink(session, child, actor_id=event.actor_id, reason="root_closed", clock=self._clock)

    async def _close(
        self, session: AsyncSession, child: WorkOrder, root: WorkOrder, actor_id: UUID | None
    ) -> bool:  # fmt: skip
        # They had the right when they said so; a job knows no more of them than who they are.
        grants = frozenset({Grant(Role.DISPATCHER, child.site_id)})
        actor = Actor(actor_id, grants)
        try:
            async with session.begin_nested():
                await end_as_duplicate(session, self._moving, child, of=root, actor=actor, note=None)
        except DomainError as refusal:
            log.info("a child cannot end with its root", work_order_id=str(child.id), why=refusal.code())
            await session.refresh(child)
            return False
        return True


async def end_as_duplicate(
    session: AsyncSession, moving: Moving, order: WorkOrder, *, of: WorkOrder, actor: Actor, note: str | None
) -> None:
    """Finishes and closes `order`, whose row is held, as a duplicate `of` another. Raises what `Moving.move` raises."""
    words = Words(closing_code=ClosingCode.DUPLICATE, duplicate_of=of.id, note=note, children=ChildrenFate.KEEP)
    if order.state != OrderState.DONE:
        await moving.move(session, order, actor=actor, action=Action.FINISH, words=words)
    else:
        order.closing_code, order.duplicate_of_id = ClosingCode.DUPLICATE.value, of.id
    await moving.move(session, order, actor=actor, action=Action.CLOSE, words=words)
