"""Ports on loopback: finding a free one, and saying so when a wanted one is taken."""

import atexit
import secrets
import socket
from collections import deque

from embedded.errors import PortTakenError

LOOPBACK = "127.0.0.1"
LOWEST, HIGHEST = 15_000, 32_000
ATTEMPTS = 1_000

_claims: deque[socket.socket] = deque(maxlen=64)
"""UDP sockets with the numbers that this process chose last: no other process chooses them meanwhile.

Nothing of ours listens on UDP, and they go with the process.
"""


def free_port() -> int:
    """One that nobody uses now, below the range from which systems take ports for connections.

    A port from that range (`bind` to 0) may be an outgoing connection's before our server starts.
    """
    for _ in range(ATTEMPTS):
        port = LOWEST + secrets.randbelow(HIGHEST - LOWEST + 1)
        if is_free(port) and _claim(port):
            return port
    raise PortTakenError(f"No free port from {LOWEST} to {HIGHEST}: end some programs.")


@atexit.register
def _give_up_claims() -> None:
    while _claims:
        _claims.popleft().close()


def _claim(port: int) -> bool:
    """Between the look and the server's start another process may look: two suites, two shops."""
    claim = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        claim.bind((LOOPBACK, port))
    except OSError:
        claim.close()
        return False
    if len(_claims) == _claims.maxlen:
        _claims.popleft().close()
    _claims.append(claim)
    return True


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
