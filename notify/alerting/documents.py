"""A policy as data: kept in the database, shipped as TOML; likewise the snapshot that an escalation follows."""

import tomllib
from importlib import resources
from typing import Any

import msgspec

from notify.alerting.policy import Policy, Route


def policy_of(document: dict[str, Any]) -> Policy:
    """Raises msgspec.ValidationError for what is no policy: what the API let in always is one."""
    return msgspec.convert(document, Policy)


def document_of(policy: Policy) -> dict[str, Any]:
    written: dict[str, Any] = msgspec.to_builtins(policy)
    return written


def route_of(snapshot: dict[str, Any]) -> Route:
    return msgspec.convert(snapshot, Route)


def snapshot_of(route: Route) -> dict[str, Any]:
    written: dict[str, Any] = msgspec.to_builtins(route)
    return written


def shipped() -> Policy:
    """What holds where nobody wrote a policy: version 0 of every site."""
    return policy_of(tomllib.loads((resources.files("notify.alerting") / "defaults.toml").read_text("utf-8")))
