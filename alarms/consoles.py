"""Alarms answered from the MQTT side: by a console in a control room, for the alarms of its own site.

Who answers is said by the topic, which the broker opens to that account only; here it is looked up once more, so that
an account taken back meanwhile answers nothing.
"""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, assert_never
from uuid import UUID

import msgspec
import psycopg
from procrastinate.exceptions import ConnectorException
from prometheus_client import CollectorRegistry, Counter
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from sqlalchemy.ext.asyncio import AsyncSession

from alarms.lifecycle import AlarmActionNotPossible
from alarms.models import Alarm
from alarms.schemas import LONGEST_SHELF_MINUTES
from alarms.service import AlarmService
from alarms.transition import TransitionKind
from device_adapters.mqtt.credentials import CredentialService
from kit.access import Scope
from kit.errors import DomainError
from kit.i18n import Language, Texts
from kit.logs import logger

log = logger(__name__)

# A JSON longer than this is no answer.
LONGEST_BYTES = 4_096
NOT_UNDERSTOOD, NOT_A_CONSOLE, NOT_ENTERED = "answer_not_understood", "console_not_known", "answer_not_entered"
# The database is away or overcome: the same answer may be entered later. Whatever else fails would fail for ever.
_AWAY = (psycopg.OperationalError, psycopg.InterfaceError, PoolExhausted, ConnectorException, OSError)
# What asks for an answer again.
_ASKS = (TransitionKind.RAISED, TransitionKind.REALARMED, TransitionKind.ESCALATED, TransitionKind.REAL_FIRE)


class ConsoleAction(StrEnum):
    ACKNOWLEDGE = "acknowledge"
    SHELVE = "shelve"


class ConsoleAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The JSON on `site/{site}/alarms/answers/{console}`. `operator` is who pressed, as the console knows them.

    `id` is the console's own and comes back with the result. Shelving needs `minutes` and a `note`. `episode_onset` is
    that of the message which is answered; without it the answer is to the latest episode.
    """

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    alarm_id: UUID
    action: ConsoleAction
    operator: Annotated[str, msgspec.Meta(min_length=1, max_length=60, pattern="^[^\x00]*$")]
    note: Annotated[str, msgspec.Meta(max_length=400, pattern="^[^\x00]*$")] = ""
    minutes: Annotated[int, msgspec.Meta(ge=1, le=LONGEST_SHELF_MINUTES)] | None = None
    episode_onset: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


class ConsoleResult(msgspec.Struct, frozen=True):
    """The JSON on `site/{site}/alarms/results/{console}`: done, with the state after it, or why not."""

    id: str | None
    ok: bool
    state: str | None = None
    code: str | None = None
    message: dict[str, str] | None = None


class ConsoleDesk:
    """`answer` is what `device_adapters.mqtt.consoles.ConsoleLine` hands on."""

    def __init__(
        self, alarms: AlarmService, credentials: CredentialService,
        transaction: Callable[[], AbstractAsyncContextManager[AsyncSession]], texts: Texts, registry: CollectorRegistry,
    ) -> None:  # fmt: skip
        self._alarms = alarms
        self._credentials = credentials
        self._transaction = transaction
        self._texts = texts
        self._answers = Counter("hub_console_answers", "Answers of consoles to alarms", ["outcome"], registry=registry)

    async def answer(self, site: str, console: str, payload: bytes) -> bytes:
        """Does it in a transaction of its own. What is wrong with it is told, never raised; only that the database is
        away is raised: the same may be tried again."""
        try:
            said = _read(payload)
        except (msgspec.DecodeError, UnicodeDecodeError):
            result = self._refused(None, NOT_UNDERSTOOD)
        else:
            result = await self._entered(f"{site}/{console}", said)
        self._answers.labels("entered" if result.ok else "refused").inc()
        return msgspec.json.encode(result)

    async def _entered(self, console: str, said: ConsoleAnswer) -> ConsoleResult:
        try:
            return await self._result(console, said)
        except AlarmActionNotPossible as error:
            state = await self._state_it_made(console, said)
            return ConsoleResult(said.id, ok=True, state=state) if state is not None else self._told(said, error)
        except DomainError as error:
            return self._told(said, error)
        except Exception as error:
            if _is_away(error):
                raise
            log.exception("a console's answer was given up", console=console)
            return self._refused(said.id, NOT_ENTERED)

    async def _result(self, console: str, said: ConsoleAnswer) -> ConsoleResult:
        async with self._transaction() as session:
            site_id = await self._credentials.site_of_console(session, console)
            if site_id is None:
                return self._refused(said.id, NOT_A_CONSOLE)
            alarm = await self._do(session, Scope.of(site_id), said, console)
            return ConsoleResult(said.id, ok=True, state=alarm.state)

    async def _state_it_made(self, console: str, said: ConsoleAnswer) -> str | None:
        """The broker may hand an answer on twice: what the first made of the alarm; None where it was another's."""
        if said.action is not ConsoleAction.ACKNOWLEDGE:
            return None
        async with self._transaction() as session:
            # Of its own site: it was just found there.
            lines = await self._alarms.history(session, Scope.everywhere(), said.alarm_id)
        done = [line for line in lines if line.kind in (TransitionKind.ACKNOWLEDGED, *_ASKS)][-1:]
        is_its_own = [(line.kind, line.via, line.note) for line in done] == [
            (TransitionKind.ACKNOWLEDGED, console, _note_of(said))
        ]
        return lines[-1].after if is_its_own else None

    async def _do(self, session: AsyncSession, scope: Scope, said: ConsoleAnswer, console: str) -> Alarm:
        note, onset = _note_of(said), said.episode_onset
        match said.action:
            case ConsoleAction.ACKNOWLEDGE:
                return await self._alarms.acknowledge(
                    session, scope, said.alarm_id, actor=None, note=note, via=console, episode_onset_at=onset
                )
            case ConsoleAction.SHELVE:
                assert said.minutes is not None  # read so
                span = timedelta(minutes=said.minutes)
                return await self._alarms.shelve(
                    session, scope, said.alarm_id, span=span, actor=None, note=note, via=console, episode_onset_at=onset
                )
            case _:
                assert_never(said.action)

    def _told(self, said: ConsoleAnswer, error: DomainError) -> ConsoleResult:
        words = {language.value: self._texts.of_error(error, language) for language in Language}
        return ConsoleResult(said.id, ok=False, code=error.code(), message=words)

    def _refused(self, answer_id: str | None, code: str) -> ConsoleResult:
        words = {language.value: self._texts.text(f"alarms.console.{code}", language) for language in Language}
        return ConsoleResult(answer_id, ok=False, code=code, message=words)


def _note_of(said: ConsoleAnswer) -> str:
    return f"{said.operator}：{said.note}" if said.note else said.operator


def _is_away(error: Exception) -> bool:
    cause = error.orig if isinstance(error, DBAPIError) else error
    return isinstance(cause, _AWAY)


def _read(payload: bytes) -> ConsoleAnswer:
    """Raises msgspec.DecodeError (its ValidationError too), UnicodeDecodeError."""
    if len(payload) > LONGEST_BYTES:
        raise msgspec.ValidationError("longer than an answer is")
    said = msgspec.json.decode(payload, type=ConsoleAnswer)
    if said.action is ConsoleAction.SHELVE and (said.minutes is None or not said.note.strip()):
        raise msgspec.ValidationError("shelving needs minutes and a note")
    return said
