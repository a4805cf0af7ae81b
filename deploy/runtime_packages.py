"""Print the installed packages that the product does not need when it runs, one a line.

The image installs the whole lock file, so that every hash is checked, and then removes these:
what only tests, tools and the embedded servers ask for.
"""

import re
import sys
import tomllib
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement


def normal(name: str) -> str:
    """One spelling for a package's name, as the package index has it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def needed(requirements: Iterable[str]) -> set[str]:
    """The names of these requirements and of all that they require on this machine."""
    seen: set[tuple[str, str]] = set()
    waiting = [(Requirement(each), "") for each in requirements]
    while waiting:
        requirement, of_extra = waiting.pop()
        if requirement.marker and not requirement.marker.evaluate({"extra": of_extra}):
            continue
        name = normal(requirement.name)
        for extra in {"", *requirement.extras}:
            if (name, extra) not in seen:
                seen.add((name, extra))
                asked = metadata.distribution(name).requires or []
                waiting.extend((Requirement(each), extra) for each in asked)
    return {name for name, _ in seen}


def not_needed(pyproject: Path) -> list[str]:
    project = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]
    installed = {normal(each.metadata["Name"]) for each in metadata.distributions()}
    return sorted(installed - needed(project["dependencies"]))


if __name__ == "__main__":
    sys.stdout.write("\n".join(not_needed(Path("pyproject.toml"))) + "\n")
