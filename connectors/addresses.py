"""Which addresses webhooks may go to. Pure: the network is asked elsewhere (`connectors.outward`)."""

import ipaddress
from collections.abc import Sequence
from urllib.parse import urlsplit

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

MAX_URL = 1_000
_SCHEMES = ("http", "https")

# Where clouds answer their own machines with credentials: never, whatever networks are allowed.
METADATA = frozenset(
    ipaddress.ip_address(address)
    for address in (
        "169.254.169.254", "169.254.0.23", "169.254.170.2", "100.100.100.200", "168.63.129.16", "192.0.0.192",
        "fd00:ec2::254", "fe80::a9fe:a9fe",
    )
)  # fmt: skip
# IPv6 addresses that lead to the IPv4 address in their last 32 bits.
_NAT64 = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("64:ff9b:1::/48"))


def refusal_of_url(url: str) -> str | None:
    """Why the URL can be none of a webhook; None when it can. What its name leads to is asked when sending."""
    if len(url) > MAX_URL or any(character.isspace() or not character.isprintable() for character in url):
        return "no_url"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "no_url"
    if parts.scheme not in _SCHEMES or not parts.hostname or port == 0 or not parts.hostname.isascii():
        return "no_url"
    if parts.username is not None or parts.password is not None:
        return "with_password"
    return None


def literal_of(host: str) -> Address | None:
    """The address that a host is, if it is one and no name."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def refusal_of(address: Address, allowed: Sequence[Network], *, scheme: str) -> str | None:
    """Why nothing is sent to this address; None when it may be."""
    reached = _reached(address)
    if {address, reached} & METADATA:
        return "metadata"
    if any(one.version == net.version and one in net for one in (address, reached) for net in allowed):
        return None
    if isinstance(reached, ipaddress.IPv6Address) and reached.is_site_local:
        return "private"  # deprecated, and global to Python
    if not reached.is_global or not address.is_global or reached.is_multicast or reached.is_reserved:
        return "private"
    # What crosses the internet is encrypted; inside a network that was allowed by name it need not be.
    return None if scheme == "https" else "not_encrypted"


def _reached(address: Address) -> Address:
    """The IPv4 address that an IPv6 address stands for, where it does."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if any(address in network for network in _NAT64):
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    teredo = address.teredo[1] if address.teredo else None
    return address.ipv4_mapped or address.sixtofour or teredo or address
