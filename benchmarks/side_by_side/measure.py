"""wrk against both applications in turn, round after round: medians, and the ratio of each round's pair.

make bench ARGS=side_by_side
python -m benchmarks.side_by_side.measure --seconds 4 --only order --only "list of 20, cold"
"""

import argparse
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks import shop
from benchmarks.side_by_side.shops import Application, ours, theirs

CONNECTIONS = 32
SECONDS = 8
WARM_SECONDS = 3
ROUNDS = 3
ADDRESS = (
    '{"street":"12 MG Road","city":"Pune","state":"Maharashtra","zipCode":"411001","country":"IN"}'
)
ORDER = """
function request()
  local body = '{"items":[{"productId":"' .. ids[math.random(#ids)] ..
    '","quantity":1}],"shippingAddress":' .. address .. '}'
  return wrk.format("POST", "/api/orders", {["Content-Type"] = "application/json",
    ["Authorization"] = "Bearer " .. tokens[math.random(#tokens)]}, body)
end
"""
PRODUCT = """
function request() return wrk.format("GET", "/api/products/" .. ids[math.random(#ids)]) end
"""
LIST = """
function request() return wrk.format("GET", "/api/products?limit=20&page=" .. math.random(40)) end
"""
CATEGORY = """
local names = {"Gold", "Silver", "Diamond", "Platinum"}
function request()
  return wrk.format("GET", "/api/products/category/" .. names[math.random(4)] .. "?page=" .. math.random(10))
end
"""
COLD = """
local plain = request
function request()
  local text = plain()
  return (text:gsub("\\r\\n", "\\r\\nConsistency-Token: p1\\r\\n", 1))
end
"""
"""Who names a state is never served from what lies ready."""

KINDS: dict[str, str] = {
    "order": ORDER,
    "product page, cold": PRODUCT + COLD,
    "product page": PRODUCT,
    "list of 20, cold": LIST + COLD,
    "list of 20": LIST,
    "category, cold": CATEGORY + COLD,
    "category": CATEGORY,
}


@dataclass(frozen=True)
class Run:
    per_second: float
    p50_ms: float
    p99_ms: float


def measure(
    directory: Path, *, seconds: int = SECONDS, only: Collection[str] = ()
) -> dict[str, dict[str, list[Run]]]:
    """Runs by kind and application, in the order in which they were made. `only`: these kinds."""
    if shutil.which("wrk") is None:
        raise SystemExit("This needs wrk: install it (Debian: apt-get install wrk).")
    with (
        shop.servers(directory) as environment,
        theirs(environment, directory) as plain,
        ours(environment, directory) as kundan,
    ):
        kinds = {kind: script for kind, script in KINDS.items() if not only or kind in only}
        return {
            kind: _compare(script, (kundan, plain), seconds=seconds)
            for kind, script in kinds.items()
        }


def _compare(
    script: str, both: tuple[Application, Application], *, seconds: int
) -> dict[str, list[Run]]:
    for application in both:
        load(application, script, seconds=WARM_SECONDS)
    runs: dict[str, list[Run]] = {application.name: [] for application in both}
    for _ in range(ROUNDS):
        for application in both:
            runs[application.name].append(load(application, script, seconds=seconds))
    return runs


def load(application: Application, script: str, *, seconds: int) -> Run:
    """Raise RuntimeError when anything but success was answered."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as lua:
        lua.write(_table("ids", application.products) + _table("tokens", application.tokens))
        lua.write(f"address = '{ADDRESS}'\n{script}")
        lua.flush()
        command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", "-s", lua.name]
        done = subprocess.run(
            [*command, application.url], capture_output=True, text=True, check=True
        )
    told = done.stdout
    if "Non-2xx" in told or "Socket errors" in told:
        raise RuntimeError(told)
    return Run(
        per_second=float(re.findall(r"Requests/sec:\s+([\d.]+)", told)[0]),
        p50_ms=_milliseconds(re.findall(r"^ +50% +(\S+)", told, re.MULTILINE)[0]),
        p99_ms=_milliseconds(re.findall(r"^ +99% +(\S+)", told, re.MULTILINE)[0]),
    )


def _table(name: str, values: list[str]) -> str:
    return f"{name} = {{{','.join(repr(value) for value in values)}}}\n"


def _milliseconds(text: str) -> float:
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s)", text).groups()  # type: ignore[union-attr]
    return float(number) * {"us": 1e-3, "ms": 1.0, "s": 1e3}[unit]


def table(found: dict[str, dict[str, list[Run]]]) -> str:
    lines = [
        "| | ours | p50, p99 ms | plain CRUD | p50, p99 ms | ratio |",
        "|---|---|---|---|---|---|",
    ]
    for kind, runs in found.items():
        mine, plain = runs.values()
        ratios = [a.per_second / b.per_second for a, b in zip(mine, plain, strict=True)]
        lines.append(
            f"| {kind} | {_of(mine, _rate):,.0f}/s | {_times(mine)} | {_of(plain, _rate):,.0f}/s | "
            f"{_times(plain)} | **{median(ratios):.2f}** |"
        )
    return "\n".join(lines)


def _rate(run: Run) -> float:
    return run.per_second


def _of(runs: list[Run], figure: Callable[[Run], float]) -> float:
    return median(figure(run) for run in runs)


def _times(runs: list[Run]) -> str:
    return f"{_of(runs, lambda r: r.p50_ms):.1f}, {_of(runs, lambda r: r.p99_ms):.1f}"


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--seconds", type=int, default=SECONDS, help="of each run")
    options.add_argument("--only", action="append", default=[], choices=list(KINDS))
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="kundan-bench-") as folder:
        print(table(measure(Path(folder), seconds=given.seconds, only=given.only)))


if __name__ == "__main__":
    main()
