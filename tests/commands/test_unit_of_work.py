"""One command: load, decide, append; again when others were faster; once for ever with a command id."""

from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from commands import unit_of_work
from commands.context import command_name, policy_context, request_command_id, request_fingerprint
from commands.unit_of_work import TRIES, UnitOfWork, carry_out, run
from domain.accounts import Account, Profile
from domain.errors import (
    ConcurrencyConflict,
    KeyReused,
    NotFound,
    PreconditionFailed,
    RuleViolation,
    Taken,
    Unavailable,
)
from domain.ports.events import CommandContext, Commit
from integrations.event_store.memory import MemoryEventStore
from tests.fakes import PlainHasher

ACCOUNT = "65f000000000000000000001"
CONTEXT = CommandContext(command="Test", actor="system", correlation="c1")
KEYED = replace(CONTEXT, command_id="command-1", fingerprint="f1")
KEY = b"k" * 32


async def open_account(object_id: str | None, work: UnitOfWork) -> Account:
    return work.add(
        Account.register(
            object_id or work.new_id(),
            email="m@example.com",
            mobile=None,
            first_name="Meera",
            last_name="",
            password_hash="h",
        )
    )


async def rename(name: str, work: UnitOfWork) -> Account:
    account = await work.load(Account, ACCOUNT)
    account.change_profile(Profile(first_name=name))
    return account


async def renamed_elsewhere(name: str, store: MemoryEventStore) -> None:
    """By another process, which knows nothing of the lines in this one."""
    account: Account = await store.load(Account, ACCOUNT)
    account.change_profile(Profile(first_name=name))
    events: list[Any] = list(account.collect_events())
    await store.append(events, CONTEXT)


@pytest.fixture
async def store(monkeypatch: pytest.MonkeyPatch) -> MemoryEventStore:
    monkeypatch.setattr(unit_of_work, "FIRST_PAUSE_SECONDS", 0)
    store = MemoryEventStore()
    await run(partial(open_account, ACCOUNT), CONTEXT, store, claims_key=KEY)
    return store


async def test_what_was_decided_is_appended_and_told(store: MemoryEventStore) -> None:
    outcome = await carry_out(partial(rename, "Mira"), CONTEXT, store, claims_key=KEY)
    assert (outcome.object_id, outcome.version) == (ACCOUNT, 2)
    assert outcome.commit is not None
    assert outcome.commit.streams == {f"account-{ACCOUNT}": 2}


async def test_a_decision_that_changes_nothing_appends_nothing(store: MemoryEventStore) -> None:
    await carry_out(partial(rename, "Mira"), CONTEXT, store, claims_key=KEY)
    outcome = await carry_out(partial(rename, "Mira"), CONTEXT, store, claims_key=KEY)
    assert (outcome.commit, outcome.object_id, outcome.version) == (None, ACCOUNT, 2)


async def test_the_loser_of_a_race_decides_again_on_what_the_winner_left(
    store: MemoryEventStore,
) -> None:
    tries: list[int] = []

    async def rename_late(work: UnitOfWork) -> Account:
        account = await work.load(Account, ACCOUNT)
        tries.append(account.version)
        if len(tries) == 1:
            await run(partial(rename, "Mira"), CONTEXT, store, claims_key=KEY)
        account.change_profile(Profile(first_name="Mara"))
        return account

    outcome = await carry_out(rename_late, CONTEXT, store, claims_key=KEY)
    assert tries == [1, 2]
    assert outcome.version == 3


async def test_who_loses_every_race_is_told_the_current_version(store: MemoryEventStore) -> None:
    tries = 0

    async def unlucky(work: UnitOfWork) -> Account:
        nonlocal tries
        tries += 1
        account = await work.load(Account, ACCOUNT)
        await renamed_elsewhere(f"Mira {tries}", store)
        account.change_profile(Profile(first_name="Mara"))
        return account

    with pytest.raises(ConcurrencyConflict) as conflict:
        await carry_out(unlucky, CONTEXT, store, claims_key=KEY)
    assert tries == TRIES
    assert conflict.value.extra == {"currentVersion": 1 + TRIES}


async def test_a_command_has_one_effect_for_ever(store: MemoryEventStore) -> None:
    handler = partial(open_account, None)
    first = await carry_out(handler, KEYED, store, claims_key=KEY)
    again = await carry_out(handler, KEYED, store, claims_key=KEY)
    assert again.object_id == first.object_id
    assert again.repeated
    assert len(store.commits) == 2


async def test_a_repeated_command_is_answered_even_when_it_would_now_be_refused(
    store: MemoryEventStore,
) -> None:
    async def refuse(_: UnitOfWork) -> Account:
        raise RuleViolation("not any more")

    first = await carry_out(partial(rename, "Mira"), KEYED, store, claims_key=KEY)
    again = await carry_out(refuse, KEYED, store, claims_key=KEY)
    assert (again.object_id, again.version) == (first.object_id, first.version)


async def test_a_command_id_does_not_serve_for_another_request(store: MemoryEventStore) -> None:
    await carry_out(partial(rename, "Mira"), KEYED, store, claims_key=KEY)
    other = replace(KEYED, fingerprint="f2")
    with pytest.raises(KeyReused):
        await carry_out(partial(rename, "Mara"), other, store, claims_key=KEY)


