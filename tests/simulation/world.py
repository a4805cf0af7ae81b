"""What the simulated processes share: stores, time, chance, and the faults that chance brings.

A process that crashes simply never goes on: no `finally` of it has an effect, as after SIGKILL. One
that is stopped goes on later, with whatever it believed before: an old leader.
"""

import asyncio
import random
from dataclasses import dataclass, field
from typing import Any

from integrations.event_store.mapping import message_body

Document = dict[str, Any]


@dataclass(frozen=True)
class Mechanisms:
    """What may be taken away, so that the simulation can show that it would be missed."""

    block_number_is_unique: bool = True
    commit_once_in_ledger: bool = True
    version_is_unique: bool = True
    expected_last_sequence: bool = True
    finish_last_block: bool = True
    causal_order: bool = True
    position_moves_with_the_documents: bool = True
    history_stops_at_a_hole: bool = True


@dataclass(frozen=True)
class Chances:
    """Of each thing, at each await of a process."""

    crash: float = 0.004
    stop: float = 0.004
    lost_answer: float = 0.02
    lost_request: float = 0.02
    lost_tail: float = 0.15
    """At each of the broker's bad moments, which come about twice a second."""
    deleted_stream: float = 0.1


CALM = Chances(0, 0, 0, 0, 0, 0)


class ViolationError(AssertionError):
    """A promise is broken."""


@dataclass
class Process:
    """A handle that every fake of one process goes through."""

    name: str
    is_dead: bool = False
    stopped_until: float = 0.0
    crashed: asyncio.Event = field(default_factory=asyncio.Event)

    def die(self) -> None:
        self.is_dead = True
        self.crashed.set()


@dataclass
class World:
    dice: random.Random
    on: Mechanisms = field(default_factory=Mechanisms)
    chances: Chances = field(default_factory=Chances)
    commits: dict[int, Document] = field(default_factory=dict)
    """In the order of insertion; the key is MongoDB's own record id."""
    blocks: dict[int, Document] = field(default_factory=dict)
    stream: list[bytes] | None = None
    """JetStream's messages; index + 1 is the sequence. None: there is no stream."""
    faults: int = 0
    violation: str | None = None

    def fails(self, chance: float) -> bool:
        """A roll of the dice; counts the faults that came."""
        came = chance > 0 and self.dice.random() < chance
        self.faults += came
        return came

    async def pause(self, process: Process) -> None:
        """Between any two effects: time passes, and the process may crash or be stopped."""
        await asyncio.sleep(self._latency())
        if self.fails(self.chances.crash):
            process.die()
        if self.fails(self.chances.stop):
            process.stopped_until = asyncio.get_running_loop().time() + self.dice.uniform(0.1, 4)
        now = asyncio.get_running_loop().time()
        await asyncio.sleep(max(0.0, process.stopped_until - now))
        if process.is_dead:
            await asyncio.Event().wait()

    def _latency(self) -> float:
        """Seconds: mostly a millisecond, now and then a hundred."""
        return self.dice.expovariate(1000) if self.dice.random() < 0.9 else self.dice.random() / 10

    def published(self, sequence: int, body: bytes) -> None:
        """JetStream took this: is it the ledger's?"""
        bodies = self.bodies()
        if sequence > len(bodies) or bodies[sequence - 1] != body:
            self.violation = self.violation or f"JetStream took another event at {sequence}"

    def bodies(self) -> list[bytes]:
        """What JetStream should hold in the end."""
        commits = {commit["_id"]: commit for commit in self.commits.values()}
        events = [(commits[name], e) for name in self.sealed() for e in commits[name]["events"]]
        return [message_body(c, e, position) for position, (c, e) in enumerate(events, 1)]

    def sealed(self) -> list[str]:
        """Commit ids in the order of the ledger."""
        return [e["commit"] for block in self.blocks.values() for e in block["entries"]]
