"""The demo shop: pieces that we drew ourselves, for a first look at an empty database."""

import hashlib
import json
from functools import cache, partial
from pathlib import Path
from typing import Any

from commands.catalogue import SetOverlay, set_overlay
from commands.context import policy_context, system_context
from commands.imports import start_import
from commands.policy import Policy, policy
from commands.unit_of_work import run
from dependencies import Services
from domain.catalogue import Product, ProductImported
from domain.ports import RecordedEvent

FOLDER = Path(__file__).parent.parent / "demo"
PICTURES = "/media/demo/"
NOBODY = "0" * 24
"""The account that the demo's import is recorded under."""


async def load_demo(services: Services) -> None:
    """Import the demo catalogue, once for ever. The overlays follow by policy."""
    data = (FOLDER / "catalogue.csv").read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    key = f"imports/{digest}.bin"
    await services.objects.put(key, data, content_type="application/octet-stream")
    await run(
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
        services.store,
        claims_key=services.keyring.claims,
        clock=services.clock,
    )


@policy("drawn_product_gets_its_overlay", on=(ProductImported,))
async def drawn_product_gets_its_overlay(recorded: RecordedEvent, services: Services) -> None:
    """An imported product whose picture is one of the demo's can be tried on at once."""
    product: Product | None = await services.store.load(Product, recorded.event.object_id)
    if product is None or product.overlay is not None:
        return
    overlay = next((o for url in product.details.images if (o := drawn(url))), None)
    if overlay is None:
        return
    await run(
        partial(set_overlay, product.object_id, overlay),
        policy_context("drawn_product_gets_its_overlay", recorded, command="SetOverlay"),
        services.store,
        claims_key=services.keyring.claims,
        clock=services.clock,
    )


def drawn(url: str) -> SetOverlay | None:
    """The overlay behind the address of a demo picture."""
    if not url.startswith(PICTURES):
        return None
    facts = _overlays().get(Path(url).stem)
    if facts is None:
        return None
    known = {name: facts[name] for name in SetOverlay.model_fields if name in facts}
    return SetOverlay.model_validate({**known, "anchors": facts.get("anchors") or {}})


@cache
def _overlays() -> dict[str, dict[str, Any]]:
    overlays: dict[str, dict[str, Any]] = json.loads((FOLDER / "overlays.json").read_bytes())
    return overlays


DEMO: tuple[Policy, ...] = (drawn_product_gets_its_overlay,)
