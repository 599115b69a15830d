"""Who pays, price lists, quotations and charges over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response, UploadFile

from kit.access import STAFF, NotAllowed, Role
from kit.errors import DomainError
from kit.http import Caller, Page, Paging, RequestLanguage, Session, service
from kit.i18n import Texts
from ticketing.actor import Actor
from ticketing.attaching import Attaching
from ticketing.callers import AT_THE_DESK, HANDLING, DeskClerk, Handler, Manager, Reader
from ticketing.charging import errors
from ticketing.charging.charges import Charges
from ticketing.charging.errors import QuotationLinkRefused
from ticketing.charging.kinds import ChargeState, DecidedHow
from ticketing.charging.links import QuotationLinks
from ticketing.charging.paying import NewWarranty, Paying
from ticketing.charging.publishing import PriceLists
from ticketing.charging.quotations import Answer, Quotations
from ticketing.charging.repository import ChargeFilter
from ticketing.charging.schemas import (
    ChargeOut,
    PayerIn,
    PayerOut,
    PriceListIn,
    PriceListOut,
    QuotationAnswerIn,
    QuotationIn,
    QuotationOut,
    StatutoryIn,
    WarrantyIn,
    WarrantyOut,
)
from ticketing.photos import MAX_BYTES
from ticketing.signed_links import BadLink
from ticketing.working.jobs import Jobs
from ticketing.working.purposes import PhotoPurpose
from ticketing.working.signatures import clean_signature

router = APIRouter(prefix="/api/v1", tags=["charges"])

STATUS: dict[type[DomainError], int] = {
    errors.PriceListNotFound: 404,
    errors.WarrantyNotFound: 404,
    errors.QuotationNotFound: 404,
    errors.QuotationLinkRefused: 404,
    errors.PriceListTooLate: 409,
    errors.QuotationDecided: 409,
    errors.QuotationExpired: 409,
    errors.NobodyToAsk: 409,
    errors.NothingQuoted: 409,
    errors.NotAnswered: 409,
    errors.PriceListInvalid: 422,
    errors.WarrantyBackwards: 422,
    errors.ItemUnknown: 422,
    errors.ItemIncomplete: 422,
    errors.QuotationTooMuch: 422,
}


PayersOf = Annotated[Paying, Depends(service(Paying))]
Prices = Annotated[PriceLists, Depends(service(PriceLists))]
Quotes = Annotated[Quotations, Depends(service(Quotations))]
Bills = Annotated[Charges, Depends(service(Charges))]
Links = Annotated[QuotationLinks, Depends(service(QuotationLinks))]
Doing = Annotated[Jobs, Depends(service(Jobs))]
Photos = Annotated[Attaching, Depends(service(Attaching))]
Words = Annotated[Texts, Depends(service(Texts))]


# --- who pays ------------------------------------------------------------------------------------------------------


@router.put("/work-orders/{work_order_id}/payer", response_model=PayerOut)
async def set_payer(
    work_order_id: UUID, body: PayerIn, session: Session, paying: PayersOf, quotes: Quotes, texts: Words,
    caller: Handler, language: RequestLanguage,
) -> PayerOut:  # fmt: skip
    """What was found on site decides anew who pays. A manager may say it against the rules, with a reason."""
    order = await paying.tell(
        session, caller.scope(*HANDLING), work_order_id, actor=Actor.of(caller), known=body.known(), said=body.payer,
        why=body.reason,
    )  # fmt: skip
    await quotes.follow_payer(session, order)
    return PayerOut.of(order, texts, language)


@router.get("/warranties", response_model=Page[WarrantyOut])
async def list_warranties(
    session: Session, paying: PayersOf, caller: Reader, paging: Paging,
    site_id: Annotated[UUID | None, Query()] = None,
) -> Page[WarrantyOut]:  # fmt: skip
    """What is warranted for at the caller's sites, soonest to end first."""
    found, total = await paying.find_warranties(
        session, caller.scope(*STAFF), site_id=site_id, limit=paging.limit, offset=paging.offset
    )
    items = [WarrantyOut.model_validate(one) for one in found]
    return Page(items=items, total=total, limit=paging.limit, offset=paging.offset)


