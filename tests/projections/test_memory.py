"""Plain dictionaries take a write exactly as MongoDB takes it, refusals included."""

import copy
import random
from typing import Any

import pytest
from pymongo.asynchronous.database import AsyncDatabase

from domain.read_models import RefusedWriteError, Write
from integrations.transactions import bulk, transact
from projections.compact import compact
from projections.memory import Collection, apply_write, updated

IDS = ["a", "b", "c"]
NAMES = [
    "n",
    "s",
    "list",
    "inner",
    "inner.n",
    "inner.deep.n",
    "list.0",
    "list.1.n",
    "n.x",
    "rows",
    "rows.1",
    "rows.n",
]
VALUES: list[Any] = [1, -2, 2.5, "text", None, True, [], [1, 2], [{"n": 1}, {"n": 2}], {}, {"n": 3}]


def a_write(dice: random.Random) -> Write:
    where = {"_id": dice.choice(IDS)}
    name = dice.choice(NAMES)
    whole = {n: copy.deepcopy(dice.choice(VALUES)) for n in ("n", "list", "inner", "rows")}
    pushed = {"$each": [dice.choice(VALUES)], "$slice": -dice.choice([1, 3])}
    match = {dice.choice(["n", "inner.n", "list", "s"]): dice.choice([1, 2, None])}
    compared = {
        dice.choice(["n", "inner.n", "list", "rows.n"]): {
            dice.choice(["$lt", "$lte", "$gt", "$gte"]): dice.choice([1, 2.5])
        }
    }
    return dice.choice(
        [
            Write("put", where, {**whole, **where}),
            Write("put", where, {**whole, **where}),
            Write("update", where, {"$set": {name: dice.choice(VALUES)}}),
            Write("update", where, {"$set": {name: dice.choice(VALUES)}}),
            Write("update", where, {"$unset": {name: ""}, "$set": {"mark": 1}}),
            Write("update", where, {"$inc": {name: dice.choice([1, 0.5])}}),
            Write("update", where, {"$push": {name: pushed}}),
            Write("update", match, {"$set": {"s": 1}}),
            Write("delete", match, {}),
            Write("delete", compared, {}),
            Write("delete", where, {}),
        ]
    )


class Pair:
    def __init__(self, database: AsyncDatabase[dict[str, Any]]) -> None:
        self.database = database
        self.memory: Collection = {}

    async def write(self, write: Write) -> tuple[bool, bool]:
        """Whether MongoDB, and whether the dictionaries took it."""
        return await self._to_mongodb([write]), self._to_memory(write)

    async def _to_mongodb(self, writes: list[Write]) -> bool:
        try:
            await transact(
                self.database,
                lambda session: bulk(
                    self.database["things"], writes, session=session, projection="things"
                ),
            )
        except RefusedWriteError:
            return False
        return True

    def _to_memory(self, write: Write) -> bool:
        before = copy.deepcopy(self.memory)
        try:
            apply_write(self.memory, write)
        except RefusedWriteError:
            self.memory = before
            return False
        return True

    async def stored(self) -> Collection:
        return {d["_id"]: d async for d in self.database["things"].find()}


@pytest.mark.parametrize("seed", range(6))
async def test_any_writes_have_the_same_effect_in_both(
    seed: int, database: AsyncDatabase[dict[str, Any]]
) -> None:
    dice, pair = random.Random(seed), Pair(database)
    await database.create_collection("things")
    for _ in range(150):
        write = a_write(dice)
        before = copy.deepcopy(pair.memory)
        taken = await pair.write(write)
        assert taken[0] == taken[1], (write, before)
        assert await pair.stored() == pair.memory, (write, before)


@pytest.mark.parametrize("seed", range(30))
def test_any_writes_have_the_same_effect_when_compacted(seed: int) -> None:
    dice = random.Random(seed)
    plain: Collection = {}
    writes: list[Write] = []
    while len(writes) < 60:
        write = a_write(dice)
        try:
            apply_write(plain, write)
        except RefusedWriteError:
            continue
        writes.append(write)
    short: Collection = {}
    for write in compact(writes):
        apply_write(short, write)
    assert short == plain


def test_a_changed_copy_leaves_the_original_as_it_was() -> None:
    original = {"a": {"b": [1, {"c": 2}]}, "list": [1]}
    before = copy.deepcopy(original)
    changed = updated(
        original,
        {
            "$set": {"a.b.1.c": 3, "x.y": 1},
            "$push": {"list": {"$each": [2]}},
            "$unset": {"a.b.0": ""},
        },
    )
    assert changed == {"a": {"b": [None, {"c": 3}]}, "list": [1, 2], "x": {"y": 1}}
    assert original == before


def test_a_match_is_made_of_equal_values_and_comparisons_only() -> None:
    with pytest.raises(NotImplementedError):
        apply_write({"a": {"_id": "a", "n": 1}}, Write("delete", {"n": {"$ne": 0}}, {}))
