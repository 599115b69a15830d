"""Ports: finding a free one, and saying clearly which one is taken."""

import socket


class PortTaken(RuntimeError):
    """Another program listens where a server of ours should."""

    def __init__(self, host: str, port: int, *, setting: str) -> None:
        super().__init__(f"port {port} on {host} is in use by another program: stop it or set {setting} to a free port")
        self.host = host
        self.port = port
        self.setting = setting


def free_port(host: str = "127.0.0.1") -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


def require_free(host: str, port: int, *, setting: str) -> None:
    """Raises PortTaken, naming the setting that moves our server elsewhere."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            raise PortTaken(host, port, setting=setting) from None