@router.post("/warranties", response_model=WarrantyOut, status_code=201)
async def add_warranty(body: WarrantyIn, session: Session, paying: PayersOf, caller: Manager) -> object:
    """Enters what somebody warrants for. Orders that are open keep what their owner was told."""
    new = NewWarranty(**body.model_dump())
    return await paying.add_warranty(session, caller.scope(Role.MANAGER), new, by=caller.person_id)


@router.post("/warranties/statutory", response_model=list[WarrantyOut], status_code=201)
async def add_statutory_warranties(
    body: StatutoryIn, session: Session, paying: PayersOf, caller: Manager
) -> object:  # fmt: skip
    """Enters the terms of the law for a building or a site that was accepted on a day."""
    return await paying.add_statutory(
        session, caller.scope(Role.MANAGER), **body.model_dump(), by=caller.person_id
    )  # fmt: skip


@router.delete("/warranties/{warranty_id}", status_code=204)
async def end_warranty(warranty_id: UUID, session: Session, paying: PayersOf, caller: Manager) -> None:
    """It was entered by mistake, or given up."""
    await paying.end_warranty(session, caller.scope(Role.MANAGER), warranty_id)


# --- prices --------------------------------------------------------------------------------------------------------


@router.get("/price-lists", response_model=list[PriceListOut])
async def list_price_lists(
    session: Session, prices: Prices, caller: Reader, site_id: Annotated[UUID, Query()]
) -> list[PriceListOut]:
    """Every version for a site, its own and the company's, newest first."""
    return [PriceListOut.of(row) for row in await prices.versions(session, caller.scope(*STAFF), site_id)]


@router.get("/price-lists/current", response_model=PriceListOut)
async def current_price_list(
    session: Session, prices: Prices, caller: Caller, site_id: Annotated[UUID, Query()]
) -> PriceListOut:
    """What is published for a site today (收费公示), for owners as well."""
    scope = caller.scope(*Role)
    return PriceListOut.of(await prices.current(session, scope, site_id))


@router.post("/price-lists", response_model=PriceListOut, status_code=201)
async def publish_price_list(body: PriceListIn, session: Session, prices: Prices, caller: Manager) -> PriceListOut:
    """Publishes the next version. The company's is published by whoever manages every site."""
    scope = caller.scope(Role.MANAGER)
    if body.site_id is None and scope.site_ids is not None:
        raise NotAllowed(needs=Role.MANAGER.value)
    row = await prices.publish(
        session, scope, site_id=body.site_id, effective_from=body.effective_from,
        items=[one.model_dump() for one in body.items], by=caller.person_id,
    )  # fmt: skip
    return PriceListOut.of(row)


# --- quotations ----------------------------------------------------------------------------------------------------


@router.post("/work-orders/{work_order_id}/quotations", response_model=QuotationOut, status_code=201)
async def quote_work_order(
    work_order_id: UUID, body: QuotationIn, session: Session, quotes: Quotes, caller: Handler,
    language: RequestLanguage,
) -> QuotationOut:  # fmt: skip
    """Quotes. Above published prices or the site's threshold the owner is asked, and the order waits for the answer."""
    row = await quotes.quote(
        session, caller.scope(*HANDLING), work_order_id, actor=Actor.of(caller),
        items=[one.wanted() for one in body.items], note=body.note,
    )  # fmt: skip
    return await _shown(session, quotes, row.id, language)


@router.get("/work-orders/{work_order_id}/quotations", response_model=list[QuotationOut])
async def list_quotations(
    work_order_id: UUID, session: Session, quotes: Quotes, caller: Reader, language: RequestLanguage
) -> list[QuotationOut]:
    """The quotations of an order, newest first."""
    rows = await quotes.of_order(session, caller.scope(*STAFF), work_order_id)
    return [await _shown(session, quotes, row.id, language) for row in rows]


