"""One command: load, decide, append; and again on fresh aggregates when others were faster.

    outcome = await carry_out(partial(place_order, command), context, store, claims_key=key)

A handler is a function of the unit of work. It may be called up to five times for one command, so it
must have no effect but on the aggregates that it loads and adds.
"""

import asyncio
import hashlib
import random
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar, cast

from commands.queues import QUEUES, InLineError, Queues
from dependencies.services import Services, utc_now
from domain.claims import Claim, claim_id
from domain.errors import ConcurrencyConflict, NotFound, PreconditionFailed
from domain.kernel import AggregateRoot, DomainEvent
from domain.ports.events import CommandContext, Commit, EventStore
from domain.ports.people import PasswordHasher

A = TypeVar("A", bound=AggregateRoot)

TRIES = 5
FIRST_PAUSE_SECONDS = 0.005


class UnitOfWork:
    """What one try of a command loads and adds, and nothing else."""

    def __init__(
        self,
        store: EventStore,
        *,
        context: CommandContext,
        now: datetime,
        claims_key: bytes,
        turn: frozenset[str] | None = None,
        queues: Queues = QUEUES,
        dear: dict[tuple[str, ...], Any] | None = None,
    ) -> None:
        """`turn`: the streams for which this try has stood in line; None when it takes its chance. `dear`:
        what earlier tries of the command have worked out.
        """
        self.context = context
        self.now = now
        self._store = store
        self._claims_key = claims_key
        self._turn = turn
        self._queues = queues
        self._dear = {} if dear is None else dear
        self._aggregates: dict[str, AggregateRoot] = {}
        self._ids = 0

    def new_id(self) -> str:
        """24 hexadecimal characters. The same command id gives the same ids in the same order."""
        self._ids += 1
        if self.context.command_id is None:
            return f"{int(self.now.timestamp()):08x}{secrets.token_hex(8)}"
        return hashlib.sha256(f"{self.context.command_id}\0{self._ids}".encode()).hexdigest()[:24]

    def claim_id(self, kind: str, value: str) -> str:
        return claim_id(kind, value, self._claims_key)

    async def claim(self, kind: str, value: str, *, owner: str) -> Claim:
        """Take a value for its owner in this commit. Raise Taken when it belongs to another."""
        name = self.claim_id(kind, value)
        claim = await self.find(Claim, name)
        if claim is None:
            return self.add(Claim.take(name, kind=kind, owner=owner))
        claim.take_again(owner)
        return claim

    async def release(self, kind: str, value: str, *, owner: str) -> None:
        """Give a value back in this commit, if its owner has it."""
        claim = await self.find(Claim, self.claim_id(kind, value))
        if claim is not None and claim.owner == owner:
            claim.release()

    async def load(self, cls: type[A], object_id: str) -> A:
        """Raise NotFound when the stream is empty."""
        found = await self.find(cls, object_id)
        if found is None:
            raise NotFound(f"no {cls.CATEGORY} {object_id}")  # type: ignore[attr-defined]
        return found

    async def find(self, cls: type[A], object_id: str) -> A | None:
        """The same aggregate each time within one unit of work, with what was decided so far."""
        stream = cls.stream(object_id)
        if stream not in self._aggregates:
            self._mind_lines(stream)
            found = await self._store.load(cls, object_id)
            if found is None:
                return None
            self._aggregates[stream] = found
        return cast("A", self._aggregates[stream])

    async def find_many(self, cls: type[A], object_ids: Sequence[str]) -> dict[str, A]:
        """Those that exist, by id; later `find`s of the same cost nothing. At most 1,000."""
        missing = [i for i in object_ids if cls.stream(i) not in self._aggregates]
        self._mind_lines(*(cls.stream(i) for i in missing))
        for object_id, found in (await self._store.load_many(cls, missing)).items():
            self._aggregates[cls.stream(object_id)] = found
        known = ((i, self._aggregates.get(cls.stream(i))) for i in object_ids)
        return {object_id: cast("A", one) for object_id, one in known if one is not None}

    async def hashed(self, password: str, hasher: PasswordHasher) -> str:
        """A quarter of a second of processor time: once for a command, however often it is tried."""
        if ("hash", password) not in self._dear:
            self._dear["hash", password] = await hasher.hash(password)
        return str(self._dear["hash", password])

    async def verified(self, password: str, hashed: str | None, hasher: PasswordHasher) -> bool:
        """The same, for a password against a hash."""
        asked = ("verify", password, hashed or "")
        if asked not in self._dear:
            self._dear[asked] = await hasher.verify(password, hashed)
        return bool(self._dear[asked])

    def _mind_lines(self, *streams: str) -> None:
        """Do not push in before those who wait."""
        if self._turn is None and any(self._queues.has_line(stream) for stream in streams):
            raise InLineError(streams)

    @property
    def wanted(self) -> frozenset[str]:
        """The streams that this try would write."""
        return frozenset(e.originator_id for e in self.events)

    def add(self, aggregate: A) -> A:
        """Let a new aggregate's events be part of this commit."""
        self._aggregates[aggregate.id] = aggregate
        return aggregate

    @property
    def events(self) -> list[DomainEvent]:
        """All that was decided, stream by stream, oldest first."""
        return [
            cast("DomainEvent", event)
            for aggregate in self._aggregates.values()
            for event in aggregate.pending_events
        ]


