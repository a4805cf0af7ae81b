"""An aggregate can be copied: its state is of values that nobody changes, in flat containers."""

import inspect
import re
from typing import Any

from domain.kernel import AGGREGATES
from domain.payment_states import Attempt, Refund
from domain.slices import SLICES
from domain.stock import Stock

CONTAINER = re.compile(r"self\.\w+: (?:dict|list|set)\[(.*)\]")


def test_no_aggregates_state_has_a_container_within_a_container() -> None:
    assert SLICES
    kept = {
        f"{cls.__name__}: {inner}"
        for cls in AGGREGATES.values()
        for base in cls.__mro__
        if base.__module__.startswith("domain.")
        for inner in CONTAINER.findall(inspect.getsource(base))
    }
    assert len(kept) > 5
    assert not {line for line in kept if re.search(r"\b(dict|list|set)\[", line)}


def test_what_refunds_keep_in_their_containers_is_frozen() -> None:
    for value in (Attempt, Refund):
        parameters: Any = vars(value)["__dataclass_params__"]
        assert parameters.frozen


def test_a_copy_goes_its_own_way() -> None:
    stock = Stock.open("65f000000000000000000001", on_hand=3)
    twin = stock.copy()
    assert (twin.version, len(stock.pending_events), len(twin.pending_events)) == (1, 1, 0)
    twin.reserve("65f000000000000000000009", quantity=3, until=stock.modified_on)
    assert (stock.available, stock.reserved, stock.version) == (3, {}, 1)
    assert (twin.available, twin.version) == (0, 2)
