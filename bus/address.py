"""Where the bus is: one server or all servers of a cluster, and who comes in."""

from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import unquote, urlsplit

DEFAULT_PORT = 4222


class AddressProblem(StrEnum):
    """Why an address cannot be read. Never with a piece of it, which may be one of the password."""

    NO_SERVER = "it names no server"
    NO_HOST = "a server needs nats:// or tls:// and a host"
    UNREADABLE = "a host or port is unreadable; write / @ : # in a password as %2F %40 %3A %23"


class BadBusAddress(ValueError):
    """HUB_NATS_URL cannot be read."""

    def __init__(self, problem: AddressProblem) -> None:
        super().__init__(
            f"HUB_NATS_URL cannot be read ({problem}): write nats://user:password@host:4222, "
            "and the servers of a cluster after one another with commas"
        )
        self.problem = problem


@dataclass(frozen=True)
class BusAddress:
    """`servers` as `(scheme, host, port)`; one user for all, because a cluster's servers name each other without."""

    servers: tuple[tuple[str, str, int], ...]
    user: str | None
    password: str | None

    @property
    def urls(self) -> list[str]:
        return [f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}" for scheme, host, port in self.servers]

    @classmethod
    def parse(cls, text: str) -> "BusAddress":
        """Of `nats://user:password@a:4222,nats://b:4222,nats://c:4222`. Raises BadBusAddress, which names no secret."""
        found, user, password = [], None, None
        for part in filter(None, (part.strip() for part in text.split(","))):
            try:
                url = urlsplit(part if "://" in part else f"nats://{part}")
                host, port = url.hostname, url.port or DEFAULT_PORT
            except ValueError:
                raise BadBusAddress(AddressProblem.UNREADABLE) from None
            if url.scheme not in ("nats", "tls") or not host:
                raise BadBusAddress(AddressProblem.NO_HOST)
            found.append((url.scheme, host, port))
            if user is None and url.username is not None:
                user, password = unquote(url.username), unquote(url.password or "")
        if not found:
            raise BadBusAddress(AddressProblem.NO_SERVER)
        return cls(tuple(found), user, password)
