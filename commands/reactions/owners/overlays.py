"""`overlays/{product}/{hash}.png`: owned once an event of that product named it, for ever.

An overlay that was replaced can be set again by its name, so it is kept; `routes.overlays` refuses
those of other products, so no other stream can own it.
"""

from collections.abc import Mapping, Sequence

from commands.effects.keys import OVERLAY
from commands.reactions.owners.rule import Standing, matched
from dependencies.services import Services
from domain.catalogue import Product, ProductOverlaySet


async def owners(keys: Sequence[str], services: Services) -> Mapping[str, Standing]:
    """A product of another shop tells nothing."""
    products = {key: product for key, (product,) in matched(OVERLAY, keys).items()}
    standing: dict[str, Standing] = {}
    for product in sorted(set(products.values())):
        events = await services.store.read_stream(Product.stream(product))
        named = {e.overlay.image for e in events if isinstance(e, ProductOverlaySet)}
        for key in (key for key, of in products.items() if of == product and events):
            owned = f"object:{key}" in named
            standing[key] = Standing.OWNED if owned else Standing.NOBODYS
    return standing
