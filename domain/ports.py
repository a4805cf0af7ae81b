"""What the application asks of the outside. Each protocol has one contract suite over every adapter.

Only the methods that we call are here; their docstrings are the contract.
"""

import hashlib
from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from domain.import_rules.problems import RowProblem
from domain.import_rules.table import TableLimits, TableReading
from domain.kernel import AggregateRoot, DomainEvent, UnreadableEvent

# --- The event store ---------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class CommandContext:
    """Who asks for what, and why: stamped on the commit."""

    command: str
    """Imperative name: PlaceOrder."""
    actor: str
    """`user-<id>`, `policy-<name>`, `gateway-razorpay`, `system`."""
    correlation: str
    """One id for all that one request sets in motion."""
    causation: str | None = None
    """The id of the event that a policy reacts to."""
    command_id: str | None = None
    """Scoped Idempotency-Key, or `policy:event id`. The same id has one effect, for ever."""
    fingerprint: str | None = None
    """SHA-256 of the request, so that a key that comes back with another body is refused."""


def commit_id_of(command_id: str) -> str:
    """The id of the commit that a command makes: the same command id, the same commit, for ever."""
    return "c-" + hashlib.sha256(command_id.encode()).hexdigest()[:40]


@dataclass(frozen=True, kw_only=True)
class Commit:
    """What one command appended: durable on a majority."""

    id: str
    answer: str | None
    """The stream that the command's response shows."""
    streams: Mapping[str, int]
    """Stream → its version after this commit."""
    repeated: bool = False
    """The command had been carried out before; this is the first commit."""
    position: int | None = None
    """Place of its first event in history; None until it is sequenced."""
    events: int = 0

    @property
    def last_position(self) -> int | None:
        return None if self.position is None else self.position + self.events - 1


@dataclass(frozen=True, kw_only=True)
class RecordedEvent:
    """An event with its place in history, as projections, policies and auditors read it."""

    position: int
    event_id: str
    commit_id: str
    command: str
    actor: str
    correlation: str
    causation: str | None
    at: datetime
    event: DomainEvent

    @property
    def stream(self) -> str:
        return self.event.originator_id

    @property
    def version(self) -> int:
        return self.event.originator_version

    @property
    def type(self) -> str:
        event = self.event
        return event.stored_type if isinstance(event, UnreadableEvent) else type(event).TOPIC


class EventStore(Protocol):
    async def append(
        self, events: Sequence[DomainEvent], context: CommandContext, *, answer: str | None = None
    ) -> Commit:
        """Append the events of one command atomically, over any number of streams.

        Returns when they are durable on a majority. A repeated `command_id` returns the first commit
        with `repeated=True`. Raises ConcurrencyConflict when another commit took a (stream, version),
        KeyReused when the command id came with another fingerprint, TooLarge over 1,000 events or
        1 MB, Unavailable when the outcome cannot be known within the deadline (retrying is safe).
        """

    async def commit_of(self, command_id: str, *, fingerprint: str | None = None) -> Commit | None:
        """The commit that this command id made, if any. Raises KeyReused when it was another request."""

    async def commit(self, commit_id: str) -> Commit | None:
        """A commit by its id, with its position once it is sequenced."""

    async def read_stream(
        self, stream: str, *, after_version: int = 0, up_to_version: int | None = None
    ) -> list[DomainEvent]:
        """The stream's events, oldest first, acknowledged ones included whether sequenced or not.

        Personal fields are in clear, or stand as `erased` when the person's key is destroyed.
        """

    async def load_many(
        self, aggregate_class: type[AggregateRoot], object_ids: Sequence[str]
    ) -> dict[str, Any]:
        """Those of the aggregates that exist, by id, in one question: at most 1,000."""

    async def load(self, aggregate_class: type[AggregateRoot], object_id: str) -> Any:
        """The aggregate as its stream says, or None. Uses a snapshot where the class keeps them."""

    async def read_history(
        self, *, after_position: int, limit: int, up_to_position: int | None = None
    ) -> list[RecordedEvent]:
        """Sequenced events in the order of positions, without holes, at most `limit`.

        One that this build cannot read is there as an UnreadableEvent.
        """

    async def last_position(self) -> int:
        """The position of the last sequenced event; 0 for an empty history."""

    async def decode(self, messages: Sequence[bytes]) -> list[RecordedEvent]:
        """Published messages as events, personal fields in clear where the key exists.

        One that this build cannot read is there as an UnreadableEvent.
        """

    async def history_of(
        self,
        streams: Sequence[str],
        *,
        beside: Sequence[str] = (),
        after_position: int = 0,
        limit: int = 1_000,
    ) -> list[dict[str, Any]]:
        """For auditors: the events of these streams in order, with position, version, type, time,
        actor, data and hashes; personal parts stay sealed.

        A page of `limit`: what follows its last position is asked for with `after_position`. Events that
        wait for a place end the last page. `beside` names streams of which only what the same commits hold
        is told: of a product's stock what one order did to it, not the thousands of others.
        """


