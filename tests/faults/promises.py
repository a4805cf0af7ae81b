"""The promises of the event store, each as a question to what is left after a fault.

Every function answers with what is broken, in words; an empty list is what we want. `test_promises.py`
proves each of them on a shop that was tampered with.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pymongo.asynchronous.database import AsyncDatabase

from domain.order_events import OrderCancelled, OrderConfirmed, OrderPlaced, OrderRevived
from domain.payment_events import ExtraPaymentCaptured, PaymentConfirmed, PaymentRefundNeeded
from domain.ports.events import RecordedEvent
from domain.stock import (
    StockCommitted,
    StockCounted,
    StockDispatched,
    StockOpened,
    StockReceived,
    StockReleased,
    StockReserved,
)
from integrations.event_store import MongoEventStore
from integrations.event_store.ledger import Ledger
from integrations.event_store.relay import Relay
from integrations.event_store.verify import verify
from projections import PROJECTIONS
from projections.memory import fold
from tests.faults.customers import Deed, Journal

PAGE = 5_000
SHOWN = 10
EVENT_OF = {
    "register": "AccountRegistered",
    "order": "OrderPlaced",
    "intent": "PaymentIntentRequested",
    "confirm": "PaymentConfirmed",
    "cancel": "OrderCancelled",
}
"""The event that each deed leaves on its object, exactly once."""


async def whole_history(store: MongoEventStore) -> list[RecordedEvent]:
    history: list[RecordedEvent] = []
    while page := await store.read_history(after_position=len(history), limit=PAGE):
        history += page
    return history


# --- 2, 3, 6 and 7: the ledger is dense and verifies, and JetStream is the ledger -------------------


async def ledger_faults(ledger: Ledger, relay: Relay) -> list[str]:
    findings, head = await verify(ledger, relay=relay)
    faults = [f"{f.check} at position {f.position}: {f.detail}" for f in findings]
    unplaced = await ledger.commits.count_documents({"position": {"$exists": False}})
    if unplaced:
        faults.append(f"{unplaced} commits have no place")
    published = await relay.last_sequence()
    if published != head.position:
        faults.append(f"JetStream stands at {published}, the ledger at {head.position}")
    twice = await ledger.blocks.aggregate(
        [
            {"$unwind": "$entries"},
            {"$group": {"_id": "$entries.commit", "times": {"$sum": 1}}},
            {"$match": {"times": {"$gt": 1}}},
            {"$limit": SHOWN},
        ]
    )
    faults += [f"commit {found['_id']} has {found['times']} places" async for found in twice]
    return faults


def gaps(history: Sequence[RecordedEvent]) -> list[str]:
    """Positions are 1, 2, 3 … and each stream's versions too."""
    faults = [
        f"position {recorded.position} stands where {place} should"
        for place, recorded in enumerate(history, 1)
        if recorded.position != place
    ]
    versions: Counter[str] = Counter()
    for recorded in history:
        versions[recorded.stream] += 1
        if recorded.version != versions[recorded.stream]:
            faults.append(f"{recorded.stream} jumps to version {recorded.version}")
    return faults


# --- 1 and 5: what was acknowledged is there, once -------------------------------------------------


def lost_deeds(journal: Journal, history: Sequence[RecordedEvent]) -> list[str]:
    """Each acknowledged deed has left its event, at least in the version that was told."""
    effects = Counter((recorded.type, recorded.event.object_id) for recorded in history)
    end, versions = len(history), Counter(recorded.stream for recorded in history)
    faults = []
    for deed in journal.deeds:
        if deed.outcome != "done":
            continue
        if not effects[EVENT_OF[deed.kind], deed.object_id or ""]:
            faults.append(f"{deed.kind} of {deed.object_id} was acknowledged and is gone")
        if deed.kind in {"order", "cancel"} and versions[f"order-{deed.object_id}"] < deed.version:
            faults.append(f"version {deed.version} of order {deed.object_id} was acknowledged")
        if (deed.token or "").startswith("p") and int((deed.token or "")[1:]) > end:
            faults.append(f"position {deed.token} was told, history ends at {end}")
    return faults + _lost_commits(journal, {recorded.commit_id for recorded in history})


def _lost_commits(journal: Journal, commits: set[str]) -> list[str]:
    keyed = [*journal.done("order"), *journal.done("cancel")]
    told = {deed.token[1:] for deed in journal.deeds if (deed.token or "").startswith("c")}  # type: ignore[index]
    return [
        *(f"the commit of {d.kind} {d.key} is gone" for d in keyed if d.commit_id not in commits),
        *(f"commit {commit} was told and is gone" for commit in told - commits),
    ]


