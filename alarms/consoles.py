"""Alarms answered from the MQTT side: by a console in a control room, for the alarms of its own site.

Who answers is said by the topic, which the broker opens to that account only; here it is looked up once more, so that
an account taken back meanwhile answers nothing.
"""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, assert_never
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from alarms.models import Alarm
from alarms.schemas import LONGEST_SHELF_MINUTES
from alarms.service import AlarmService
from device_adapters.mqtt.credentials import CredentialService
from kit.access import Scope
from kit.errors import DomainError
from kit.i18n import Language, Texts

# A JSON longer than this is no answer.
LONGEST_BYTES = 4_096
NOT_UNDERSTOOD, NOT_A_CONSOLE = "answer_not_understood", "console_not_known"


class ConsoleAction(StrEnum):
    ACKNOWLEDGE = "acknowledge"
    SHELVE = "shelve"


class ConsoleAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The JSON on `site/{site}/alarms/answers/{console}`. `operator` is who pressed, as the console knows them.

    `id` is the console's own and comes back with the result. Shelving needs `minutes` and a `note`.
    """

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    alarm_id: UUID
    action: ConsoleAction
    operator: Annotated[str, msgspec.Meta(min_length=1, max_length=60, pattern="^[^\x00]*$")]
    note: Annotated[str, msgspec.Meta(max_length=400, pattern="^[^\x00]*$")] = ""
    minutes: Annotated[int, msgspec.Meta(ge=1, le=LONGEST_SHELF_MINUTES)] | None = None


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
        transaction: Callable[[], AbstractAsyncContextManager[AsyncSession]], texts: Texts,
    ) -> None:  # fmt: skip
        self._alarms = alarms
        self._credentials = credentials
        self._transaction = transaction
        self._texts = texts

    async def answer(self, site: str, console: str, payload: bytes) -> bytes:
        """Does it in a transaction of its own. What is wrong with it is told, never raised; the database's troubles
        are raised."""
        return msgspec.json.encode(await self._result(f"{site}/{console}", payload))

    async def _result(self, console: str, payload: bytes) -> ConsoleResult:
        try:
            said = _read(payload)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return self._refused(None, NOT_UNDERSTOOD)
        try:
            async with self._transaction() as session:
                site_id = await self._credentials.site_of_console(session, console)
                if site_id is None:
                    return self._refused(said.id, NOT_A_CONSOLE)
                alarm = await self._do(session, Scope.of(site_id), said, console)
                return ConsoleResult(said.id, ok=True, state=alarm.state)
        except DomainError as error:
            words = {language.value: self._texts.of_error(error, language) for language in Language}
            return ConsoleResult(said.id, ok=False, code=error.code(), message=words)

    async def _do(self, session: AsyncSession, scope: Scope, said: ConsoleAnswer, console: str) -> Alarm:
        note = f"{said.operator}：{said.note}" if said.note else said.operator
        match said.action:
            case ConsoleAction.ACKNOWLEDGE:
                return await self._alarms.acknowledge(session, scope, said.alarm_id, actor=None, note=note, via=console)
            case ConsoleAction.SHELVE:
                assert said.minutes is not None  # read so
                span = timedelta(minutes=said.minutes)
                return await self._alarms.shelve(
                    session, scope, said.alarm_id, span=span, actor=None, note=note, via=console
                )
            case _:
                assert_never(said.action)

    def _refused(self, answer_id: str | None, code: str) -> ConsoleResult:
        words = {language.value: self._texts.text(f"alarms.console.{code}", language) for language in Language}
        return ConsoleResult(answer_id, ok=False, code=code, message=words)


def _read(payload: bytes) -> ConsoleAnswer:
    """Raises msgspec.DecodeError (its ValidationError too), UnicodeDecodeError."""
    if len(payload) > LONGEST_BYTES:
        raise msgspec.ValidationError("longer than an answer is")
    said = msgspec.json.decode(payload, type=ConsoleAnswer)
    if said.action is ConsoleAction.SHELVE and (said.minutes is None or not said.note.strip()):
        raise msgspec.ValidationError("shelving needs minutes and a note")
    return said
