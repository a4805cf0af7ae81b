"""A model of sequencers, relay and JetStream, small enough to try every interleaving.

Each process walks the steps of `ledger.py` and `relay.py`; between any two steps it may crash, another
may move, a commit may arrive, JetStream may lose its tail. Mechanisms can be switched off one by one:
each must then be missed.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

COMMITS = 3
BLOCK_SIZE = 2
PROCESSES = 2
LOST_TAILS = 1


@dataclass(frozen=True)
class Mechanisms:
    finish_last_block: bool = True
    commit_once_in_ledger: bool = True
    block_number_is_unique: bool = True
    expected_last_sequence: bool = True


class Step(StrEnum):
    READ_LAST = "read last block"
    FINISH = "finish it"
    SCAN = "read pending"
    INSERT = "insert block"
    MARK = "mark commits"
    ASK = "ask JetStream"
    READ_ENTRY = "read the next entry"
    PUBLISH = "publish"


@dataclass(frozen=True)
class Process:
    step: Step = Step.READ_LAST
    length: int = 0
    """Blocks in the ledger when it was read."""
    todo: tuple[int, ...] = ()
    sequence: int = 0
    event: int = -1


@dataclass(frozen=True)
class World:
    commits: str
    """n = not written yet, p = pending, m = marked; a letter for each commit."""
    ledger: tuple[tuple[int, ...], ...] = ()
    jetstream: tuple[int, ...] = ()
    losses: int = LOST_TAILS
    processes: tuple[Process, ...] = (Process(),) * PROCESSES

    def order(self) -> list[int]:
        return [commit for block in self.ledger for commit in block]

    def fault(self) -> str | None:
        order = self.order()
        if len(set(order)) != len(order):
            return "a commit has two positions"
        if list(self.jetstream) != order[: len(self.jetstream)]:
            return "JetStream differs from the ledger"
        return None

    def done(self) -> bool:
        return set(self.commits) == {"m"} and len(self.jetstream) == COMMITS


def _with(world: World, number: int, process: Process, **changes: object) -> World:
    processes = list(world.processes)
    processes[number] = process
    values = {**vars(world), "processes": tuple(processes), **changes}
    return World(**values)


def _marked(commits: str, commit: int) -> str:
    return commits[:commit] + "m" + commits[commit + 1 :] if commits[commit] == "p" else commits


def moves(world: World, on: Mechanisms) -> Iterator[World]:
    """Every world that one step can lead to."""
    for commit, state in enumerate(world.commits):
        if state == "n":
            yield World(
                **{
                    **vars(world),
                    "commits": world.commits[:commit] + "p" + world.commits[commit + 1 :],
                }
            )
    if world.losses and world.jetstream:
        lost = {"jetstream": world.jetstream[:-1], "losses": world.losses - 1}
        yield World(**{**vars(world), **lost})
    for number, process in enumerate(world.processes):
        if process.step is not Step.READ_LAST:
            yield _with(world, number, Process())  # it crashes, and starts again
        yield _step(world, number, process, on)


def _step(world: World, number: int, process: Process, on: Mechanisms) -> World:  # noqa: C901, PLR0911 - a table of steps
    length, todo = process.length, process.todo
    match process.step:
        case Step.READ_LAST:
            blocks = len(world.ledger)
            last = world.ledger[-1] if blocks and on.finish_last_block else ()
            return _with(world, number, Process(Step.FINISH, blocks, last))
        case Step.FINISH | Step.MARK if todo:
            rest = Process(process.step, length, todo[1:])
            return _with(world, number, rest, commits=_marked(world.commits, todo[0]))
        case Step.FINISH:
            return _with(world, number, Process(Step.SCAN, length))
        case Step.SCAN:
            pending = tuple(c for c in range(COMMITS) if world.commits[c] == "p")[:BLOCK_SIZE]
            following = Step.INSERT if pending else Step.ASK
            return _with(world, number, Process(following, length, pending))
        case Step.INSERT:
            taken = on.block_number_is_unique and len(world.ledger) != length
            twice = on.commit_once_in_ledger and set(todo) & set(world.order())
            if taken or twice:
                return _with(world, number, Process())
            after = Process(Step.MARK, length, todo)
            return _with(world, number, after, ledger=(*world.ledger, todo))
        case Step.MARK:
            return _with(world, number, Process(Step.ASK, length))
        case Step.ASK:
            after = Process(Step.READ_ENTRY, length, (), len(world.jetstream))
            return _with(world, number, after)
        case Step.READ_ENTRY:
            order = world.order()
            if process.sequence >= len(order):
                return _with(world, number, Process())
            event = order[process.sequence]
            return _with(world, number, Process(Step.PUBLISH, length, (), process.sequence, event))
        case Step.PUBLISH:
            refused = on.expected_last_sequence and len(world.jetstream) != process.sequence
            grown = world.jetstream if refused else (*world.jetstream, process.event)
            return _with(world, number, Process(Step.ASK, length), jetstream=grown[: COMMITS + 2])


@dataclass(frozen=True)
class Outcome:
    states: int
    fault: str | None
    stuck: int
    """States from which 'everything sealed and published' can no longer be reached."""


def explore(on: Mechanisms) -> Outcome:
    """Try every interleaving, breadth first, until a fault or the end."""
    start = World("n" * COMMITS)
    seen, queue = {start}, deque([start])
    came_from: dict[World, list[World]] = {}
    while queue:
        world = queue.popleft()
        for following in moves(world, on):
            came_from.setdefault(following, []).append(world)
            if following in seen:
                continue
            if (fault := following.fault()) is not None:
                return Outcome(len(seen), fault, 0)
            seen.add(following)
            queue.append(following)
    return Outcome(len(seen), None, len(seen) - _can_finish(seen, came_from))


def _can_finish(seen: set[World], came_from: dict[World, list[World]]) -> int:
    good = {world for world in seen if world.done()}
    queue = deque(good)
    while queue:
        for earlier in came_from.get(queue.popleft(), ()):
            if earlier not in good:
                good.add(earlier)
                queue.append(earlier)
    return len(good)
