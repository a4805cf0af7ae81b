"""Who is signed in: remembered for a second, never longer, and never for too many."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.accounts import Account
from domain.errors import Unauthenticated
from domain.ports.events import CommandContext
from domain.sessions import Session
from integrations import cache
from integrations.cache import SessionGate
from integrations.event_store.memory import MemoryEventStore

NOW = datetime.now(UTC)
ACCOUNT, SESSION = "a" * 24, "b" * 24
CONTEXT = CommandContext(command="Test", actor="system", correlation="test")


class CountingStore(MemoryEventStore):
    def __init__(self) -> None:
        super().__init__()
        self.loads = 0

    async def load(self, aggregate_class: Any, object_id: str) -> Any:
        self.loads += 1
        return await super().load(aggregate_class, object_id)


async def signed_in(store: MemoryEventStore, session_id: str = SESSION) -> Session:
    account = await store.load(Account, ACCOUNT)
    events: list[Any] = []
    if account is None:
        account = Account.register(
            ACCOUNT,
            email="m@example.com",
            mobile=None,
            first_name="M",
            last_name="",
            password_hash="h",
        )
        events += account.collect_events()
    session = Session.begin(
        session_id, account_id=ACCOUNT, era=1, token_hash="t", device="", address="",
        now=NOW, idle=timedelta(days=7), longest=timedelta(days=28),
    )  # fmt: skip
    await store.append([*events, *session.collect_events()], CONTEXT)  # type: ignore[list-item]
    return session


async def test_a_second_request_within_a_second_reads_nothing() -> None:
    store = CountingStore()
    await signed_in(store)
    gate = SessionGate(store, fresh_seconds=60)
    user = await gate.user(user_id=ACCOUNT, session_id=SESSION)
    loads = store.loads
    assert await gate.user(user_id=ACCOUNT, session_id=SESSION) == user
    assert store.loads == loads


async def test_an_ended_session_is_refused_once_the_memory_is_old() -> None:
    store = MemoryEventStore()
    session = await signed_in(store)
    gate = SessionGate(store, fresh_seconds=0)
    await gate.user(user_id=ACCOUNT, session_id=SESSION)
    session.end(reason="signed-out")
    await store.append(session.collect_events(), CONTEXT)  # type: ignore[arg-type]
    with pytest.raises(Unauthenticated):
        await gate.user(user_id=ACCOUNT, session_id=SESSION)


async def test_the_process_that_ended_it_forgets_at_once() -> None:
    store = MemoryEventStore()
    session = await signed_in(store)
    gate = SessionGate(store, fresh_seconds=60)
    await gate.user(user_id=ACCOUNT, session_id=SESSION)
    session.end(reason="signed-out")
    await store.append(session.collect_events(), CONTEXT)  # type: ignore[arg-type]
    gate.forget(ACCOUNT)
    with pytest.raises(Unauthenticated):
        await gate.user(user_id=ACCOUNT, session_id=SESSION)


async def test_a_session_of_somebody_else_is_no_session() -> None:
    store = MemoryEventStore()
    await signed_in(store)
    gate = SessionGate(store, fresh_seconds=60)
    await gate.user(user_id=ACCOUNT, session_id=SESSION)
    for user_id, session_id in (("c" * 24, SESSION), (ACCOUNT, "d" * 24)):
        with pytest.raises(Unauthenticated):
            await gate.user(user_id=user_id, session_id=session_id)


async def test_a_session_ends_by_itself_in_the_end() -> None:
    store = MemoryEventStore()
    await signed_in(store)
    gate = SessionGate(store, clock=lambda: NOW + timedelta(days=28))
    with pytest.raises(Unauthenticated):
        await gate.user(user_id=ACCOUNT, session_id=SESSION)


async def test_the_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "MAX_ENTRIES", 2)
    store = MemoryEventStore()
    gate = SessionGate(store, fresh_seconds=60)
    for number in range(4):
        session_id = f"{number:024x}"
        await signed_in(store, session_id)
        await gate.user(user_id=ACCOUNT, session_id=session_id)
    assert len(gate._known) == 2
