"""What the simulator's endpoints share, and the checks that keep it on this machine."""

import ipaddress
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from integrations.payments.simulator.books import Books
from integrations.payments.simulator.faults import Faults
from integrations.payments.simulator.webhooks import WebhookSender


@dataclass
class Clock:
    """The machine's clock, and how far a test has moved it ahead."""

    ahead_seconds: int = 0

    def now(self) -> int:
        """Unix seconds."""
        return int(time.time()) + self.ahead_seconds


@dataclass(frozen=True, kw_only=True)
class Desk:
    books: Books
    sender: WebhookSender
    faults: Faults
    clock: Clock
    key_secret: str


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def loopback_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and is_loopback(parts.hostname or "")
