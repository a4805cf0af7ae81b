"""`make bench`: what is measured, against whom, on this machine, as tables in Markdown."""

import platform
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from benchmarks import appending, flowing, tryon, verifying
from benchmarks.side_by_side import measure as side_by_side
from embedded.servers import Mongod


def _appending(directory: Path) -> str:
    with Mongod(directory / "mongodb") as mongod:
        return appending.table(appending.measure(mongod.url, directory))


def _flowing(directory: Path) -> str:
    return flowing.table(flowing.measure(directory))


def _side_by_side(directory: Path) -> str:
    return side_by_side.table(side_by_side.measure(directory))


def _tryon(directory: Path) -> str:
    return tryon.table(tryon.measure(directory))


def _verifying(directory: Path) -> str:
    return verifying.table(verifying.measure(directory))


PARTS: dict[str, tuple[str, Callable[[Path], str]]] = {
    "appending": ("Appending one event a command", _appending),
    "flowing": ("From a command to its read model, and back to memory", _flowing),
    "verifying": ("Proving that history was not changed", _verifying),
    "side_by_side": ("Over HTTP, beside plain CRUD", _side_by_side),
    "tryon": ("From an upload to a picture with jewellery", _tryon),
}


def main(
    part: Annotated[
        list[str] | None, typer.Argument(help=f"which parts: {', '.join(PARTS)}; all without")
    ] = None,
) -> None:
    """Measure this machine. Imaging has a command of its own: python -m benchmarks.imaging."""
    unknown = set(part or []) - PARTS.keys()
    if unknown:
        raise typer.BadParameter(f"there is no part {', '.join(sorted(unknown))}")
    print(
        f"{datetime.now(UTC):%Y-%m-%d}, {platform.machine()}, Python {platform.python_version()}\n"
    )
    for name in part or PARTS:
        title, measure = PARTS[name]
        with tempfile.TemporaryDirectory(prefix="kundan-bench-") as folder:
            print(f"## {title}\n\n{measure(Path(folder))}\n", flush=True)


if __name__ == "__main__":
    typer.run(main)
