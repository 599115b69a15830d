"""Ordinary mistakes of whoever runs a command, as lines to read instead of a trace."""

import tomllib

import nats.errors
import psycopg
import sqlalchemy.exc
from pydantic import ValidationError
from pydantic_settings import SettingsError

from audit.chain import BadHead
from building.declaration import BadDeclaration
from building.profile import BadProfile
from bus.address import BadBusAddress
from bus.errors import BusNotReady
from hub.backup.errors import BackupRefused
from hub.installing import NothingDeclared
from hub.lock import AlreadyRunning
from hub.settings import HubSettings
from hub.settings_list import what_is_wrong
from hub.single_store import SecondStore
from hub.texts import load_texts
from hub.training_words import NoSuchSite
from kit.errors import DomainError
from kit.i18n import Language
from kit.supervision.ports import PortTaken
from kit.supervision.process import ChildFailed
from notify.errors import BadTemplate
from predictive.remaining_life.modes import BadModes

SAID_BY_THEMSELVES = (
    AlreadyRunning, BadBusAddress, BusNotReady, SecondStore, BackupRefused, PortTaken, ChildFailed, NothingDeclared,
    BadDeclaration, BadHead, BadModes, BadProfile, BadTemplate, NoSuchSite,
)  # fmt: skip


def refusal_lines(error: BaseException) -> list[str]:
    """What to show for a mistake; nothing for what is none: a defect deserves its trace."""
    if isinstance(error, BaseExceptionGroup):
        each = [refusal_lines(part) for part in error.exceptions]
        return [line for lines in each for line in lines] if all(each) else []
    if isinstance(error, DomainError):
        return [load_texts().of_error(error, spoken_language())]
    if isinstance(error, ValidationError | SettingsError):
        return what_is_wrong(error)
    if isinstance(error, tomllib.TOMLDecodeError | UnicodeDecodeError):
        return [f"not readable as TOML: {error}"]
    if isinstance(error, psycopg.OperationalError | sqlalchemy.exc.OperationalError):
        return [f"the database does not answer: {_first_line(error)}; see `hub doctor`"]
    if isinstance(error, nats.errors.Error):
        return [f"the bus does not answer: {_first_line(error)}; see `hub doctor`"]
    return [str(error)] if isinstance(error, SAID_BY_THEMSELVES) else []


def spoken_language() -> Language:
    """What HUB_LANGUAGE says; Chinese where the settings cannot be read."""
    try:
        return HubSettings().language
    except (ValidationError, SettingsError):
        return Language.ZH


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
