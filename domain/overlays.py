"""What an overlay was made of and by whom, how wide a piece is when nobody measured it, and how often a
host that does not answer is asked again. `domain/catalogue.py` has the events.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from domain.import_rules.kinds import ProductType, TryOnRegion
from domain.import_rules.product import ProductFields
from domain.kernel import Measure, ValueObject

ImageUrl = Annotated[str, StringConstraints(min_length=1, max_length=2048)]
WEB = ("https://", "http://")


class OverlaySource(StrEnum):
    """drawn: came with the picture. catalogue: cut out of it by the shop. staff: given or corrected by
    hand, and never overwritten but by hand.
    """

    DRAWN = "drawn"
    CATALOGUE = "catalogue"
    STAFF = "staff"


class Anchor(ValueObject):
    """A point of the overlay picture, pixels from the centre of its top left one."""

    x: Measure
    y: Measure


class PictureVersion(ValueObject):
    """A catalogue picture as it was on one day: its address, and the SHA-256 of its bytes."""

    url: ImageUrl
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class Overlay(ValueObject):
    """The transparent picture for try-on: where it hangs and how large the piece really is.

    Events store it: change it only by adding fields with defaults. Those of old events may have been
    corrected by hand, so they count as the staff's.
    """

    image: ImageUrl
    width: Annotated[int, Field(ge=1, le=10_000)]
    height: Annotated[int, Field(ge=1, le=10_000)]
    width_mm: Measure
    px_per_mm: Measure
    anchors: dict[str, Anchor] = Field(default_factory=dict)
    source: OverlaySource = OverlaySource.STAFF
    cut_from: PictureVersion | None = None
    width_estimated: bool = False

    def as_wide_as(self, width_mm: float, *, product_type: ProductType) -> "Overlay":
        """The same picture of a piece of another width."""
        measured = measured_px(self.width, self.anchors, product_type=product_type)
        return self.model_copy(
            update={"width_mm": round(width_mm, 4), "px_per_mm": round(measured / width_mm, 4)}
        )


class OverlayRefusal(ValueObject):
    """Why a catalogue picture has not become an overlay. `retry_at` None: it is not tried again."""

    picture: ImageUrl
    code: str
    reason: str
    tries: int = 1
    retry_at: datetime | None = None


# --- The picture ---------------------------------------------------------------------------------


def catalogue_picture(details: ProductFields) -> str | None:
    """The picture that an overlay would be cut from: the first one, of a piece that can be worn. None
    where it does not lie on the web: our own pictures come with their overlays.
    """
    if details.try_on_region is TryOnRegion.NONE or not details.images:
        return None
    first = details.images[0]
    return first if first.lower().startswith(WEB) else None


def awaited_picture(
    details: ProductFields, overlay: Overlay | None = None, refusal: OverlayRefusal | None = None
) -> str | None:
    """The picture that is still to become an overlay. None once it has, or was refused for good."""
    picture = catalogue_picture(details)
    if overlay is not None and not _gives_way(overlay, picture):
        return None
    if refusal is not None and refusal.picture == picture and refusal.retry_at is None:
        return None
    return picture


def _gives_way(overlay: Overlay, picture: str | None) -> bool:
    """What the staff gave never does; else what belongs to another picture."""
    is_of_another = overlay.cut_from is None or overlay.cut_from.url != picture
    return overlay.source is not OverlaySource.STAFF and is_of_another


RETRIED = frozenset({"picture-unreachable", "picture-failed", "imaging-unavailable"})
"""Nothing is wrong with these pictures: it may go better later."""
RETRIES_AFTER = tuple(timedelta(minutes=m) for m in (1, 10, 120, 720))


def next_try(code: str, *, tries: int, now: datetime) -> datetime | None:
    """When to try again after so many tries; None for never."""
    if code not in RETRIED or tries > len(RETRIES_AFTER):
        return None
    return now + RETRIES_AFTER[tries - 1]


# --- The width -----------------------------------------------------------------------------------

TYPICAL_WIDTHS_MM: Mapping[ProductType, float] = {
    ProductType.NECKLACE: 120.0,
    ProductType.PENDANT: 120.0,
    ProductType.CHAIN: 120.0,
    ProductType.MANGALSUTRA: 120.0,
    ProductType.SET: 120.0,
    ProductType.EARRINGS: 36.0,
    ProductType.RING: 21.0,
    ProductType.BANGLE: 66.0,
    ProductType.BRACELET: 64.0,
    ProductType.NOSE_PIN: 7.0,
    ProductType.MAANG_TIKKA: 20.0,
}
"""Between a chain's ends, where it goes behind a neck of 34 to 38 cm: our own pieces have 116 to 128. Of
others across the picture: two earrings of 15 mm side by side; a ring of Indian size 14 (17.2 mm inside)
and a bangle of size 2-6 (60.3 mm inside), each with its metal; a bracelet laid in a round; the flower of a
nose pin, since hoops are rarer; the pendant of a tikka.
"""


def typical_width_mm(product_type: ProductType, *, kind: str = "pair") -> float | None:
    """What a piece of this type is taken for until somebody measures it; None for what is not worn.

    kind: what imaging found in the picture; an earring shown alone is half a pair.
    """
    width = TYPICAL_WIDTHS_MM.get(product_type)
    alone = product_type is ProductType.EARRINGS and kind == "single"
    return width / 2 if width is not None and alone else width


def measured_px(width: int, anchors: Mapping[str, Anchor], *, product_type: ProductType) -> float:
    """Pixels that the width in millimetres stands for: between the ends of what hangs on a neck, and the
    whole picture of all else.
    """
    if product_type not in HANG_BY_ENDS or not {"left", "right"} <= anchors.keys():
        return float(width)
    left, right = anchors["left"], anchors["right"]
    between = ((right.x - left.x) ** 2 + (right.y - left.y) ** 2) ** 0.5
    return between if between > 1 else float(width)


HANG_BY_ENDS = frozenset(
    {
        ProductType.NECKLACE,
        ProductType.PENDANT,
        ProductType.CHAIN,
        ProductType.MANGALSUTRA,
        ProductType.SET,
    }
)