Handler = Callable[[UnitOfWork], Awaitable[AggregateRoot | None]]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a command came to. `commit` is None when it changed nothing: it had been done before."""

    commit: Commit | None
    stream: str | None
    """What the response shows: `order-<id>`."""
    version: int
    """The version of that stream once the command was done; 0 without a stream."""

    @property
    def object_id(self) -> str | None:
        return None if self.stream is None else self.stream.partition("-")[2]

    @property
    def repeated(self) -> bool:
        return self.commit is not None and self.commit.repeated


async def run(
    handler: Handler,
    context: CommandContext,
    store: EventStore,
    *,
    claims_key: bytes,
    clock: Callable[[], datetime] = utc_now,
) -> Commit | None:
    """Carry a command out without HTTP, for policies and operators. None: there was nothing to do."""
    outcome = await carry_out(handler, context, store, claims_key=claims_key, clock=clock)
    return outcome.commit


async def perform(handler: Handler, context: CommandContext, services: Services) -> Commit | None:
    """`run` with what the process has."""
    return await run(
        handler,
        context,
        services.store,
        claims_key=services.keyring.claims,
        clock=services.clock,
    )


async def carry_out(
    handler: Handler,
    context: CommandContext,
    store: EventStore,
    *,
    claims_key: bytes,
    clock: Callable[[], datetime] = utc_now,
    expected_version: int | None = None,
    queues: Queues = QUEUES,
) -> Outcome:
    """Load, decide, append: up to five times when another command was faster. `queues` are the process's.

    Raises what the handler raises, KeyReused for a command id that came with another fingerprint,
    PreconditionFailed when the shown aggregate is not at `expected_version`, ConcurrencyConflict with
    `currentVersion` after the last try, Unavailable when the outcome cannot be known.
    """
    if (first := await _first_outcome(context, store)) is not None:
        return first
    turn: frozenset[str] | None = None
    dear: dict[tuple[str, ...], Any] = {}
    for attempt in range(1, TRIES + 1):
        work = UnitOfWork(
            store,
            context=context,
            now=clock(),
            claims_key=claims_key,
            turn=turn,
            queues=queues,
            dear=dear,
        )
        shown: AggregateRoot | None = None
        try:
            async with queues.turn(turn or ()):
                shown = await handler(work)
                _check_version(shown, expected_version)
                return await _append(work, shown, store)
        except InLineError as line:
            turn = frozenset(line.streams)
            continue
        except ConcurrencyConflict as conflict:
            if attempt == TRIES:
                raise await _with_current_version(conflict, shown, store) from conflict
            turn = work.wanted
        await asyncio.sleep(random.uniform(0, FIRST_PAUSE_SECONDS * 2**attempt))  # noqa: S311  # jitter
    raise ConcurrencyConflict("others changed it each time; read it again and repeat")


async def _first_outcome(context: CommandContext, store: EventStore) -> Outcome | None:
    """What this command came to when it first came. The decision is not asked again: the world has
    moved since, and may refuse what it once granted.
    """
    if context.command_id is None:
        return None
    commit = await store.commit_of(context.command_id, fingerprint=context.fingerprint)
    return None if commit is None else _outcome(commit)


async def _append(work: UnitOfWork, shown: AggregateRoot | None, store: EventStore) -> Outcome:
    events = work.events
    if not events:
        stream, version = (None, 0) if shown is None else (shown.id, shown.version)
        return Outcome(commit=None, stream=stream, version=version)
    answer = None if shown is None else shown.id
    return _outcome(await store.append(events, work.context, answer=answer), shown)


def _outcome(commit: Commit, shown: AggregateRoot | None = None) -> Outcome:
    version = 0 if commit.answer is None else commit.streams.get(commit.answer, 0)
    if not version and shown is not None:  # shown, but not changed by this commit
        version = shown.version
    return Outcome(commit=commit, stream=commit.answer, version=version)


def _check_version(shown: AggregateRoot | None, expected: int | None) -> None:
    if shown is None or expected is None:
        return
    current = shown.version - len(shown.pending_events)
    if current != expected:
        raise PreconditionFailed(
            f"it is at version {current} by now, not {expected}", currentVersion=current
        )


async def _with_current_version(
    conflict: ConcurrencyConflict, shown: AggregateRoot | None, store: EventStore
) -> ConcurrencyConflict:
    if shown is None:
        return conflict
    found = await store.load(type(shown), shown.object_id)
    version = 0 if found is None else found.version
    return ConcurrencyConflict(conflict.detail, currentVersion=version)
