"""How a WeChat user becomes a person of ours: an invitation of a home, or a phone number and a code sent to it."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from catalog.service import CatalogService
from kit.access import Scope
from kit.clock import Clock
from kit.logs import logger
from notify.service import Notice, NotifyChannel, NotifyService, Urgency
from owner_services import repository
from owner_services.errors import HomeNotFound
from owner_services.models import Invitation
from owner_services.settings import OwnerServicesSettings
from people.editing import PeopleEditor
from people.kinds import PersonKind, Relation
from people.service import PeopleService
from people.views import Home, PersonView

log = logger(__name__)

# No 0 O 1 I L: codes are read out over the telephone and copied from paper.
ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
CODE_LENGTH = 8
MOST_FAILURES = 5


class Refusal(StrEnum):
    """Why a binding did not come about. The words are in `locales/`."""

    BAD_CODE = "bad_code"
    BAD_VERIFICATION = "bad_verification"


@dataclass(frozen=True)
class Issued:
    """An invitation as staff pass it on; the code is not kept and cannot be shown again."""

    id: UUID
    space_id: UUID
    code: str
    expires_at: datetime


class Binding:
    def __init__(
        self,
        *,
        people: PeopleService,
        editor: PeopleEditor,
        catalog: CatalogService,
        notify: NotifyService,
        settings: OwnerServicesSettings,
        clock: Clock,
    ) -> None:
        self._people = people
        self._editor = editor
        self._catalog = catalog
        self._notify = notify
        self._settings = settings
        self._clock = clock

    @property
    def phone_code_minutes(self) -> int:
        return self._settings.phone_code_minutes

    async def invite(
        self, session: AsyncSession, scope: Scope, space_id: UUID, *, name: str, relation: Relation, issued_by: UUID
    ) -> Issued:
        """A code, good for one person of that home. Raises HomeNotFound, also for a home outside the scope."""
        home = (await self._catalog.rooms(session, [space_id])).get(space_id)
        if home is None or not scope.allows(home.site_id):
            raise HomeNotFound(space_id)
        code = "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))
        now = self._clock.now()
        row = Invitation(
            site_id=home.site_id,
            space_id=space_id,
            code_digest=digest(code),
            name=name,
            relation=relation,
            issued_by=issued_by,
            created_at=now,
            expires_at=now + timedelta(days=self._settings.invitation_days),
        )
        session.add(row)
        await session.flush()
        return Issued(row.id, space_id, code, row.expires_at)

    async def redeem(self, session: AsyncSession, *, openid: str, code: str) -> list[Home] | Refusal:
        """Binds the sender to the home of the invitation; their homes then."""
        invitation = await repository.redeem(session, code_digest=digest(code.upper()), now=self._clock.now())
        if invitation is None:
            return Refusal.BAD_CODE
        person = await self._people.person_by_openid(session, openid)
        relation = Relation(invitation.relation)
        if person is None:
            person = await self._people.add_resident(
                session, space_id=invitation.space_id, name=invitation.name, relation=relation
            )
        else:
            await self._editor.add_residence(
                session, Scope.everywhere(), person.id, space_id=invitation.space_id, relation=relation
            )
        return await self._bind(session, openid, person)

    async def ask_for_code(self, session: AsyncSession, *, openid: str, phone: str) -> None:
        """Sends a code to the number when it is an owner's; the sender learns nothing of whether it is."""
        person = await self._people.person_by_phone(session, phone)
        owner = person if person is not None and person.kind is PersonKind.OWNER and person.is_active else None
        code = f"{secrets.randbelow(1_000_000):06d}"
        now = self._clock.now()
        await repository.set_phone_code(
            session,
            openid=openid,
            person_id=owner.id if owner else None,
            code_digest=digest(openid + code),
            expires_at=now + timedelta(minutes=self._settings.phone_code_minutes),
        )
        if owner is not None:
            await self._send_code(session, owner, code, key=f"phone_code/{digest(openid)[:16]}/{now.timestamp():.0f}")

    async def verify(self, session: AsyncSession, *, openid: str, code: str) -> list[Home] | Refusal:
        """Binds the sender to the person whose number received this code."""
        row = await repository.lock_phone_code(session, openid)
        if row is None or row.expires_at <= self._clock.now() or row.failures >= MOST_FAILURES:
            return Refusal.BAD_VERIFICATION
        if row.person_id is None or not secrets.compare_digest(row.code_digest, digest(openid + code)):
            row.failures += 1
            return Refusal.BAD_VERIFICATION
        person = await self._people.person(session, Scope.everywhere(), row.person_id)
        await session.delete(row)
        return await self._bind(session, openid, person)

    async def _bind(self, session: AsyncSession, openid: str, person: PersonView) -> list[Home]:
        await self._people.bind_openid(session, openid=openid, person_id=person.id)
        # Who writes to the account follows it.
        await self._people.set_subscribed(session, openid, True)
        log.info("wechat user bound", person_id=str(person.id))
        return await self._people.homes(session, person.id)

    async def _send_code(self, session: AsyncSession, owner: PersonView, code: str, *, key: str) -> None:
        homes = await self._people.homes(session, owner.id)
        if not homes:
            return
        facts = {"code": code, "minutes": str(self._settings.phone_code_minutes)}
        await self._notify.tell(
            session,
            Notice(
                key=key,
                person_id=owner.id,
                template="verification.code",
                facts=facts,
                site_id=homes[0].site_id,
                urgency=Urgency.URGENT,
                channel=NotifyChannel.SMS,
            ),
        )


def digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
