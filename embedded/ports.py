"""Ports on loopback: finding a free one, and saying so when a wanted one is taken."""

import socket

from embedded.errors import PortTakenError

LOOPBACK = "127.0.0.1"


def free_port() -> int:
    """Ask the kernel; it hands out a port of its own range that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def is_free(port: int) -> bool:
    """Port numbers the kernel would refuse us (below 1024 without rights) are not free either."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def require_free(port: int, *, name: str, remedy: str) -> None:
    if not is_free(port):
        raise PortTakenError(f"{name} cannot listen on port {port}: it is taken. {remedy}")