async def test_a_repeat_after_an_unknown_outcome_makes_the_same_ids(
    store: MemoryEventStore,
) -> None:
    made: list[str] = []

    async def note(work: UnitOfWork) -> None:
        made.extend([work.new_id(), work.new_id()])

    for context in (KEYED, KEYED, CONTEXT, CONTEXT):
        await run(note, context, store, claims_key=KEY)
    assert made[:2] == made[2:4]
    assert len(set(made)) == 6
    assert all(len(made_id) == 24 for made_id in made)


async def test_an_unknown_outcome_is_not_tried_again_behind_the_callers_back(
    store: MemoryEventStore,
) -> None:
    class Silent(MemoryEventStore):
        appends = 0

        async def append(self, *_: Any, **__: Any) -> Commit:
            self.appends += 1
            raise Unavailable("nobody knows")

    silent = Silent()
    with pytest.raises(Unavailable):
        await run(partial(open_account, ACCOUNT), CONTEXT, silent, claims_key=KEY)
    assert silent.appends == 1


async def test_an_older_version_is_not_what_the_caller_saw(store: MemoryEventStore) -> None:
    with pytest.raises(PreconditionFailed) as refusal:
        await carry_out(partial(rename, "Mira"), CONTEXT, store, claims_key=KEY, expected_version=7)
    assert refusal.value.extra == {"currentVersion": 1}
    outcome = await carry_out(
        partial(rename, "Mira"), CONTEXT, store, claims_key=KEY, expected_version=1
    )
    assert outcome.version == 2


async def test_a_value_belongs_to_one_owner_until_it_is_released(store: MemoryEventStore) -> None:
    async def take(owner: str, work: UnitOfWork) -> None:
        await work.claim("sku", "RING-1", owner=owner)

    async def give_back(owner: str, work: UnitOfWork) -> None:
        await work.release("sku", "RING-1", owner=owner)

    await run(partial(take, "p1"), CONTEXT, store, claims_key=KEY)
    assert await run(partial(take, "p1"), CONTEXT, store, claims_key=KEY) is None
    with pytest.raises(Taken, match="another product has this SKU"):
        await run(partial(take, "p2"), CONTEXT, store, claims_key=KEY)
    assert await run(partial(give_back, "p2"), CONTEXT, store, claims_key=KEY) is None
    await run(partial(give_back, "p1"), CONTEXT, store, claims_key=KEY)
    assert await run(partial(take, "p2"), CONTEXT, store, claims_key=KEY) is not None


async def test_what_is_not_there_is_not_found(store: MemoryEventStore) -> None:
    async def look(work: UnitOfWork) -> None:
        assert await work.find(Account, "f" * 24) is None
        await work.load(Account, "f" * 24)

    with pytest.raises(NotFound):
        await run(look, CONTEXT, store, claims_key=KEY)


async def test_one_unit_of_work_knows_one_of_each(store: MemoryEventStore) -> None:
    async def look_twice(work: UnitOfWork) -> None:
        assert await work.load(Account, ACCOUNT) is await work.load(Account, ACCOUNT)

    await run(look_twice, CONTEXT, store, claims_key=KEY)


async def test_a_policy_acts_once_on_an_event(store: MemoryEventStore) -> None:
    (recorded,) = await store.history()
    context = policy_context("greets", recorded, command="Greet")
    assert context.command_id == f"greets:{recorded.event_id}"
    assert (context.causation, context.correlation) == (recorded.event_id, "c1")
    await run(partial(rename, "Mira"), context, store, claims_key=KEY)
    again = await run(partial(rename, "Mara"), context, store, claims_key=KEY)
    assert again is not None
    assert again.repeated


def test_a_key_counts_for_one_actor_on_one_route() -> None:
    one = request_command_id(actor="user-1", route="POST /a", key="k")
    assert one == request_command_id(actor="user-1", route="POST /a", key="k")
    assert one != request_command_id(actor="user-2", route="POST /a", key="k")
    assert one != request_command_id(actor="user-1", route="POST /b", key="k")


def test_a_fingerprint_cannot_be_guessed_without_the_key() -> None:
    one = request_fingerprint(KEY, method="POST", path="/a", body=b"password=x")
    assert one != request_fingerprint(b"x" * 32, method="POST", path="/a", body=b"password=x")
    assert one != request_fingerprint(KEY, method="POST", path="/a", body=b"password=y")


def test_a_command_is_called_after_its_handler() -> None:
    assert command_name(partial(partial(open_account, None))) == "OpenAccount"


async def test_a_password_is_hashed_once_however_often_a_command_is_tried(
    store: MemoryEventStore,
) -> None:
    hasher, tries = PlainHasher(), 0
    hashes: list[str] = []
    hash_it = hasher.hash

    async def counted(password: str) -> str:
        hashes.append(password)
        return await hash_it(password)

    hasher.hash = counted  # type: ignore[method-assign]

    async def change(work: UnitOfWork) -> Account:
        nonlocal tries
        tries += 1
        account = await work.load(Account, ACCOUNT)
        if tries == 1:
            await renamed_elsewhere("Mira", store)
        account.change_password(await work.hashed("Gold-77", hasher), kept_session=None)
        return account

    await carry_out(change, CONTEXT, store, claims_key=KEY)
    assert (tries, hashes) == (2, ["Gold-77"])
