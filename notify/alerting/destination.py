"""The kinds of destinations and what an address of each may be. Pure."""

import re
from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum
from typing import assert_never
from urllib.parse import urlsplit

from connectors.addresses import Network, literal_of, refusal_of, refusal_of_url


class DestinationKind(StrEnum):
    """Where messages go besides people.

    The address of a robot is its name in the settings, which keep its token: none is in the database.
    """

    DINGTALK = "dingtalk"
    WECOM_ROBOT = "wecom_robot"
    EMAIL = "email"
    WEBHOOK = "webhook"
    MQTT = "mqtt"


_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+")
# One level of the topic below `site/{code}/alerts/`: no wildcard, no further level.
_TOPIC = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")


def refusal_of_address(
    kind: DestinationKind, address: str, *, site_code: str, allowed: Sequence[Network],
    robots: Mapping[str, Collection[str]],
) -> str | None:  # fmt: skip
    """Why a site can send nothing there, as the last part of a text key; None when it can.

    `robots`: by kind, the names in the settings. One named `{site code}/{name}` is that site's alone; for others it is
    as if it were not there. What the name of a URL leads to is asked when sending.
    """
    match kind:
        case DestinationKind.DINGTALK | DestinationKind.WECOM_ROBOT:
            is_ours = address.rpartition("/")[0] in ("", site_code)
            return None if is_ours and address in robots.get(kind.value, ()) else "no_robot"
        case DestinationKind.EMAIL:
            return None if _EMAIL.fullmatch(address) else "no_email"
        case DestinationKind.MQTT:
            return None if _TOPIC.fullmatch(address) else "no_topic"
        case DestinationKind.WEBHOOK:
            return refusal_of_url(address) or _refusal_of_literal(address, allowed)
        case _:
            assert_never(kind)


def _refusal_of_literal(url: str, allowed: Sequence[Network]) -> str | None:
    parts = urlsplit(url)
    address = literal_of(parts.hostname or "")
    return refusal_of(address, allowed, scheme=parts.scheme) if address else None
