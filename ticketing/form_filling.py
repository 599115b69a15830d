"""Takes in what people fill into an order's form; what names a place, equipment or picture must exist there."""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from catalog.service import CatalogService
from kit.access import Role
from ticketing import photo_repository
from ticketing.errors import FieldInvalid
from ticketing.forms import FieldType, Form, ids_of
from ticketing.places import find_place


class FormFilling:
    def __init__(self, catalog: CatalogService) -> None:
        self._catalog = catalog

    async def fill(
        self, session: AsyncSession, form: Form, standing: Mapping[str, Any], given: Mapping[str, Any], *,
        roles: Collection[Role], site_id: UUID, work_order_id: UUID | None,
    ) -> dict[str, Any]:  # fmt: skip
        """`standing` with what was given. `work_order_id` None: the order does not exist yet, so it has no pictures.

        Raises FieldUnknown, FieldNotYours, FieldInvalid, PlaceNotFound.
        """
        values = form.take(standing, given, roles=roles)
        fresh = {key: value for key, value in values.items() if key in given}
        for space_id in ids_of(form.fields, fresh, FieldType.LOCATION):
            await find_place(
                session, self._catalog, site_id=site_id, equipment_id=None, space_id=space_id, building_id=None
            )
        for equipment_id in ids_of(form.fields, fresh, FieldType.EQUIPMENT):
            await find_place(
                session, self._catalog, site_id=site_id, equipment_id=equipment_id, space_id=None, building_id=None
            )
        await self._check_pictures(session, form, fresh, work_order_id)
        return values

    async def _check_pictures(
        self, session: AsyncSession, form: Form, fresh: Mapping[str, Any], work_order_id: UUID | None
    ) -> None:
        named = [one for one in form.fields if one.type in (FieldType.PHOTO, FieldType.VIDEO) and one.key in fresh]
        if not named:
            return
        kept = await photo_repository.of_order(session, work_order_id) if work_order_id is not None else []
        for field in named:
            prefix = "image/" if field.type is FieldType.PHOTO else "video/"
            allowed = {one.id for one in kept if one.media_type.startswith(prefix)}
            if not set(ids_of([field], fresh, field.type)) <= allowed:
                raise FieldInvalid(
                    field=field.key, allowed=f"{prefix}*: POST …/photos", field_name=field.names
                )  # fmt: skip