@router.post("/work-orders/{work_order_id}/quotations/{quotation_id}/signature", response_model=QuotationOut)
async def sign_quotation(
    work_order_id: UUID, quotation_id: UUID, file: UploadFile, session: Session, quotes: Quotes, doing: Doing,
    photos: Photos, caller: Handler, language: RequestLanguage,
) -> QuotationOut:  # fmt: skip
    """The owner says yes at the door: a PNG of their strokes, kept with the order."""
    scope = caller.scope(*HANDLING)
    await doing.on_the_job(session, scope, work_order_id, Actor.of(caller))
    await quotes.of_order_named(session, scope, work_order_id, quotation_id)
    raw = await file.read(MAX_BYTES + 1)
    kept = await photos.attach(
        session, scope, work_order_id, raw=raw, added_by=caller.person_id, purpose=PhotoPurpose.SIGNATURE,
        clean=clean_signature,
    )  # fmt: skip
    await session.flush()
    answer = Answer(is_approved=True, how=DecidedHow.SIGNATURE, signature_id=kept.id)
    await quotes.answer(session, quotation_id, answer)
    return await _shown(session, quotes, quotation_id, language)


@router.get("/quotations/by-link/{token}", response_model=QuotationOut)
async def get_quotation_by_link(
    token: str, session: Session, quotes: Quotes, links: Links, response: Response, language: RequestLanguage
) -> QuotationOut:
    """The quotation that a link in a message is about. No log-in: the link is signed."""
    response.headers["Cache-Control"] = "no-store"
    return await _shown(session, quotes, _opened(links, token), language)


@router.post("/quotations/by-link/{token}/answer", response_model=QuotationOut)
async def answer_quotation_by_link(
    token: str, body: QuotationAnswerIn, session: Session, quotes: Quotes, links: Links, language: RequestLanguage
) -> QuotationOut:
    """The owner says yes or no by the link."""
    quotation_id = _opened(links, token)
    answer = Answer(is_approved=body.approve, how=DecidedHow.LINK, why=body.reason)
    await quotes.answer(session, quotation_id, answer)
    return await _shown(session, quotes, quotation_id, language)


@router.get("/my/quotations", response_model=list[QuotationOut])
async def list_my_quotations(
    session: Session, quotes: Quotes, caller: Caller, language: RequestLanguage
) -> list[QuotationOut]:
    """What the caller was asked or shown, newest first."""
    rows = await quotes.of_person(session, caller.person_id)
    return [await _shown(session, quotes, row.id, language) for row in rows]


@router.post("/my/quotations/{quotation_id}/answer", response_model=QuotationOut)
async def answer_my_quotation(
    quotation_id: UUID,
    body: QuotationAnswerIn,
    session: Session,
    quotes: Quotes,
    caller: Caller,
    language: RequestLanguage,
) -> QuotationOut:
    """The caller says yes or no to a quotation of theirs."""
    await quotes.for_payer(session, quotation_id, person_id=caller.person_id)
    answer = Answer(is_approved=body.approve, how=DecidedHow.ACCOUNT, by=caller.person_id, why=body.reason)
    await quotes.answer(session, quotation_id, answer)
    return await _shown(session, quotes, quotation_id, language)


# --- charges -------------------------------------------------------------------------------------------------------


@router.get("/charges", response_model=Page[ChargeOut])
async def list_charges(
    session: Session, bills: Bills, caller: DeskClerk, paging: Paging,
    site_id: Annotated[UUID | None, Query()] = None, state: Annotated[ChargeState | None, Query()] = None,
    work_order_id: Annotated[UUID | None, Query()] = None,
) -> Page[ChargeOut]:  # fmt: skip
    """What is to be billed, newest first."""
    wanted = ChargeFilter(site_id=site_id, state=state, work_order_id=work_order_id)
    found, total = await bills.find(
        session, caller.scope(*AT_THE_DESK), wanted, limit=paging.limit, offset=paging.offset
    )  # fmt: skip
    items = [ChargeOut.of(row, number) for row, number in found]
    return Page(items=items, total=total, limit=paging.limit, offset=paging.offset)


async def _shown(session: Session, quotes: Quotations, quotation_id: UUID, language: RequestLanguage) -> QuotationOut:
    row, order = await quotes.for_payer(session, quotation_id)
    return QuotationOut.of(row, order, language)


def _opened(links: QuotationLinks, token: str) -> UUID:
    try:
        return links.subject_of(token)
    except BadLink:
        raise QuotationLinkRefused from None
