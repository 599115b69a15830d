"""From what somebody said to a draft of an order: its place, kind, topic, urgency and name."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from catalog.service import CatalogService
from kit.access import Role
from kit.i18n import Language, Texts
from ticketing.definitions.book import Definitions
from ticketing.definitions.errors import KindNotOffered
from ticketing.draft import Draft
from ticketing.errors import FieldInvalid
from ticketing.flow import Flow
from ticketing.form_filling import FormFilling
from ticketing.forms import Moment
from ticketing.kinds import Category, Procedure, priority_of
from ticketing.models import COMMON_KIND, Report
from ticketing.order_kind import OrderKind, Topic
from ticketing.places import Place, find_place
from ticketing.reports import NewReport, key_of

HOME_KIND = "home_repair"
SHARED_KIND = "public_repair"
_KIND_BY_CATEGORY = {
    Category.COMPLAINT: "complaint",
    Category.SUGGESTION: "suggestion",
    Category.INQUIRY: "inquiry",
}


class Drafting:
    def __init__(
        self, catalog: CatalogService, definitions: Definitions, filling: FormFilling, texts: Texts
    ) -> None:  # fmt: skip
        self._catalog = catalog
        self._definitions = definitions
        self._filling = filling
        self._texts = texts

    async def draft(self, session: AsyncSession, new: NewReport) -> Draft:
        """Raises PlaceNotFound, KindNotFound, KindNotOffered, FieldInvalid, FieldUnknown, FieldNotYours,
        FieldMissing."""
        # A home says who lives there.
        space_id, building_id = (None, None) if new.is_anonymous else (new.space_id, new.building_id)
        place = await find_place(
            session, self._catalog, site_id=new.site_id, equipment_id=new.equipment_id, space_id=space_id,
            building_id=building_id,
        )  # fmt: skip
        kind, flow = await self._kind(session, new, place)
        topic = _topic(kind, new)
        category = topic.category if topic else new.category
        form = await self._filling.fill(
            session, kind.form, {}, new.form, roles=new.roles, site_id=new.site_id, work_order_id=None
        )
        # A message in a chat names no kind and cannot be asked for its fields; what is missing is wanted at completion.
        if new.kind is not None:
            kind.form.check_complete(form, Moment.CREATION, action="create")
        return Draft(
            place=place,
            kind=kind,
            flow=flow,
            category=category,
            topic=topic.code if topic else None,
            channel=new.channel,
            priority=_priority(new, kind, topic, category),
            title=self._title(kind, topic, category),
            key=key_of(new, place, category=category, procedure=kind.procedure),
            fault_mode=new.definite_fault,
            opened_by=new.shown_by,
            form=form,
            # Where life is at stake nobody comes by appointment.
            appointment_at=None if kind.procedure.is_life_safety else new.appointment_at,
        )

    async def carry(self, session: AsyncSession, draft: Draft, report: Report, *, now: datetime) -> Draft:
        """`draft` with what the reporter filled in, as far as its kind asks the same, and with their appointment."""
        appointment_at = report.appointment_at
        is_ahead = appointment_at is not None and appointment_at > now
        if is_ahead and not draft.kind.procedure.is_life_safety:
            draft = replace(draft, appointment_at=appointment_at)
        if report.kind is None or report.kind_version is None:
            return draft
        meant = await self._definitions.kinds.version(session, report.kind, report.kind_version)
        return replace(draft, form=meant.form.carried(report.form, draft.kind.form))

    async def _kind(self, session: AsyncSession, new: NewReport, place: Place) -> tuple[OrderKind, Flow]:
        if new.procedure.is_life_safety:
            return await self._definitions.for_new(session, new.procedure.value)
        kind, flow = await self._definitions.for_new(session, new.kind or await self._likely(session, new, place))
        is_by_owner = new.roles <= {Role.OWNER}
        if new.kind is not None and (kind.is_internal or (is_by_owner and not kind.is_for_owners)):
            raise KindNotOffered(new.kind)
        return kind, flow

    async def _likely(self, session: AsyncSession, new: NewReport, place: Place) -> str:
        """The kind of a report that names none."""
        by_category = _KIND_BY_CATEGORY.get(new.category)
        if by_category is not None:
            return by_category
        if place.equipment is not None:
            return COMMON_KIND
        return HOME_KIND if await self._is_home(session, place.space_id) else SHARED_KIND

    async def _is_home(self, session: AsyncSession, space_id: UUID | None) -> bool:
        return space_id is not None and space_id in await self._catalog.rooms(session, [space_id])

    def _title(self, kind: OrderKind, topic: Topic | None, category: Category) -> dict[str, str]:
        if kind.procedure is not Procedure.REPAIR:
            return dict(kind.names)
        if topic is not None:
            return dict(topic.names)
        return {language.value: self._texts.text(f"ticketing.category.{category}", language) for language in Language}


def _topic(kind: OrderKind, new: NewReport) -> Topic | None:
    if new.topic is None:
        return None
    found = kind.topic(new.topic)
    if found is None:
        known = [one.code for root in kind.topics for one in root.walk()]
        raise FieldInvalid(field="topic", allowed=", ".join(known) or "—")
    return found


def _priority(new: NewReport, kind: OrderKind, topic: Topic | None, category: Category) -> int:
    if kind.procedure.is_life_safety:
        return 1
    suggested = (topic.priority if topic else None) or kind.priority
    return new.priority or suggested or priority_of(procedure=kind.procedure, category=category)
