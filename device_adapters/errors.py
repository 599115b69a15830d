"""Refusals around devices."""

from dataclasses import dataclass
from uuid import UUID

from kit.errors import DomainError


@dataclass(eq=False)
class CredentialNotFound(DomainError):
    credential_id: UUID


@dataclass(eq=False)
class EquipmentHasNoCredential(DomainError):
    equipment: str


@dataclass(eq=False)
class CredentialNameTaken(DomainError):
    name: str


@dataclass(eq=False)
class CredentialNeedsMqtt(DomainError):
    """The equipment does not speak MQTT, or its messages come through somebody else's connection."""

    equipment: str


@dataclass(eq=False)
class NameNotForTopics(DomainError):
    """A name that stands in a topic must not hold characters that mean something there."""

    name: str


@dataclass(eq=False)
class ProfileNotMqtt(DomainError):
    profile: str
