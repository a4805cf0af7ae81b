"""The composition root: settings → adapters → services. Nothing else builds an adapter.

Each adapter that holds something is closed again, in the opposite order.
"""

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Any, Literal

import nats.errors
import redis.asyncio
from nats.aio.client import Client as NatsConnection
from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.uri_parser import parse_uri

from dependencies.documents import Documents
from dependencies.reading import ReadingServices
from dependencies.services import Keyring
from domain.ports.shelf import Shelf
from domain.slices import SLICES
from integrations import tabular
from integrations.cache import SessionGate
from integrations.consistency import Consistency
from integrations.event_store import COMMITTED_SUBJECT, open_event_store
from integrations.imaging_pool import ImagingPool
from integrations.mail import SmtpMailer
from integrations.messaging.connection import Connection, connect
from integrations.object_store import open_object_store
from integrations.payments.razorpay import RazorpayGateway
from integrations.pictures import PictureFetcher
from integrations.proposals import MongoProposals, MongoSweeps
from integrations.rate_limit import SlidingRateLimiter
from integrations.read_models import MongoReadModels
from integrations.security import BcryptHasher, JwtTokens
from integrations.setbacks import MongoSetbacks
from integrations.shelf import NoShelf, ValkeyShelf
from projections import PROJECTIONS
from settings import Settings, SettingsError

ProcessRole = Literal["api", "worker", "cli"]
Probe = Callable[[], Awaitable[None]]

MONGODB_TIMEOUT_MS = 8_000
"""For one operation with all its retries: longer than an election, shorter than a client's patience."""
DEFAULT_DATABASE = "jewelry_store"
assert SLICES, "every event is registered before history is read"


@asynccontextmanager
async def open_services(settings: Settings, *, role: ProcessRole) -> AsyncIterator[ReadingServices]:
    """Connect to everything, and close it again. Raises what the drivers raise when a server is missing."""
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(_mongodb_client(settings, role))
        database = client[database_name(settings)]
        broker = await connect(settings.nats_url, name=f"kundan-{role}")
        stack.push_async_callback(broker.close)
        store, keys = await stack.enter_async_context(
            open_event_store(
                client,
                database=database.name,
                master_key=bytes.fromhex(settings.master_key.get_secret_value()),
                inserted=_waking(broker),
            )
        )
        read_models = MongoReadModels(database)
        consistency = Consistency(
            broker, commits=store, checkpoint=_checkpoint(read_models), stream=settings.nats_stream
        )
        await consistency.start()
        stack.push_async_callback(consistency.close)
        hasher = BcryptHasher()
        stack.callback(hasher.close)
        limiter = SlidingRateLimiter(settings.redis_url)
        stack.push_async_callback(limiter.close)
        shelf = _shelf(settings, stack)
        gateway, objects = _gateway(settings), open_object_store(settings)
        stack.push_async_callback(gateway.close)
        stack.push_async_callback(objects.close)
        images = ImagingPool(processes=settings.imaging_processes, models_dir=settings.models_dir)
        stack.push_async_callback(images.close)
        pictures = _pictures(settings)
        stack.push_async_callback(pictures.close)
        mailer = _mailer(settings)
        stack.push_async_callback(mailer.close)
        yield ReadingServices(
            settings=settings,
            store=store,
            keys=keys,
            read_models=database,
            gateway=gateway,
            objects=objects,
            mailer=mailer,
            limiter=limiter,
            setbacks=MongoSetbacks(database),
            proposals=MongoProposals(database),
            sweeps=MongoSweeps(database),
            shelf=shelf,
            documents=Documents(database),
            hasher=hasher,
            images=images,
            pictures=pictures,
            tables=tabular,
            consistency=consistency,
            tokens=_tokens(settings),
            sessions=SessionGate(store),
            keyring=Keyring.of(settings.master_key.get_secret_value()),
            nats=broker,
            probes=_probes(database, broker, settings, stack),
        )


def _shelf(settings: Settings, stack: AsyncExitStack) -> Shelf:
    """Builds whose documents differ do not show one another's answers."""
    if settings.redis_url is None:
        return NoShelf()
    versions = repr([(projection.name, projection.version) for projection in PROJECTIONS])
    build = hashlib.sha256(versions.encode()).hexdigest()[:16]
    shelf = ValkeyShelf(settings.redis_url, of=f"{database_name(settings)}:{build}")
    stack.push_async_callback(shelf.close)
    return shelf


