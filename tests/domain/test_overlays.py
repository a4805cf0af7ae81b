"""Which picture is to become an overlay, how wide it is, and when it is tried again."""

from datetime import timedelta

import pytest

from domain.catalogue import (
    Product,
    ProductArchived,
    ProductChanged,
    ProductCreated,
    ProductOverlayRefused,
    ProductOverlaySet,
)
from domain.import_rules.kinds import ProductType, TryOnRegion, try_on_region
from domain.overlays import (
    RETRIES_AFTER,
    Anchor,
    Overlay,
    OverlaySource,
    PictureVersion,
    awaited_picture,
    measured_px,
    next_try,
    typical_width_mm,
)
from tests.given import given, replayed
from tests.shop import NECKLACE, NOW

PICTURE, OTHER = NECKLACE.images[0], "https://example.com/other.jpg"
CREATED = ProductCreated(details=NECKLACE)
CUT = Overlay(
    image="object:overlays/a/b.png",
    width=300,
    height=200,
    width_mm=120.0,
    px_per_mm=2.0,
    anchors={"left": Anchor(x=30, y=10), "right": Anchor(x=270, y=10)},
    source=OverlaySource.CATALOGUE,
    cut_from=PictureVersion(url=PICTURE, sha256="a" * 64),
    width_estimated=True,
)
BY_STAFF = CUT.model_copy(update={"source": OverlaySource.STAFF})
DRAWN = CUT.model_copy(update={"source": OverlaySource.DRAWN, "cut_from": None})
BUSY = ProductOverlayRefused(picture=PICTURE, code="product-not-cuttable", reason="not plain")
AWAY = ProductOverlayRefused(
    picture=PICTURE,
    code="picture-unreachable",
    reason="away",
    retry_at=NOW + RETRIES_AFTER[0],
)
REPICTURED = NECKLACE.model_copy(update={"images": (OTHER,)})
AGAIN = ProductChanged(details=REPICTURED, changed=("images",), awaited_picture=OTHER)


@pytest.mark.parametrize(
    ("changes", "picture"),
    [
        ({}, PICTURE),
        ({"images": (OTHER, PICTURE)}, OTHER),
        ({"images": ()}, None),
        ({"images": ("/media/demo/a.png",)}, None),
        ({"images": ("HTTP://example.com/a.png",)}, "HTTP://example.com/a.png"),
        ({"try_on_region": TryOnRegion.NONE}, None),
    ],
)
def test_the_first_picture_on_the_web_of_what_is_worn_is_awaited(
    changes: dict[str, object], picture: str | None
) -> None:
    assert awaited_picture(NECKLACE.model_copy(update=changes)) == picture


def test_a_cut_out_is_taken_once() -> None:
    given(CREATED).when(Product.take_cut_out, CUT).then(ProductOverlaySet(overlay=CUT))


@pytest.mark.parametrize(
    "before",
    [
        (ProductOverlaySet(overlay=CUT),),
        (ProductOverlaySet(overlay=BY_STAFF),),
        (BUSY,),
        (AGAIN,),
        (ProductArchived(),),
    ],
)
def test_an_overtaken_cut_out_changes_nothing(before: tuple[object, ...]) -> None:
    given(CREATED, *before).when(Product.take_cut_out, CUT).then_nothing()  # type: ignore[arg-type]


def test_a_cut_out_of_nothing_is_none() -> None:
    given(CREATED).when(Product.take_cut_out, DRAWN).then_nothing()


@pytest.mark.parametrize("overlay", [CUT, DRAWN])
def test_a_changed_picture_replaces_what_no_person_made(overlay: Overlay) -> None:
    new = CUT.model_copy(update={"cut_from": PictureVersion(url=OTHER, sha256="b" * 64)})
    given(CREATED, ProductOverlaySet(overlay=overlay), AGAIN).when(Product.take_cut_out, new).then(
        ProductOverlaySet(overlay=new)
    )


def test_a_change_names_the_picture_that_is_awaited_now() -> None:
    given(CREATED, ProductOverlaySet(overlay=CUT)).when(Product.change, REPICTURED).then(AGAIN)


def test_a_changed_picture_of_a_corrected_overlay_is_not_awaited() -> None:
    given(CREATED, ProductOverlaySet(overlay=BY_STAFF)).when(Product.change, REPICTURED).then(
        ProductChanged(details=REPICTURED, changed=("images",))
    )


def test_a_changed_picture_is_given_a_new_chance() -> None:
    more = NECKLACE.model_copy(update={"images": (PICTURE, OTHER)})
    given(CREATED, BUSY).when(Product.change, more).then(
        ProductChanged(details=more, changed=("images",), awaited_picture=PICTURE)
    )


def test_a_changed_price_gives_no_new_chance() -> None:
    cheaper = NECKLACE.model_copy(update={"price_minor": 1})
    product = (
        given(CREATED, BUSY)
        .when(Product.change, cheaper)
        .then(ProductChanged(details=cheaper, changed=("price_minor",)))
    )
    assert product.awaited_picture is None


