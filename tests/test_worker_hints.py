"""What the worker seals, its projections hear from itself: the very messages that JetStream brings later."""

import asyncio
import secrets
from typing import Any

from nats.aio.client import Client
from pymongo.asynchronous.database import AsyncDatabase

from domain.read_models import Message
from integrations.event_store.ledger import Ledger, Sealed
from integrations.event_store.relay import Relay
from integrations.event_store.sequencer import Sequencer
from integrations.event_store.store import MongoEventStore
from integrations.event_store.subject_keys import SubjectKeys
from tests.integrations.event_store.ledgerbook import context, opened
from worker import messages_of


async def test_the_projections_hear_of_a_block_what_jetstream_then_holds(
    database: AsyncDatabase[dict[str, Any]], nats_connection: Client, stream_name: str
) -> None:
    ledger = Ledger(database)
    await ledger.prepare()
    store = MongoEventStore(database, SubjectKeys(database, b"k" * 32))
    await store.prepare()
    relay = Relay(nats_connection, ledger, stream=stream_name)
    await relay.ensure_stream()
    heard: list[Message] = []

    def hear(sealed: Sealed) -> None:
        heard.extend(messages_of(sealed))

    stop = asyncio.Event()
    sequencing = asyncio.create_task(Sequencer(ledger, relay, sealed=hear).run(stop))
    for _ in range(3):
        await store.append(opened(secrets.token_hex(12), lines=2), context())
    async with asyncio.timeout(20):
        while await relay.last_sequence() < 9:  # noqa: ASYNC110 # the relay's progress is the server's
            await asyncio.sleep(0.01)
    stop.set()
    await sequencing
    await store.close()
    assert [m.position for m in heard] == list(range(1, 10))
    assert [m.body for m in heard] == [await relay.message_at(n) for n in range(1, 10)]
