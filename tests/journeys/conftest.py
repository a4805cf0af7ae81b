"""One real shop for all journeys that leave it whole."""

import sys
from collections.abc import Iterator

import pytest

from tests.imaging.conftest import weights  # noqa: F401 - the worker of the shop needs the nets
from tests.journeys.real_shop import RealShop

SECONDS = 300
"""A start and a whole journey, on a machine that does other things as well."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The processes of a shop are found through /proc."""
    skip = pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
    for item in items:
        if "journeys" in item.path.parts:
            item.add_marker(skip)
            item.add_marker(pytest.mark.timeout(SECONDS))


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealShop]:
    with RealShop(tmp_path_factory.mktemp("shop")) as running:
        yield running
