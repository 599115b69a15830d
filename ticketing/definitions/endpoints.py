"""HTTP of kinds and flows: what orders are like, and how an administrator changes that."""

from typing import Annotated

from fastapi import APIRouter, Depends

from kit.access import Principal, Role
from kit.errors import DomainError
from kit.http import Session, allow, service
from ticketing.definitions import errors
from ticketing.definitions.book import Definitions
from ticketing.definitions.schemas import (
    DefinitionVersionOut,
    DocumentIn,
    FlowDocumentOut,
    FlowOut,
    OrderKindDocumentOut,
    OrderKindOut,
)
from ticketing.request_schemas import KindCode

router = APIRouter(prefix="/api/v1", tags=["order kinds and flows"])

STATUS: dict[type[DomainError], int] = {
    errors.KindNotFound: 404,
    errors.FlowNotFound: 404,
    errors.DefinitionChanged: 409,
    errors.DocumentInvalid: 422,
    errors.KindNotOffered: 422,
}

Known = Annotated[Definitions, Depends(service(Definitions))]
Anybody = Annotated[Principal, Depends(allow(*Role))]
Admin = Annotated[Principal, Depends(allow(Role.ADMIN))]


def _roles(caller: Principal) -> frozenset[Role]:
    return frozenset(grant.role for grant in caller.grants)


@router.get("/order-kinds", response_model=list[OrderKindOut])
async def list_order_kinds(session: Session, known: Known, caller: Anybody) -> list[OrderKindOut]:
    """Every kind of order as it holds for new ones; owners see those they may choose."""
    roles = _roles(caller)
    kinds = [saved.meaning for saved in await known.kinds.all(session)]
    return [OrderKindOut.of(kind, roles) for kind in kinds if kind.is_for_owners or roles - {Role.OWNER}]


@router.get("/order-kinds/{code}", response_model=OrderKindDocumentOut)
async def get_order_kind(code: KindCode, session: Session, known: Known, caller: Admin) -> OrderKindDocumentOut:
    """A kind with the document it was read from."""
    return OrderKindDocumentOut.of_saved(await known.kinds.latest(session, code), _roles(caller))


@router.get("/order-kinds/{code}/versions", response_model=list[DefinitionVersionOut])
async def list_versions_of_order_kind(
    code: KindCode, session: Session, known: Known, caller: Admin
) -> list[DefinitionVersionOut]:
    """Every version ever saved, newest first."""
    return [DefinitionVersionOut.of(row) for row in await known.kinds.history(session, code)]


@router.put("/order-kinds/{code}", response_model=OrderKindDocumentOut)
async def save_order_kind(
    code: KindCode, body: DocumentIn, session: Session, known: Known, caller: Admin
) -> OrderKindDocumentOut:
    """Saves the next version, which holds for new orders. 422 names everything that is wrong with the document."""
    saved = await known.save_kind(session, code, body.document, over=body.version, by=caller.person_id)
    return OrderKindDocumentOut.of_saved(saved, _roles(caller))


@router.get("/order-flows", response_model=list[FlowOut])
async def list_order_flows(session: Session, known: Known, caller: Anybody) -> list[FlowOut]:
    """Every flow as it holds for new orders."""
    return [FlowOut.of(saved.meaning) for saved in await known.flows.all(session)]


@router.get("/order-flows/{code}", response_model=FlowDocumentOut)
async def get_order_flow(code: KindCode, session: Session, known: Known, caller: Admin) -> FlowDocumentOut:
    """A flow with the document it was read from."""
    return FlowDocumentOut.of_saved(await known.flows.latest(session, code))


@router.get("/order-flows/{code}/versions", response_model=list[DefinitionVersionOut])
async def list_versions_of_order_flow(
    code: KindCode, session: Session, known: Known, caller: Admin
) -> list[DefinitionVersionOut]:
    """Every version ever saved, newest first."""
    return [DefinitionVersionOut.of(row) for row in await known.flows.history(session, code)]


@router.put("/order-flows/{code}", response_model=FlowDocumentOut)
async def save_order_flow(
    code: KindCode, body: DocumentIn, session: Session, known: Known, caller: Admin
) -> FlowDocumentOut:
    """Saves the next version, which holds for new orders; open ones keep theirs."""
    saved = await known.save_flow(session, code, body.document, over=body.version, by=caller.person_id)
    return FlowDocumentOut.of_saved(saved)
