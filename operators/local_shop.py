"""The shop that `make run` started on this machine: commands beside it need not be told where it is."""

import os

from embedded.data_directory import read_json
from embedded.given import load_given

ADDRESSES = {
    "MONGODB_URL": "mongodb",
    "NATS_URL": "nats",
    "REDIS_URL": "redis",
    "RAZORPAY_BASE_URL": "gateway",
    "PUBLIC_BASE_URL": "api",
}


def stand_beside() -> None:
    """Take the addresses and secrets of the shop that runs here, where the user has set none.

    Without such a shop nothing is taken. Raise EmbeddedError when a setting or a file is not usable.
    """
    given = load_given()
    run = read_json(given.data_dir / "run.json")
    if not run:
        return
    told = {name: run[place] for name, place in ADDRESSES.items() if place in run}
    told |= read_json(given.data_dir / "secrets.json")
    for name, value in told.items():
        if getattr(given, name.lower()) is None:
            os.environ[name] = value
