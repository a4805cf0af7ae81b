"""What the processes share: adapters behind their ports, keys, the clock."""

import hashlib
import hmac
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Depends, Request
from nats.aio.client import Client as NatsConnection

from dependencies.documents import Document, Documents
from domain.ports.events import Consistency, EventStore, PersonalKeys
from domain.ports.files import ObjectStore, Tables
from domain.ports.gateway import PaymentGateway
from domain.ports.imaging import ImageWorker, Pictures
from domain.ports.people import Mailer, PasswordHasher, RateLimiter, Sessions, Tokens
from domain.ports.rounds import Proposals, Setbacks, Sweeps
from settings import Settings

View = Callable[[Document, "Services"], dict[str, Any]]


@dataclass(frozen=True)
class Keyring:
    """Keys for one purpose each, derived from the master key."""

    claims: bytes
    requests: bytes
    refresh: bytes
    reset: bytes
    links: bytes

    @classmethod
    def of(cls, master_key: str) -> "Keyring":
        """From 64 hexadecimal characters: HMAC-SHA-256 of each purpose's name."""
        master = bytes.fromhex(master_key)
        names = ("claims", "requests", "refresh", "reset", "links")
        return cls(
            *(hmac.new(master, f"kundan {n}".encode(), hashlib.sha256).digest() for n in names)
        )


def utc_now() -> datetime:
    """The wall clock, aware, in whole milliseconds as MongoDB keeps them."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


@dataclass(frozen=True, kw_only=True)
class Services:
    """What commands may use, built by `bootstrap.open_services` alone. Read models are not among it."""

    settings: Settings
    store: EventStore
    keys: PersonalKeys
    gateway: PaymentGateway
    objects: ObjectStore
    mailer: Mailer
    limiter: RateLimiter
    setbacks: Setbacks
    proposals: Proposals
    sweeps: Sweeps
    hasher: PasswordHasher
    images: ImageWorker
    pictures: Pictures
    tables: Tables
    consistency: Consistency
    tokens: Tokens
    sessions: Sessions
    keyring: Keyring
    nats: NatsConnection | None
    """None only in tests that run without a broker."""
    views: Mapping[str, View] = field(default_factory=dict)
    probes: Mapping[str, Callable[[], Awaitable[None]]] = field(default_factory=dict)
    """Name of a server → a call that raises while it does not answer."""
    clock: Callable[[], datetime] = utc_now
    documents: Documents
    """Single documents of the read models, to show what a command came to. Decisions read streams."""


def services_of(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


async def _services(request: Request) -> Services:
    """For endpoints. A dependency calls `services_of`: each one more to solve costs every request."""
    return services_of(request)


AllServices = Annotated[Services, Depends(_services)]
