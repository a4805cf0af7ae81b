"""Every query that the product sends while tests run is explained once: none may read a collection whole.

The first query of each shape is sent again as `explain` to the same server. A plan that scans, or sorts in
memory, a collection without a bound fails the test that sent it.
"""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import Any

from pymongo import MongoClient
from pymongo.errors import OperationFailure
from pymongo.monitoring import CommandListener, CommandStartedEvent

ROOT = Path(__file__).parents[1]
NOT_THE_PRODUCT = tuple(f"{ROOT / name}" for name in ("tests", ".venv", "benchmarks", "demo"))
BOUNDED = {
    "checkpoints": "one document a set of read models",
    "consumers": "one document a policy",
    "leases": "one document a lease",
    "parked": "none in a sound shop, and listed a hundred at a time",
    "dead_letters": "none in a sound shop, and listed a thousand at a time",
    "builds": "one document a worker",
    "setbacks": "none in a sound shop, and listed a hundred at a time",
    "sweeps": "one document a folder of files",
    "things": "the tests' own",
    "gems": "the tests' own",
}
"""Collections that may be scanned, and why."""
WHOLE = {
    "verification, which reads every commit anyway, looks for those that have no place": (
        "commits",
        ("_check_outside_the_ledger",),
    ),
    "a stranger's library follows the ledger by a change stream": ("ledger", ("subscribe",)),
}
"""What reads a collection whole because that is its task: collection, functions."""
SENT_ALONG = frozenset(
    {
        "lsid",
        "txnNumber",
        "autocommit",
        "startTransaction",
        "readConcern",
        "writeConcern",
        "maxTimeMS",
        "$db",
        "$clusterTime",
        "$readPreference",
    }
)
FILTERS = {"find": "filter", "count": "query", "distinct": "query", "findAndModify": "query"}
SCANS = frozenset({"COLLSCAN", "SORT"})


class Explained(CommandListener):
    def __init__(self) -> None:
        self.complaints: list[str] = []
        self.seen: set[str] = set()
        self._clients: dict[tuple[str, int | None], MongoClient[dict[str, Any]]] = {}
        self._is_asking = False

    def started(self, event: CommandStartedEvent) -> None:
        if self._is_asking or event.database_name in {"admin", "local", "config"}:
            return
        for query in queries_of(event.command_name, event.command):
            shape = f"{event.command_name} {shape_of(query)}"
            if shape in self.seen or not (functions := functions_of_ours()):
                continue
            collection = str(query[event.command_name])
            if collection in BOUNDED or is_whole(collection, functions):
                continue
            self._explain(event, collection, query, shape)

    def succeeded(self, _: object) -> None:
        """Only what is asked matters."""

    def failed(self, _: object) -> None:
        """As above."""

    def _explain(
        self, event: CommandStartedEvent, collection: str, query: dict[str, Any], shape: str
    ) -> None:
        self._is_asking = True
        try:
            database = self._client(event.connection_id)[event.database_name]
            plan = database.command({"explain": query, "verbosity": "queryPlanner"})
        except OperationFailure:  # a query that the server refuses has its own tests
            return
        finally:
            self._is_asking = False
        stages = set(stages_of(plan))
        if stages == {"EOF"}:  # there is no such collection yet
            return
        self.seen.add(shape)
        if bad := stages & SCANS:
            self.complaints.append(f"{collection}: {sorted(bad)} for {shape}")

    def _client(self, address: tuple[str, int | None]) -> MongoClient[dict[str, Any]]:
        if address not in self._clients:
            self._clients[address] = MongoClient(
                address[0], address[1], directConnection=True, serverSelectionTimeoutMS=2_000
            )
        return self._clients[address]

    def close(self) -> None:
        for client in self._clients.values():
            client.close()


def queries_of(name: str, command: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The command without what belongs to its session; of many updates each."""
    plain = {key: value for key, value in command.items() if key not in SENT_ALONG}
    if name in FILTERS or name == "aggregate":
        yield plain
    elif name in {"update", "delete"}:
        many = f"{name}s"
        for one in command[many]:
            yield {**plain, many: [one]}


def shape_of(value: Any) -> Any:
    """The query with its values left out; a list of alike things is one of them."""
    if isinstance(value, Mapping):
        return {key: shape_of(inner) for key, inner in value.items() if key not in {"u", "update"}}
    if isinstance(value, list | tuple):
        return sorted({str(shape_of(inner)) for inner in value})
    return type(value).__name__ if not isinstance(value, str) or len(value) > 20 else value


def stages_of(plan: Any) -> Iterator[str]:
    """Of the winning plans, wherever they stand in the answer."""
    if isinstance(plan, Mapping):
        for key, inner in plan.items():
            if key == "rejectedPlans":
                continue
            if key == "stage" and isinstance(inner, str):
                yield inner
            yield from stages_of(inner)
    elif isinstance(plan, list):
        for inner in plan:
            yield from stages_of(inner)


def functions_of_ours() -> set[str]:
    """The product's functions that wait for this command; none when a test asks by itself, or a double of
    its own does.
    """
    frame: FrameType | None = sys._getframe(1)
    found: set[str] = set()
    while frame is not None:
        file = frame.f_code.co_filename
        if file != __file__ and file.startswith(NOT_THE_PRODUCT[:1]) and not found:
            return found
        if file.startswith(f"{ROOT}") and not file.startswith(NOT_THE_PRODUCT):
            found.add(frame.f_code.co_name)
        frame = frame.f_back
    return found


def is_whole(collection: str, functions: set[str]) -> bool:
    return any(
        collection == named and functions & set(readers) for named, readers in WHOLE.values()
    )