def database_name(settings: Settings) -> str:
    """The name in MONGODB_URL's path."""
    name = parse_uri(settings.mongodb_url, validate=False, warn=False).get("database")
    return str(name or DEFAULT_DATABASE)


def _mongodb_client(settings: Settings, role: ProcessRole) -> AsyncMongoClient[dict[str, Any]]:
    """Majority and journal for every write. A replay may take longer than a request may."""
    return AsyncMongoClient(
        settings.mongodb_url,
        tz_aware=True,
        w="majority",
        journal=True,
        readConcernLevel="majority",
        retryWrites=True,
        retryReads=True,
        timeoutMS=MONGODB_TIMEOUT_MS if role == "api" else None,
        connectTimeoutMS=1_000,
        heartbeatFrequencyMS=500,
        serverSelectionTimeoutMS=MONGODB_TIMEOUT_MS,
        maxPoolSize=50,
        appname=f"kundan-{role}",
    )


def _waking(broker: NatsConnection) -> Callable[[int], Awaitable[None]]:
    """Tell the sequencers that there is work. A lost word costs them one poll of 50 ms."""

    async def wake(_commits: int) -> None:
        try:
            await broker.publish(COMMITTED_SUBJECT, b"")
        except nats.errors.Error:
            return

    return wake


def _checkpoint(read_models: MongoReadModels) -> Callable[[], Awaitable[int]]:
    async def position() -> int:
        return (await read_models.standing()).position

    return position


def _gateway(settings: Settings) -> RazorpayGateway:
    if settings.razorpay_key_id is None or settings.razorpay_key_secret is None:
        raise SettingsError("Settings: RAZORPAY_KEY_ID and RAZORPAY_KEY_SECRET are missing")
    secrets = (settings.razorpay_webhook_secret, settings.razorpay_webhook_secret_previous)
    return RazorpayGateway(
        key_id=settings.razorpay_key_id,
        key_secret=settings.razorpay_key_secret.get_secret_value(),
        base_url=settings.razorpay_base_url,
        webhook_secrets=[s.get_secret_value() for s in secrets if s is not None],
    )


def _mailer(settings: Settings) -> SmtpMailer:
    password = settings.smtp_password
    return SmtpMailer(
        host=settings.smtp_host,
        port=settings.smtp_port,
        sender=settings.smtp_from,
        starttls=settings.smtp_starttls,
        per_second=settings.smtp_per_second,
        username=settings.smtp_username,
        password=password.get_secret_value() if password else None,
    )


def _pictures(settings: Settings) -> PictureFetcher:
    return PictureFetcher(
        user_agent=f"Kundan catalogue pictures (+{settings.public_base_url})",
        max_bytes=settings.max_upload_mb * 1_000_000,
        plain_http=("http",) if settings.fetch_plain_http else (),
        allowed_networks=settings.fetch_allowed_networks,
    )


def _tokens(settings: Settings) -> JwtTokens:
    return JwtTokens(
        secret=settings.jwt_secret_key.get_secret_value(),
        algorithm=settings.jwt_algorithm,
        lifetime=timedelta(minutes=settings.jwt_access_token_expire_minutes),
    )


def _probes(
    database: AsyncDatabase[dict[str, Any]],
    broker: Connection,
    settings: Settings,
    stack: AsyncExitStack,
) -> dict[str, Probe]:
    """Each raises while its server does not answer."""

    async def mongodb() -> None:
        await database.command("ping")

    async def broker_answers() -> None:
        await broker.flush(timeout=1)  # returns early when the connection is lost meanwhile
        if not broker.is_connected:
            raise ConnectionError("NATS is away")

    async def read_models() -> None:
        """Those of an older build are served while they are built anew; one that is not there is not."""
        standing = await MongoReadModels(database).standing()
        missing = [p.name for p in PROJECTIONS if p.name not in standing.versions]
        if standing.position and missing:
            raise ConnectionError(f"not filled yet: {', '.join(missing)}")

    probes: dict[str, Probe] = {
        "mongodb": mongodb,
        "nats": broker_answers,
        "read-models": read_models,
    }
    if settings.redis_url is not None:
        cache = redis.asyncio.from_url(settings.redis_url, socket_timeout=1)
        stack.push_async_callback(cache.aclose)

        async def valkey() -> None:
            await cache.ping()

        probes["valkey"] = valkey
    return probes