def refusing(code: str, reason: str) -> dict[str, object]:
    return {"picture": PICTURE, "code": code, "reason": reason, "now": NOW}


def test_a_picture_is_refused_once_and_for_good() -> None:
    given(CREATED).when(Product.refuse_cut_out, **refusing(BUSY.code, BUSY.reason)).then(BUSY)


def test_a_host_that_is_away_is_asked_later() -> None:
    given(CREATED).when(Product.refuse_cut_out, **refusing(AWAY.code, AWAY.reason)).then(AWAY)


def test_a_second_refusal_before_its_time_is_none() -> None:
    asked = refusing("product-not-cuttable", "not plain")
    given(CREATED, AWAY).when(Product.refuse_cut_out, **asked).then_nothing()


def test_tries_are_counted_until_they_end() -> None:
    product: Product = replayed(Product, (CREATED,))
    now = NOW
    for _ in range(9):
        product.refuse_cut_out(picture=PICTURE, code=AWAY.code, reason=AWAY.reason, now=now)
        now += timedelta(days=1)
    refusals = [e for e in product.pending_events if isinstance(e, ProductOverlayRefused)]
    assert [refusal.tries for refusal in refusals] == [1, 2, 3, 4, 5]
    assert refusals[-1].retry_at is None


@pytest.mark.parametrize(
    "before", [(AGAIN,), (ProductArchived(),), (ProductOverlaySet(overlay=CUT),)]
)
def test_a_late_refusal_is_none(before: tuple[object, ...]) -> None:
    asked = refusing(BUSY.code, BUSY.reason)
    given(CREATED, *before).when(Product.refuse_cut_out, **asked).then_nothing()  # type: ignore[arg-type]


def test_only_what_may_go_better_is_tried_again() -> None:
    assert next_try("picture-missing", tries=1, now=NOW) is None
    assert next_try("imaging-unavailable", tries=1, now=NOW) == NOW + RETRIES_AFTER[0]
    assert next_try("picture-failed", tries=1, now=NOW) == NOW + RETRIES_AFTER[0]


def test_an_overlay_takes_the_refusal_away() -> None:
    product: Product = replayed(Product, (CREATED, BUSY, ProductOverlaySet(overlay=BY_STAFF)))
    assert product.refusal is None


# --- The width -----------------------------------------------------------------------------------


def test_a_measured_width_takes_the_place_of_an_estimated_one() -> None:
    measured = NECKLACE.model_copy(update={"width_mm": 60.0})
    sized = CUT.model_copy(update={"width_mm": 60.0, "px_per_mm": 4.0, "width_estimated": False})
    given(CREATED, ProductOverlaySet(overlay=CUT)).when(Product.change, measured).then(
        ProductChanged(details=measured, changed=("width_mm",)), ProductOverlaySet(overlay=sized)
    )


def test_an_estimated_width_follows_the_type() -> None:
    unmeasured = NECKLACE.model_copy(update={"width_mm": None})
    earrings = unmeasured.model_copy(update={"product_type": ProductType.EARRINGS})
    sized = CUT.model_copy(update={"width_mm": 36.0, "px_per_mm": 8.3333})
    events = (ProductCreated(details=unmeasured), ProductOverlaySet(overlay=CUT))
    given(*events).when(Product.change, earrings).then(
        ProductChanged(details=earrings, changed=("product_type",)),
        ProductOverlaySet(overlay=sized),
    )


@pytest.mark.parametrize("overlay", [BY_STAFF, CUT.model_copy(update={"width_estimated": False})])
def test_a_width_that_is_no_longer_told_is_kept(overlay: Overlay) -> None:
    unmeasured = NECKLACE.model_copy(update={"width_mm": None})
    given(CREATED, ProductOverlaySet(overlay=overlay)).when(Product.change, unmeasured).then(
        ProductChanged(details=unmeasured, changed=("width_mm",))
    )


@pytest.mark.parametrize("kind", list(ProductType))
def test_whatever_is_worn_has_a_usual_width(kind: ProductType) -> None:
    worn = try_on_region(kind) is not TryOnRegion.NONE
    assert (typical_width_mm(kind) is not None) == worn


def test_one_earring_is_half_as_wide_as_two() -> None:
    pair = typical_width_mm(ProductType.EARRINGS)
    single = typical_width_mm(ProductType.EARRINGS, kind="single")
    assert (pair, single) == (36, 18)
    assert typical_width_mm(ProductType.NECKLACE, kind="single") == 120


@pytest.mark.parametrize(
    ("kind", "anchors", "pixels"),
    [
        (ProductType.NECKLACE, CUT.anchors, 240),
        (ProductType.SET, CUT.anchors, 240),
        (ProductType.EARRINGS, CUT.anchors, 300),
        (ProductType.NECKLACE, {}, 300),
        (ProductType.NECKLACE, {"left": Anchor(x=3, y=3), "right": Anchor(x=3, y=3)}, 300),
    ],
)
def test_a_necklace_is_measured_between_its_ends(
    kind: ProductType, anchors: dict[str, Anchor], pixels: float
) -> None:
    assert measured_px(300, anchors, product_type=kind) == pixels
