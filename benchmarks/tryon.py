"""From an upload to a picture with jewellery, through HTTP, as a customer has it: python -m benchmarks.tryon.

The whole shop runs as `make run` starts it, on this machine, beside what asks it. Nothing is pushed: the
client asks every 20 ms whether it is ready.
"""

import argparse
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import tryon_costs, tryon_load, tryon_rounds
from benchmarks.phone import Phone
from benchmarks.tryon_load import Load
from benchmarks.tryon_rounds import Rounds
from tests.journeys.real_shop import Customer, RealShop, children, eventually

ROUNDS = 10
SECONDS = 20.0
PEOPLE = 12
PIECE = "/media/demo/kundan-bib.png"
SIZES = {"12 megapixels": 4000, "1280 px": 1280}


@dataclass(frozen=True)
class Figure:
    what: str
    measured: str
    wanted: str = ""


def measure(directory: Path, *, rounds: int = ROUNDS, seconds: float = SECONDS) -> list[Figure]:
    costs = tryon_costs.processor_ms()
    with RealShop(directory, RATE_LIMITS="false", LOG_LEVEL="WARNING") as shop:
        customer = shop.customer()
        product_ids = [product["id"] for product in _drawn(customer)]
        figures = []
        for name, long_side in SIZES.items():
            found = tryon_rounds.measure(customer, product_ids[0], Phone(long_side), rounds=rounds)
            figures += _of_rounds(name, found)
        figures += _of_memory(shop, "after these rounds")
        people = [shop.customer().headers["Authorization"] for _ in range(PEOPLE)]
        idle, busy = tryon_load.measure(shop.api, people, product_ids, Phone(4000), seconds=seconds)
        return [*figures, *_of_load(idle, busy), *_of_memory(shop, "after the uploads"),
                *_of_costs(costs)]  # fmt: skip


def _drawn(customer: Customer) -> list[dict[str, Any]]:
    """The demo's products that can be tried on, PIECE first, once all of them are there."""

    def there() -> list[dict[str, Any]] | None:
        answer = customer.get("/api/products", params={"limit": 100})
        found = [product for product in answer.json()["data"] if product.get("overlay")]
        return found if any(product["images"] == [PIECE] for product in found) else None

    found = eventually(there, "stocked")
    return sorted(found, key=lambda product: product["images"] != [PIECE])


def _of_rounds(name: str, found: Rounds) -> list[Figure]:
    return [
        Figure(f"{name}: upload to result in hand", _milliseconds(found.whole), "1000 ms"),
        Figure("… upload answered", _milliseconds(found.upload)),
        Figure("… until analysed", _milliseconds(found.analysed)),
        Figure("… try-on asked for", _milliseconds(found.create)),
        Figure("… until rendered", _milliseconds(found.rendered)),
        Figure("… bytes fetched", _milliseconds(found.fetched)),
        Figure("the same, asked for without waiting", _milliseconds(found.at_once), "1000 ms"),
        Figure("adjusted to new picture in hand", _milliseconds(found.adjusted)),
    ]


def _milliseconds(values: Sequence[float]) -> str:
    return f"median {statistics.median(values):.0f}, most {max(values):.0f} ms"


def _of_load(idle: Load, busy: Load) -> list[Figure]:
    rate = f"{tryon_load.RATE} requests/s"
    return [
        _compared(f"reads at {rate}, idle and with {tryon_load.UPLOADS} uploads/s",
                  idle.reads, busy.reads),
        _compared("small writes among them", idle.writes, busy.writes),
        Figure("uploads of 12 megapixels meanwhile", _milliseconds(busy.uploads)),
    ]  # fmt: skip


def _compared(what: str, idle: list[float], busy: list[float]) -> Figure:
    def at(values: list[float], part: float) -> float:
        return values[int((len(values) - 1) * part)]

    texts = [
        f"p{part * 100:.0f} {at(idle, part):.1f} and {at(busy, part):.1f} ms "
        f"(x {at(busy, part) / at(idle, part):.2f})"
        for part in (0.5, 0.99)
    ]
    return Figure(what, ", ".join(texts), "p99 x 1")


def _of_memory(shop: RealShop, when: str) -> list[Figure]:
    """The worker with its imaging child, and the API with its own."""
    figures = []
    for name, words in {"worker": "-m worker", "API": "uvicorn main:app"}.items():
        pid = shop.pid_of(words)
        child = next(at for at, line in children(pid).items() if "imaging_process" in line)
        own, imaging = tryon_costs.memory(pid), tryon_costs.memory(child)
        text = (
            f"{own[0]:.0f} + imaging {imaging[0]:.0f} = {own[0] + imaging[0]:.0f} MB; "
            f"peaks {own[1]:.0f} + {imaging[1]:.0f} MB"
        )
        figures.append(Figure(f"memory of the {name}, {when}", text, "350 MB"))
    return figures


WANTED_MS = {"analyse": 250, "re-render": 100, "cut-out": 300}


def _of_costs(costs: dict[str, list[float]]) -> list[Figure]:
    sides = {"cut-out": tryon_costs.PRODUCT_SIDE}
    return [
        Figure(
            f"{name} at {sides.get(name, tryon_costs.SIDE)} px, processor time",
            _milliseconds(values),
            f"{WANTED_MS[name]} ms" if name in WANTED_MS else "",
        )
        for name, values in costs.items()
    ]


def table(figures: Sequence[Figure]) -> str:
    rows = ["| what | measured | wanted at most |", "|---|---|---|"]
    return "\n".join([*rows, *(f"| {f.what} | {f.measured} | {f.wanted} |" for f in figures)])


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tryon", description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of each phase of load")
    given = parser.parse_args(words)
    with tempfile.TemporaryDirectory(prefix="kundan-bench-") as folder:
        print(table(measure(Path(folder), rounds=given.rounds, seconds=given.seconds)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