def doubled_deeds(journal: Journal, history: Sequence[RecordedEvent]) -> list[str]:
    """One key, one effect; one cause, one effect; and no order that nobody asked for."""
    single = {*EVENT_OF.values(), OrderConfirmed.TOPIC}
    effects = Counter((r.type, r.event.object_id) for r in history if r.type in single)
    faults = [f"{n} times {type_} on {key}" for (type_, key), n in effects.items() if n > 1]
    asked = {deed.commit_id: deed for deed in journal.deeds if deed.kind == "order"}
    placed: dict[str, str] = {}
    for recorded in history:
        if not isinstance(recorded.event, OrderPlaced):
            continue
        order = recorded.event.object_id
        if recorded.commit_id not in asked:
            faults.append(f"nobody asked for order {order}")
        elif placed.setdefault(recorded.commit_id, order) != order:
            faults.append(f"one key made orders {placed[recorded.commit_id]} and {order}")
        else:
            faults += _unlike(asked[recorded.commit_id], order)
    return faults


def _unlike(deed: Deed, order: str) -> list[str]:
    if deed.object_id in {None, order}:
        return []
    return [f"key {deed.key} made order {order}, told was {deed.object_id}"]


# --- 4: each read model is the fold of the ledger --------------------------------------------------


async def projection_faults(
    database: AsyncDatabase[dict[str, Any]], history: Sequence[RecordedEvent]
) -> list[str]:
    faults = [f"parked: {found}" async for found in database["parked"].find().limit(SHOWN)]
    for projection in PROJECTIONS:
        folded = fold(projection, history)
        found = {d["_id"]: d async for d in database[projection.name].find()}
        differing = [key for key in folded.keys() | found if folded.get(key) != found.get(key)]
        faults += [
            f"{projection.name}/{key} is {found.get(key)}, not {folded.get(key)}"
            for key in differing[:SHOWN]
        ]
    return faults


async def dead_letters(database: AsyncDatabase[dict[str, Any]]) -> list[str]:
    """A fault of a server is no reason to give an event up."""
    return [f"dead letter: {found}" async for found in database["dead_letters"].find().limit(SHOWN)]


# --- Money and stock ---------------------------------------------------------------------------------


def money_faults(
    history: Iterable[RecordedEvent], gateway: Iterable[Mapping[str, Any]]
) -> list[str]:
    """What the gateway holds for a payment is what our ledger says, and it has confirmed its order.

    `gateway` are the lines of the simulator's own books, in paise.
    """
    ours: Counter[str] = Counter()
    paid: dict[str, str] = {}
    settled = set()
    for recorded in history:
        match recorded.event:
            case PaymentConfirmed() as event:
                ours[event.object_id] += event.amount.amount
                paid[event.object_id] = event.order_id
            case ExtraPaymentCaptured() as event:
                ours[event.object_id] += event.amount.amount
            case OrderConfirmed(payment_id=payment_id):
                settled.add(payment_id)
            case PaymentRefundNeeded() as event:
                settled.add(event.object_id)
            case _:
                continue
    theirs: Counter[str] = Counter()
    for line in gateway:
        theirs[line["receipt"]] += line["captured"]
    faults = [
        f"payment {payment}: {theirs[payment]} paise at the gateway, {ours[payment]} in the ledger"
        for payment in ours.keys() | theirs
        if ours[payment] != theirs[payment]
    ]
    unsettled = ((p, o) for p, o in paid.items() if p not in settled)
    return faults + [f"{p} is paid, order {o} knows nothing of it" for p, o in unsettled]


def oversold(history: Iterable[RecordedEvent]) -> list[str]:
    """Counted from the events by themselves: never more is held than is there."""
    there: dict[str, int | None] = {}
    held: dict[str, Counter[str]] = {}
    faults = []
    for recorded in history:
        product = recorded.event.object_id
        match recorded.event:
            case StockOpened() | StockCounted() | StockReceived() | StockDispatched() as event:
                there[product] = event.on_hand
                if isinstance(event, StockDispatched):
                    held[product].pop(event.order_id, None)
            case StockReserved() as event:
                held.setdefault(product, Counter())[event.order_id] += event.quantity
            case StockReleased() as event:
                held[product][event.order_id] -= event.quantity
            case StockCommitted() as event:
                if not held[product][event.order_id]:
                    faults.append(f"{product}: {event.order_id} is promised what it never held")
            case _:
                continue
        units = held.get(product, Counter()).total()
        on_hand = there[product]
        if on_hand is not None and units > on_hand:
            faults.append(f"{product}: {units} held of {on_hand} at position {recorded.position}")
    return faults


def cancelled_stock_faults(history: Iterable[RecordedEvent]) -> list[str]:
    """A cancelled order holds nothing."""
    holding: Counter[str] = Counter()
    cancelled = set()
    for recorded in history:
        match recorded.event:
            case StockReserved(order_id=order, quantity=quantity):
                holding[order] += quantity
            case StockReleased(order_id=order, quantity=quantity):
                holding[order] -= quantity
            case OrderCancelled() as event:
                cancelled.add(event.object_id)
            case OrderRevived() as event:
                cancelled.discard(event.object_id)
            case _:
                continue
    return [f"cancelled order {o} holds {holding[o]} units" for o in cancelled if holding[o]]
