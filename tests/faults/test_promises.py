"""Checkers with teeth: a sound shop passes, and each tampering is told by the checker that is there for it.

Without these a fault round that finds nothing would prove nothing.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import httpx
import pytest
from nats.aio.client import Client
from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase

from commands.context import request_command_id
from commands.decisions.cancelling import CancelOrder, cancel_order
from commands.decisions.payments import (
    CreateIntent,
    record_gateway_observation,
    record_gateway_order,
    request_payment,
)
from commands.decisions.placing import OrderItem, PlaceOrder, place_order
from commands.decisions.settlement import settle_order
from commands.unit_of_work import Handler, carry_out
from domain.accounts import Account
from domain.order_events import OrderConfirmed
from domain.payment_events import PaymentConfirmed, Source
from domain.ports.events import CommandContext, RecordedEvent
from domain.sessions import User
from domain.stock import Stock, StockReserved
from domain.values import Role
from integrations.event_store import Ledger, MongoEventStore, SubjectKeys
from integrations.event_store.relay import Relay
from integrations.read_models import MongoReadModels
from projections import PROJECTIONS
from projections.runner import Runner
from tests.faults import promises
from tests.faults.customers import Deed, Journal, staleness
from tests.shop import (
    ADDRESS,
    CUSTOMER_ID,
    HALF_AN_HOUR,
    NECKLACE,
    NOW,
    PRICE,
    PRODUCT_ID,
    new_product,
    seen,
)

CLAIMS_KEY = b"c" * 32
ACTOR = f"user-{CUSTOMER_ID}"
ORDERS = "POST /api/orders"


@dataclass
class Shop:
    database: AsyncDatabase[dict[str, Any]]
    store: MongoEventStore
    ledger: Ledger
    relay: Relay
    nats: Client
    journal: Journal
    gateway: list[dict[str, Any]]

    async def act(self, handler: Handler, *, key: str = "", route: str = ORDERS) -> Any:
        command_id = request_command_id(actor=ACTOR, route=route, key=key) if key else None
        context = CommandContext(
            command="Test", actor=ACTOR, correlation="r", command_id=command_id
        )
        return await carry_out(handler, context, self.store, claims_key=CLAIMS_KEY)

    async def done(self, kind: str, handler: Handler, *, route: str = ORDERS) -> str:
        """Carry it out, and note it as a customer does."""
        key = f"{kind}-{len(self.journal.deeds)}"
        outcome = await self.act(handler, key=key, route=route)
        deed = Deed(kind=kind, actor=ACTOR, route=route, key=key, outcome="done")
        deed.object_id, deed.version = outcome.object_id, outcome.version
        deed.token = f"c{outcome.commit.id}"
        self.journal.deeds.append(deed)
        return str(outcome.object_id)

    async def order(self) -> str:
        return await self.done("order", partial(place_order, BODY, CUSTOMER_ID, HALF_AN_HOUR))

    async def pay(self, order_id: str) -> str:
        asking = partial(request_payment, CreateIntent(order_id=order_id), CUSTOMER_ID, "razorpay")
        payment = await self.done("intent", asking)
        await self.act(partial(record_gateway_order, payment, f"order_{payment}"))
        captured = seen(order=f"order_{payment}", payment=f"pay_{payment}", amount=PRICE.amount)
        await self.done("confirm", partial(record_gateway_observation, captured, Source.CONFIRM))
        await self.act(partial(settle_order, payment))
        self.gateway.append({"receipt": payment, "captured": PRICE.amount})
        return payment

    async def settle(self) -> None:
        """Seal, publish and project all that is pending."""
        while (sealed := await self.ledger.seal()) is not None:
            await self.ledger.finish(sealed.block)
        await self.relay.catch_up()
        read_models = MongoReadModels(self.database)
        await read_models.prepare()
        runner = Runner(PROJECTIONS, read_models=read_models, history=self.store)
        await runner.start()
        await runner.catch_up()

    async def broken(self) -> dict[str, list[str]]:
        """Checker → what it found."""
        history = await promises.whole_history(self.store)
        found = {
            "ledger": await promises.ledger_faults(self.ledger, self.relay),
            "gaps": promises.gaps(history),
            "lost": promises.lost_deeds(self.journal, history),
            "doubled": promises.doubled_deeds(self.journal, history),
            "projections": await promises.projection_faults(self.database, history),
            "letters": await promises.dead_letters(self.database),
            "money": promises.money_faults(history, self.gateway),
            "oversold": promises.oversold(history),
            "cancelled": promises.cancelled_stock_faults(history),
        }
        return {checker: faults for checker, faults in found.items() if faults}


BODY = PlaceOrder(items=[OrderItem(product_id=PRODUCT_ID, quantity=1)], shipping_address=ADDRESS)


@pytest.fixture(scope="module")
async def kept(
    mongo_client: AsyncMongoClient[dict[str, Any]],
) -> AsyncIterator[AsyncDatabase[dict[str, Any]]]:
    """One database for all: to make its collections and indexes takes longer than a test."""
    name = f"test_{secrets.token_hex(8)}"
    yield mongo_client[name]
    await mongo_client.drop_database(name)


@pytest.fixture
async def database(
    kept: AsyncDatabase[dict[str, Any]],
) -> AsyncIterator[AsyncDatabase[dict[str, Any]]]:
    yield kept
    names = set(await kept.list_collection_names()) - {"checkpoints"}
    await asyncio.gather(*(kept[name].delete_many({}) for name in names))
    await kept["checkpoints"].update_many({}, {"$set": {"position": 0}})


@pytest.fixture
async def shop(
    database: AsyncDatabase[dict[str, Any]], nats_connection: Client, stream_name: str
) -> AsyncIterator[Shop]:
    """Three orders: one paid, one cancelled, one open."""
    ledger = Ledger(database, block_commits=4)
    store = MongoEventStore(database, SubjectKeys(database, b"k" * 32), clock=lambda: NOW)
    relay = Relay(nats_connection, ledger, stream=stream_name)
    await ledger.prepare()
    await store.prepare()
    await relay.ensure_stream()
    shop = Shop(database, store, ledger, relay, nats_connection, Journal(), [])
    await shop.done("register", registered)
    await shop.act(on_sale)
    await shop.pay(await shop.order())
    await shop.order()
    user = User(id=CUSTOMER_ID, session_id="1" * 24, roles=frozenset({Role.CUSTOMER}))
    await shop.done("cancel", partial(cancel_order, await shop.order(), CancelOrder(), user))
    await shop.settle()
    yield shop
    await store.close()


async def registered(work: Any) -> Account:
    account = Account.register(
        CUSTOMER_ID,
        email="meera@example.com",
        mobile=None,
        first_name="Meera",
        last_name="",
        password_hash="none",
    )
    return work.add(account)  # type: ignore[no-any-return]


async def on_sale(work: Any) -> Stock:
    work.add(new_product())
    return work.add(Stock.open(PRODUCT_ID, on_hand=NECKLACE.quantity))  # type: ignore[no-any-return]


async def test_a_sound_shop_keeps_every_promise(shop: Shop) -> None:
    assert await shop.broken() == {}
    assert len(await promises.whole_history(shop.store)) > 15


# --- An insider changes what is stored ---------------------------------------------------------------


async def a_changed_event(shop: Shop) -> None:
    await shop.database["commits"].update_one(
        {"events.type": "OrderPlaced"}, {"$set": {"events.0.data.order_number": "KN-0"}}
    )


async def a_lost_commit(shop: Shop) -> None:
    await shop.database["commits"].delete_one({"events.type": "OrderCancelled"})


async def a_lost_end_of_history(shop: Shop) -> None:
    """The last block and its commits are gone, with all that could tell: only the customers know."""
    block = await shop.ledger.last_block()
    assert block is not None
    ids = [entry["commit"] for entry in block["entries"]]
    await shop.database["commits"].delete_many({"_id": {"$in": ids}})
    await shop.database["ledger"].delete_one({"_id": block["_id"]})


async def a_lost_entry(shop: Shop) -> None:
    await shop.database["ledger"].update_one({"_id": 1}, {"$pop": {"entries": 1}})


async def a_lost_block(shop: Shop) -> None:
    await shop.database["ledger"].delete_one({"_id": 2})


async def a_second_place(shop: Shop) -> None:
    first = await shop.database["ledger"].find_one({"_id": 1})
    last = await shop.ledger.last_block()
    assert first is not None
    assert last is not None
    await shop.database["ledger"].drop_index("commit")
    place = {"_id": last["_id"] + 1, "first": last["first"] + last["count"], "prev": last["hash"]}
    await shop.database["ledger"].insert_one(first | place)


async def a_commit_without_a_place(shop: Shop) -> None:
    await shop.order()


async def a_message_published_aside(shop: Shop) -> None:
    await shop.nats.request(f"{shop.relay._stream.lower()}.order.OrderPlaced", b"{}", timeout=5)


async def a_stream_that_is_behind(shop: Shop) -> None:
    await shop.nats.jetstream().delete_stream(shop.relay._stream)
    await shop.relay.ensure_stream()


async def a_forged_message(shop: Shop) -> None:
    await a_stream_that_is_behind(shop)
    subject = f"{shop.relay._stream.lower()}.order.OrderPlaced"
    for _ in range(await shop.store.last_position()):
        await shop.nats.request(subject, b"{}", timeout=5)


async def a_changed_document(shop: Shop) -> None:
    await shop.database["orders"].update_one({}, {"$set": {"status": "delivered"}})


async def a_lost_document(shop: Shop) -> None:
    await shop.database["payments"].delete_one({})


async def a_document_too_many(shop: Shop) -> None:
    await shop.database["orders"].insert_one({"status": "pending"})


async def a_parked_event(shop: Shop) -> None:
    await shop.database["parked"].insert_one({"projection": "orders", "stream": "order-1"})


async def a_dead_letter(shop: Shop) -> None:
    await shop.database["dead_letters"].insert_one({"consumer": "a policy", "stream": "order-1"})


async def an_order_made_twice(shop: Shop) -> None:
    """The command was carried out again under another id."""
    await shop.act(partial(place_order, BODY, CUSTOMER_ID, HALF_AN_HOUR), key="another")
    await shop.settle()


async def an_order_told_under_another_name(shop: Shop) -> None:
    shop.journal.done("order")[0].object_id = shop.journal.done("order")[1].object_id


async def an_acknowledgement_of_nothing(shop: Shop) -> None:
    shop.journal.deeds.append(
        replace(shop.journal.done("order")[0], key="never", object_id="f" * 24)
    )


async def a_version_that_was_told_and_is_not_there(shop: Shop) -> None:
    shop.journal.done("order")[0].version += 10


async def a_token_beyond_history(shop: Shop) -> None:
    shop.journal.done("order")[0].token = "p10000"


async def money_that_the_shop_does_not_know(shop: Shop) -> None:
    shop.gateway[0]["captured"] *= 2


async def money_that_the_gateway_does_not_know(shop: Shop) -> None:
    shop.gateway.clear()


TAMPERINGS: list[tuple[Callable[[Shop], Awaitable[None]], str]] = [
    (a_changed_event, "ledger"),
    (a_lost_commit, "ledger"),
    (a_lost_end_of_history, "lost"),
    (a_lost_entry, "ledger"),
    (a_lost_block, "ledger"),
    (a_second_place, "ledger"),
    (a_commit_without_a_place, "ledger"),
    (a_message_published_aside, "ledger"),
    (a_stream_that_is_behind, "ledger"),
    (a_forged_message, "ledger"),
    (a_changed_document, "projections"),
    (a_lost_document, "projections"),
    (a_document_too_many, "projections"),
    (a_parked_event, "projections"),
    (a_dead_letter, "letters"),
    (an_order_made_twice, "doubled"),
    (an_order_told_under_another_name, "doubled"),
    (an_acknowledgement_of_nothing, "lost"),
    (a_version_that_was_told_and_is_not_there, "lost"),
    (a_token_beyond_history, "lost"),
    (money_that_the_shop_does_not_know, "money"),
    (money_that_the_gateway_does_not_know, "money"),
]


@pytest.mark.parametrize(("tampering", "checker"), TAMPERINGS)
async def test_the_checker_tells_of(
    shop: Shop, tampering: Callable[[Shop], Awaitable[None]], checker: str
) -> None:
    await tampering(shop)
    assert checker in await shop.broken()


# --- What only a broken decision could record --------------------------------------------------------


def the_event(history: Sequence[RecordedEvent], event_class: type) -> RecordedEvent:
    return next(recorded for recorded in history if isinstance(recorded.event, event_class))


async def test_an_order_confirmed_twice_is_told(shop: Shop) -> None:
    history = await promises.whole_history(shop.store)
    twice = [*history, the_event(history, OrderConfirmed)]
    assert any("OrderConfirmed" in fault for fault in promises.doubled_deeds(shop.journal, twice))


async def test_a_paid_order_that_is_not_confirmed_is_told(shop: Shop) -> None:
    history = await promises.whole_history(shop.store)
    without = [r for r in history if not isinstance(r.event, OrderConfirmed)]
    paid = the_event(history, PaymentConfirmed).event.object_id
    [fault] = promises.money_faults(without, shop.gateway)
    assert fault.startswith(f"{paid} is paid")


async def test_more_held_than_there_is_is_told(shop: Shop) -> None:
    history = await promises.whole_history(shop.store)
    reserved = the_event(history, StockReserved)
    too_much = reserved.event.model_copy(update={"quantity": 100})
    [fault] = promises.oversold([*history, replace(reserved, event=too_much)])
    assert "100" in fault or "held of 5" in fault


async def test_a_cancelled_order_that_still_holds_units_is_told(shop: Shop) -> None:
    history = await promises.whole_history(shop.store)
    kept = [r for r in history if r.type != "StockReleased"]
    assert promises.cancelled_stock_faults(kept)


async def test_a_hole_and_a_swap_in_history_are_told(shop: Shop) -> None:
    history = await promises.whole_history(shop.store)
    assert promises.gaps([*history[:5], *history[6:]])
    assert promises.gaps([*history[:5], history[6], history[5], *history[7:]])


@pytest.mark.parametrize(
    ("status", "shown", "is_told"),
    [
        (200, {"version": 2, "status": "cancelled"}, False),
        (200, {"version": 1, "status": "cancelled"}, True),
        (200, {"version": 2, "status": "pending"}, True),
        (404, {}, True),
    ],
)
def test_an_older_state_behind_a_token_is_told(
    status: int, shown: dict[str, Any], is_told: bool
) -> None:
    deed = Deed(kind="cancel", actor=ACTOR, route="", key="", outcome="done", version=2)
    response = httpx.Response(status, json={"data": shown})
    assert (staleness(deed, response) is not None) is is_told
