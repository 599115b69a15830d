"""Where the bus is: one server or all servers of a cluster, and who comes in."""

from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

DEFAULT_PORT = 4222


class BadBusAddress(ValueError):
    """HUB_NATS_URL cannot be read."""

    def __init__(self, problem: str) -> None:
        super().__init__(
            f"HUB_NATS_URL cannot be read ({problem}): write nats://user:password@host:4222, "
            "and the servers of a cluster after one another with commas"
        )


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
            url = urlsplit(part if "://" in part else f"nats://{part}")
            try:
                host, port = url.hostname, url.port or DEFAULT_PORT
            except ValueError as error:
                raise BadBusAddress(str(error)) from None
            if url.scheme not in ("nats", "tls") or not host:
                raise BadBusAddress("a server needs nats:// or tls:// and a host")
            found.append((url.scheme, host, port))
            if user is None and url.username is not None:
                user, password = unquote(url.username), unquote(url.password or "")
        if not found:
            raise BadBusAddress("it names no server")
        return cls(tuple(found), user, password)