class PersonalKeys(Protocol):
    """One data key for each person. Destroying it is how a person is forgotten."""

    async def ensure(self, subjects: Sequence[str]) -> Mapping[str, bytes]:
        """The 32-byte keys, made durable on first use. Raises NotFound for an erased person."""

    async def get(self, subjects: Sequence[str]) -> Mapping[str, bytes]:
        """The keys that still exist."""

    @property
    def forgotten(self) -> int:
        """How many keys this process has seen destroyed. What was decrypted before may not be kept."""

    async def destroy(self, subject: str) -> None:
        """Forget the key for ever, on a majority. Repeating it changes nothing."""


# --- Payments ------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class GatewayOrder:
    gateway_order_id: str
    amount_minor: int
    currency: str
    status: str


class GatewayState(StrEnum):
    """How far a payment has come at its gateway. Adapters refuse what is none of these."""

    CREATED = "created"
    FAILED = "failed"
    AUTHORIZED = "authorized"
    CAPTURED = "captured"
    REFUNDED = "refunded"


class GatewayRefundState(StrEnum):
    PENDING = "pending"
    PROCESSED = "processed"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class GatewayPayment:
    """What the gateway says of one payment, in our own words."""

    gateway_payment_id: str
    gateway_order_id: str
    amount_minor: int
    currency: str
    state: GatewayState
    method: str | None = None
    """card, upi, netbanking, wallet, emi, paylater, bank_transfer, other."""
    error_code: str | None = None
    error_description: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    """The part of the gateway's answer that may be kept: no personal or card data."""


@dataclass(frozen=True, kw_only=True)
class GatewayRefund:
    """What the gateway says of one refund, in our own words."""

    gateway_refund_id: str
    gateway_payment_id: str
    amount_minor: int
    currency: str
    state: GatewayRefundState
    key: str | None = None
    """The key that it was asked for with; None when it was made at the gateway's own desk."""


@dataclass(frozen=True, kw_only=True)
class WebhookEvent:
    event_id: str
    event: str
    payment: GatewayPayment | None
    refund: GatewayRefund | None = None


class PaymentGateway(Protocol):
    """Every method raises Unavailable when the outcome is unknown (time-out, cut, 5xx, nonsense) and
    RuleViolation or Invalid when the gateway definitely refused.
    """

    name: str
    public_key: str
    """The key id that a checkout page may see."""

    async def create_order(
        self, *, receipt: str, amount_minor: int, currency: str, notes: Mapping[str, str]
    ) -> GatewayOrder:
        """Make the gateway's order, or adopt the one made earlier for this receipt."""

    async def order_payments(self, gateway_order_id: str) -> list[GatewayPayment]: ...

    async def payment(self, gateway_payment_id: str) -> GatewayPayment: ...

    async def refund(
        self, *, key: str, gateway_payment_id: str, amount_minor: int, notes: Mapping[str, str]
    ) -> GatewayRefund:
        """Give so much of a captured payment back, or adopt the refund made earlier for this key.

        Safe to repeat, also after an unknown outcome: it looks before it sends. The key has 10 to 40
        characters of `[A-Za-z0-9_-]`. Raises RuleViolation `refund-key-used` when the key's refund is
        for another amount.
        """

    async def refunds(self, gateway_payment_id: str) -> list[GatewayRefund]:
        """Those of one payment, whoever made them: the newest hundred."""

    def checkout_is_genuine(
        self, *, gateway_order_id: str, gateway_payment_id: str, signature: str
    ) -> bool:
        """Constant-time check of the checkout's signature over our own order id. Never raises."""

    def read_webhook(self, *, body: bytes, signature: str, event_id: str) -> WebhookEvent:
        """Check and read a webhook's raw body. Raises Unauthenticated for a bad signature and
        Unreadable for a body that is not the gateway's.
        """


