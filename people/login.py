"""Logging in and out, and who is behind a token."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from prometheus_client import CollectorRegistry, Counter
from sqlalchemy.ext.asyncio import AsyncSession

from audit import recording as audit
from kit.access import Grant, NotAuthenticated, Principal, Role
from kit.clock import Clock
from people import login_repository as repository
from people.errors import LoginRefused, NoAccount, WeakPassword
from people.models import Account, Person
from people.passwords import MAX_LENGTH, MIN_LENGTH, Passwords
from people.repository import account_of
from people.settings import LoginSettings
from people.throttle import LoginThrottle
from people.tokens import BadToken, Claims, TokenUse, read, sign


@dataclass(frozen=True)
class Token:
    """`expires_in_s` seconds from when it was made."""

    text: str
    expires_in_s: int


class Logins:
    """Implements `kit.access.Authenticator`. `secret` signs the tokens: whoever has it is everybody."""

    def __init__(
        self,
        *,
        secret: str,
        passwords: Passwords,
        throttle: LoginThrottle,
        clock: Clock,
        settings: LoginSettings,
        registry: CollectorRegistry,
    ) -> None:
        self._secret = secret
        self._passwords = passwords
        self._throttle = throttle
        self._clock = clock
        self._settings = settings
        self._counter = Counter("hub_logins", "Logins, granted and refused.", ["outcome"], registry=registry)

    async def log_in(self, session: AsyncSession, *, username: str, password: str, address: str) -> Token:
        """A token for the right password. Raises LoginRefused, TooManyFailures."""
        username = username.strip().lower()
        await self._throttle.check(session, username=username, address=address)
        account = await repository.account_by_name(session, username)
        matches = await self._passwords.verify(password[: MAX_LENGTH + 1], account.password_hash if account else None)
        if account is None or not matches:
            self._counter.labels("refused").inc()
            await self._throttle.failed(
                username=username, address=address, person_id=account.person_id if account else None
            )
            raise LoginRefused
        await self._throttle.succeeded(session, username=username, address=address)
        now = self._clock.now()
        account.last_login_at = now
        audit.record(
            session, at=now, action="people.logged_in", kind="person", about=account.person_id,
            actor_id=account.person_id,
        )  # fmt: skip
        self._counter.labels("granted").inc()
        return self._token(account, TokenUse.ACCESS, timedelta(hours=self._settings.token_hours))

    async def authenticate(self, session: AsyncSession, token: str) -> Principal:
        """The caller behind an access token. Raises NotAuthenticated."""
        account, person = await self._holder(session, token, TokenUse.ACCESS)
        return await self._principal(session, account, person)

    async def authenticate_stream(self, session: AsyncSession, token: str) -> Principal:
        """The caller behind a stream token. Raises NotAuthenticated."""
        account, person = await self._holder(session, token, TokenUse.STREAM)
        return await self._principal(session, account, person)

    async def stream_token(self, session: AsyncSession, person_id: UUID) -> Token:
        """A short-lived token for an address that can carry no header (server-sent events)."""
        account = await self._account(session, person_id)
        return self._token(account, TokenUse.STREAM, timedelta(seconds=self._settings.stream_token_s))

    async def log_out(self, session: AsyncSession, person_id: UUID) -> None:
        """Revokes every token the person holds, on every machine."""
        account = await self._account(session, person_id)
        account.token_epoch += 1

    async def change_password(
        self, session: AsyncSession, person_id: UUID, *, old: str, new: str, address: str
    ) -> None:
        """Sets a new password for who knows the old one, and revokes every token. Raises LoginRefused, WeakPassword."""
        account = await self._account(session, person_id)
        await self._throttle.check(session, username=account.username, address=address)
        check_password(new)
        if not await self._passwords.verify(old[: MAX_LENGTH + 1], account.password_hash):
            await self._throttle.failed(username=account.username, address=address, person_id=person_id)
            raise LoginRefused
        account.password_hash = await self._passwords.hash(new)
        account.token_epoch += 1

    def _token(self, account: Account, use: TokenUse, lifetime: timedelta) -> Token:
        claims = Claims(account.id, account.token_epoch, use)
        text = sign(claims, secret=self._secret, now=self._clock.now(), lifetime=lifetime)
        return Token(text, int(lifetime.total_seconds()))

    async def _holder(self, session: AsyncSession, token: str, use: TokenUse) -> tuple[Account, Person]:
        try:
            claims = read(token, secret=self._secret, now=self._clock.now())
        except BadToken:
            raise NotAuthenticated from None
        found = await repository.account(session, claims.account_id)
        if found is None or claims.use is not use or found[0].token_epoch != claims.epoch:
            raise NotAuthenticated
        return found

    async def _principal(self, session: AsyncSession, account: Account, person: Person) -> Principal:
        rows = await repository.grants(session, account.person_id)
        return Principal(person.id, person.name, frozenset(Grant(Role(row.role), row.site_id) for row in rows))

    async def _account(self, session: AsyncSession, person_id: UUID) -> Account:
        account = await account_of(session, person_id)
        if account is None:
            raise NoAccount(person_id)
        return account


def check_password(password: str) -> None:
    """Raises WeakPassword for one that is too short, too long, or one character again and again."""
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH or len(set(password)) < 4:
        raise WeakPassword(MIN_LENGTH)
