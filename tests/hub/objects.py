"""One of each thing that routes name by an id, at a site: for those who must not reach it from another."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from catalog.models import Building, Point, Space
from kit.access import Role
from kit.ids import new_id
from linkage.models import LinkagePoint, LinkageRule, LinkageRun
from linkage.rule import RunState
from people.kinds import Duty, PersonKind
from people.models import Membership, Person, Shift
from predictive.predictions.models import Prediction
from predictive.training.models import TrainedModel
from tests.hub.requests import Operation
from tests.hub.whole_app import WholeApp
from tests.small_site import SmallSite

# Made through the API by its own example, in this order: the parameter's name, by which route, the answer's field.
MADE_BY = (
    ("work_order_id", "POST /api/v1/work-orders", "work_order_id"),
    ("rota_id", "POST /api/v1/rotas", "id"),
    ("residence_id", "POST /api/v1/people/{person_id}/residences", "residence_id"),
    ("credential_id", "POST /api/v1/mqtt-credentials", "id"),
    ("contractor_id", "POST /api/v1/contractors", "id"),
    ("contract_id", "POST /api/v1/maintenance-contracts", "id"),
    ("storehouse_id", "PUT /api/v1/storehouses", "id"),
    ("warranty_id", "POST /api/v1/warranties", "id"),
    ("rule_id", "POST /api/v1/automation/rules", "id"),
    ("endpoint_id", "POST /api/v1/automation/webhooks", "id"),
    ("delivery_id", "POST /api/v1/automation/webhooks/{endpoint_id}/test", "delivery_id"),
    ("category_id", "POST /api/v1/knowledge/categories", "id"),
    ("article_id", "POST /api/v1/knowledge/articles", "id"),
    ("plan_id", "POST /api/v1/dispatch/plans", "id"),
    ("policy_id", "POST /api/v1/service-policies", "id"),
    ("destination_id", "POST /api/v1/alert-destinations", "id"),
    ("test_window_id", "POST /api/v1/test-windows", "id"),
    ("maintenance_window_id", "POST /api/v1/maintenance-windows", "id"),
    ("lockout_id", "POST /api/v1/lockouts", "id"),
    ("muting_id", "POST /api/v1/predictive/mutings", "id"),
)


@dataclass(frozen=True)
class Objects:
    """`ids`: by the name that paths, queries and bodies call it, e.g. `building_id`."""

    ids: Mapping[str, Any]


async def objects_at(hub: WholeApp, site: SmallSite, routes: Mapping[str, Operation]) -> Objects:
    ids = await _of_the_site(hub, site)
    async with hub.client(await hub.token(Role.ADMIN)) as admin:
        for parameter, route, name in MADE_BY:
            ids[parameter] = await _made(admin, routes[route], ids, name)
            if parameter == "work_order_id":
                page = (await admin.get(f"/api/v1/work-orders/{ids[parameter]}")).json()
                ids["report_id"] = page["report_list"][0]["id"]
    return Objects(ids)


async def _made(admin: httpx.AsyncClient, operation: Operation, ids: Mapping[str, Any], name: str) -> str:
    answer = await admin.request(**operation.arguments(ids))
    assert answer.status_code in (200, 201, 202), f"{operation.name}, by its own example: {answer.text[:400]}"
    made = answer.json()
    return str((made[0] if isinstance(made, list) else made)[name])


async def _of_the_site(hub: WholeApp, site: SmallSite) -> dict[str, Any]:
    now = hub.clock.now()
    async with hub.database.transaction() as session:
        building = await session.scalar(select(Building.id).where(Building.site_id == site.site_id).limit(1))
        of_rooms = select(Space.id).where(Space.site_id == site.site_id, Space.kind == "room")
        space = await session.scalar(of_rooms.where(Space.building_id == building).limit(1))
        equipment = next(iter(site.equipment.values()))
        person = Person(kind=PersonKind.STAFF, name="别处", phone="13600000000", language="zh-CN")
        session.add(person)
        await session.flush()
        session.add(Membership(person_id=person.id, site_id=site.site_id))
        shift = Shift(
            site_id=site.site_id, person_id=person.id, duty=Duty.MANAGER, starts_at=now,
            ends_at=now + timedelta(hours=8),
        )  # fmt: skip
        session.add(shift)
        await session.flush()
        found = {
            "site_id": site.site_id, "site": site.site_id, "building_id": building, "building": building,
            "space_id": space, "equipment_id": equipment, "equipment": equipment, "person_id": person.id,
            "assignee_id": person.id, "assignee": person.id, "shift_id": shift.id,
            "keeper_id": person.id,
            "point_no": await session.scalar(select(Point.point_no).where(Point.site_id == site.site_id).limit(1)),
        }  # fmt: skip
        found |= await _linkage(session, site.site_id, equipment, now)
        found |= await _models(session, site.site_id, equipment, now)
    return {name: str(value) for name, value in found.items() if value is not None}


async def _linkage(session: AsyncSession, site_id: UUID, equipment_id: UUID, now: datetime) -> dict[str, UUID]:
    """A point that may be switched, a rule and an action that waits: the site's equipment itself has no such point."""
    point = LinkagePoint(
        site_id=site_id, equipment_id=equipment_id, point_key="open", low=0, high=1, needs_two=True, timeout_s=5,
        created_at=now,
    )  # fmt: skip
    rule = LinkageRule(
        site_id=site_id, name="别处", is_enabled=False, condition={"fault_modes": ["leak"]}, actions=[], created_at=now,
        changed_at=now,
    )  # fmt: skip
    session.add_all([point, rule])
    await session.flush()
    run = LinkageRun(
        site_id=site_id, rule_id=rule.id, rule_version=1, alarm_id=new_id(), onset_at=now, number=0,
        equipment_id=equipment_id, point_key="open", value=0, needs_two=True, state=RunState.AWAITING,
        created_at=now, expires_at=now + timedelta(hours=1),
    )  # fmt: skip
    session.add(run)
    await session.flush()
    return {"linkage_point_id": point.id, "linkage_rule_id": rule.id, "linkage_run_id": run.id}


async def _models(session: AsyncSession, site_id: UUID, equipment_id: UUID, now: datetime) -> dict[str, UUID]:
    """Something predicted, and a model in shadow."""
    prediction = Prediction(
        site_id=site_id, equipment_id=equipment_id, equipment_code="E-1", equipment_kind="pump", mode="unusual",
        is_shadow=False, state="open", method="drift", confidence=0.4, score=1.1, since_at=now, opened_at=now,
        found_at=now, expires_at=now + timedelta(days=3), points=[], reason={"zh-CN": "异常", "en": "Unusual"},
        of_going=1, of_waiting=1, fails_in_time=0.5,
    )  # fmt: skip
    model = TrainedModel(
        site_id=site_id, family="detectors", subject="elsewhere", version=1, state="shadow", format="npz",
        size_bytes=0, sha256="", signature="", equipment_ids=[], points=[], data_from=now, data_until=now,
        code_version="", parameters={}, metrics={}, made_at=now, state_at=now,
    )  # fmt: skip
    session.add_all([prediction, model])
    await session.flush()
    return {"prediction_id": prediction.id, "model_id": model.id}
