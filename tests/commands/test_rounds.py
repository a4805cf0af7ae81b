"""A round looks after each item by itself: one that is broken costs itself, whatever is wrong with it."""

from collections.abc import Collection, Sequence
from datetime import timedelta

import pytest

from commands.reactions.policies import ROUNDS
from commands.reactions.rounds import Round
from dependencies.services import Services
from domain.errors import RuleViolation, Unavailable
from integrations.event_store.mapping import UndecodableEventError
from integrations.setbacks import MOST_TRIES, MongoSetbacks, pause
from tests.api import Api

NAME = "things are looked after"


class Things:
    """Fifty that are due; some are broken, one way or another."""

    def __init__(self, **broken: Exception) -> None:
        self.due = [f"thing-{number:02}" for number in range(50)]
        self.broken = {name.replace("_", "-"): fault for name, fault in broken.items()}
        self.done: list[str] = []
        self.asked: list[str] = []

    async def propose(self, _: Services, waiting: Collection[str]) -> Sequence[str]:
        return [name for name in self.due if name not in waiting and name not in self.done]

    async def carry_out(self, name: str, _: Services) -> bool:
        self.asked.append(name)
        if fault := self.broken.get(name):
            raise fault
        self.done.append(name)
        return True

    @property
    def round(self) -> Round:
        return Round(name=NAME, every_seconds=1, propose=self.propose, carry_out=self.carry_out)


@pytest.fixture
def setbacks(api: Api) -> MongoSetbacks:
    assert isinstance(api.services.setbacks, MongoSetbacks)
    return api.services.setbacks


@pytest.mark.parametrize(
    "fault",
    [UndecodableEventError("not in the registry"), KeyError("bug"), RuleViolation("no")],
    ids=["unreadable event", "fault of ours", "refusal"],
)
async def test_one_broken_thing_among_fifty_costs_itself(
    api: Api, setbacks: MongoSetbacks, fault: Exception
) -> None:
    things = Things(thing_07=fault)
    assert await things.round(api.services) == 49
    (listed,) = await setbacks.listed(limit=10)
    assert (listed["round"], listed["name"], listed["error"]) == (NAME, "thing-07", repr(fault))
    assert await setbacks.count() == 1


async def test_it_is_tried_again_after_a_pause_and_forgotten_when_it_goes_right(
    api: Api, setbacks: MongoSetbacks
) -> None:
    things = Things(thing_07=KeyError("bug"))
    await things.round(api.services)
    await things.round(api.services)
    assert things.asked.count("thing-07") == 1, "too early"
    api.clock.ahead = timedelta(minutes=2)
    await things.round(api.services)
    assert things.asked.count("thing-07") == 2
    things.broken.clear()
    api.clock.ahead = timedelta(minutes=6)
    assert await things.round(api.services) == 1
    assert await setbacks.listed(limit=10) == []


async def test_a_server_that_is_away_ends_the_round_at_nobodys_cost(
    api: Api, setbacks: MongoSetbacks
) -> None:
    things = Things(thing_07=Unavailable("the gateway is silent"))
    assert await things.round(api.services) == 7
    assert await setbacks.listed(limit=10) == []
    things.broken.clear()
    assert await things.round(api.services) == 43


async def test_an_operator_lets_it_be_tried_at_once(api: Api, setbacks: MongoSetbacks) -> None:
    things = Things(thing_07=KeyError("bug"))
    await things.round(api.services)
    assert await setbacks.retry(NAME, "thing-07", now=api.services.clock())
    assert not await setbacks.retry(NAME, "thing-08", now=api.services.clock())
    things.broken.clear()
    assert await things.round(api.services) == 1


async def test_what_never_goes_right_waits_for_an_operator_in_the_end(
    api: Api, setbacks: MongoSetbacks
) -> None:
    for _ in range(MOST_TRIES):
        await setbacks.note(NAME, "thing-07", error="bug", now=api.services.clock())
    in_a_year = api.services.clock() + timedelta(days=365)
    assert set(await setbacks.waiting(NAME, now=in_a_year)) == {"thing-07"}


async def test_a_round_does_no_more_than_it_may(api: Api) -> None:
    things = Things()
    this = Round(
        name=NAME, every_seconds=1, propose=things.propose, carry_out=things.carry_out, most=20
    )
    assert [await this(api.services) for _ in range(4)] == [20, 20, 10, 0]


def test_pauses_grow_and_have_an_end() -> None:
    assert timedelta(seconds=45) <= pause(1) <= timedelta(seconds=75)
    assert timedelta(hours=4) <= pause(29) <= timedelta(hours=8)


def test_every_round_has_a_name_of_its_own() -> None:
    assert len({each.name for each in ROUNDS}) == len(ROUNDS) == 6