# --- Files, mail, cache --------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class StoredObject:
    key: str
    size: int
    content_type: str
    modified: datetime
    """When it was last written, by the clock of the store."""


@dataclass(frozen=True, kw_only=True)
class DirectUpload:
    """What a browser needs to bring one file past us: a POST of these fields, and the file last."""

    url: str
    fields: Mapping[str, str]
    key: str
    expires_at: datetime


class ObjectStore(Protocol):
    async def put(self, key: str, data: bytes, *, content_type: str) -> None: ...

    async def get(self, key: str, *, max_bytes: int | None = None) -> bytes:
        """Raises NotFound, and TooLarge before anything is read of one that has more bytes."""

    async def delete(self, key: str) -> None:
        """With every version of it. Repeating it changes nothing."""

    async def delete_old(self, key: str, *, before: datetime) -> bool:
        """Delete it unless it was written at `before` or later; whether it is gone by now."""

    async def exists(self, key: str) -> bool: ...

    def list(self, prefix: str, *, after: str = "") -> AsyncGenerator[StoredObject, None]:
        """In the store's own order, from behind the key `after`, which need not exist any more."""

    def signed_url(self, key: str, *, seconds: int = 300) -> str:
        """A URL that anybody may read for so long, and not longer."""

    def presigned_post(
        self, key: str, *, content_type: str, max_bytes: int, seconds: int = 300
    ) -> DirectUpload:
        """Let anybody who has it store this one key, of this type, with one to `max_bytes` bytes.

        The store itself refuses everything else, over HTTP. Nothing of it is true of the bytes but
        their number: look at them before they are believed.
        """


@dataclass(frozen=True, kw_only=True)
class Mail:
    key: str
    """The same key is sent once: event id and template."""
    to: str
    subject: str
    text: str
    html: str | None = None


class Mailer(Protocol):
    async def send(self, mail: Mail) -> None:
        """Hand the mail to the server. Raises Unavailable when it cannot be handed over."""


class Setbacks(Protocol):
    """Items of the worker's rounds with which something went wrong."""

    async def waiting(self, round_name: str, *, now: datetime) -> Mapping[str, int]:
        """Those that are not to be tried again yet, with how often they were; at most 1,000."""

    async def note(self, round_name: str, name: str, *, error: str, now: datetime) -> None:
        """It went wrong once more: it waits longer than the last time, after thirty times for ever."""

    async def settle(self, round_name: str, name: str) -> None:
        """It went right."""


class RateLimiter(Protocol):
    async def hit(self, *, bucket: str, key: str, limit: int, per_seconds: int) -> None:
        """Count one. Raises TooManyRequests with the seconds to wait when over the limit."""


class PasswordHasher(Protocol):
    async def hash(self, password: str) -> str: ...

    async def verify(self, password: str, hashed: str | None) -> bool:
        """False for a wrong password; takes the same time when `hashed` is None."""


class Tables(Protocol):
    """Files of rows. Every method blocks: call it away from the event loop."""

    def read_table(
        self,
        source: bytes,
        *,
        file_name: str = "",
        limits: TableLimits | None = None,
        sheet: str | None = None,
    ) -> TableReading:
        """Raises TableRefused, now or while the rows are read."""

    def errors_csv(
        self,
        names: Sequence[str],
        failures: Iterable[tuple[Sequence[str], Sequence[RowProblem]]],
    ) -> Iterator[bytes]:
        """The rows that failed and what was wrong, safe to open in a spreadsheet."""


class Pictures(Protocol):
    """Pictures behind addresses that strangers wrote: never one of a host that is not public."""

    async def fetch(self, url: str) -> bytes:
        """The bytes, as they came. Raises Invalid `picture-address-refused` for an address that is never
        fetched, NotFound `picture-missing` when its host has none, TooLarge, Unreadable for an answer
        that is of no use, and Unavailable when the host cannot be reached now; with the code
        `picture-failed` when only this answer of it was bad.
        """


class ImageWorker(Protocol):
    """Imaging away from the event loop: bytes and plain dictionaries in and out."""

    async def run(self, function: str, *arguments: Any, **options: Any) -> Any:
        """Call `imaging.pipeline.<function>` in a worker process. Raises the ImageRefused that it raises,
        TooLarge, and ImagingFailed for any other failure of the call.
        """

    def forget(self) -> None:
        """Somebody's pictures were deleted: what is remembered of any is dropped before the next call."""
