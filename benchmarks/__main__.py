"""`make bench`: what is measured, against whom, on this machine, as a table in Markdown."""

import tempfile
from pathlib import Path

from benchmarks import appending
from embedded.servers import Mongod


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="kundan-bench-") as name:
        directory = Path(name)
        with Mongod(directory / "mongodb") as mongod:
            print("## Appending one event a command\n")
            print(appending.table(appending.measure(mongod.url, directory)))


if __name__ == "__main__":
    main()
