"""The demo shop: pieces that we drew ourselves, for a first look at an empty database."""

import hashlib
from functools import partial

from commands.context import system_context
from commands.drawn import FOLDER
from commands.imports import start_import
from commands.unit_of_work import perform
from dependencies import Services

NOBODY = "0" * 24
"""The account that the demo's import is recorded under."""


async def load_demo(services: Services) -> None:
    """Import the demo catalogue, once for ever. Its pieces can be tried on at once."""
    data = (FOLDER / "catalogue.csv").read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    key = f"imports/{digest}.bin"
    await services.objects.put(key, data, content_type="application/octet-stream")
    await perform(
        partial(
            start_import,
            NOBODY,
            file_name="demo-catalogue.csv",
            file_size=len(data),
            sha256=digest,
            key=key,
            on_duplicate="skip",
        ),
        system_context("LoadDemo", correlation="start", command_id="demo-catalogue"),
        services,
    )
