import pytest

from domain.catalogue import (
    Product,
    ProductArchived,
    ProductChanged,
    ProductCreated,
    ProductFeatured,
    ProductImported,
    ProductOverlaySet,
    ProductRestored,
    ProductUnfeatured,
)
from domain.errors import RuleViolation
from domain.overlays import Anchor, Overlay
from domain.values import Money
from tests.given import given, replayed
from tests.shop import IMPORT_ID, NECKLACE, PRICE, PRODUCT_ID

CREATED = ProductCreated(details=NECKLACE)
IMPORTED = ProductImported(details=NECKLACE, import_id=IMPORT_ID, row=3)
CHEAPER = NECKLACE.model_copy(update={"price_minor": 79_999_00})
OVERLAY = Overlay(
    image="/media/demo/pearl-strand.png",
    width=711,
    height=452,
    width_mm=122.0,
    px_per_mm=5.5,
    anchors={"left": Anchor(x=20.5, y=21.0), "right": Anchor(x=691.5, y=21.0)},
)


def test_a_product_is_created_with_all_that_is_told_about_it() -> None:
    given().when(Product.create, PRODUCT_ID, NECKLACE).then(CREATED)


def test_a_row_of_a_file_becomes_a_product_with_its_lineage() -> None:
    given().when(Product.take_in, PRODUCT_ID, NECKLACE, import_id=IMPORT_ID, row=3).then(IMPORTED)


@pytest.mark.parametrize("born", [CREATED, IMPORTED])
def test_a_product_knows_its_price(born: ProductCreated | ProductImported) -> None:
    product: Product = replayed(Product, (born,), object_id=PRODUCT_ID)
    assert product.price == PRICE == Money(amount=89_999_00)


def test_a_change_says_what_changed() -> None:
    given(CREATED).when(Product.change, CHEAPER).then(
        ProductChanged(details=CHEAPER, changed=("price_minor",))
    )


def test_a_file_that_changes_a_product_is_named() -> None:
    given(CREATED).when(Product.change, CHEAPER, import_id=IMPORT_ID, row=7).then(
        ProductChanged(details=CHEAPER, changed=("price_minor",), import_id=IMPORT_ID, row=7)
    )


def test_the_same_details_again_are_no_change() -> None:
    given(IMPORTED).when(Product.change, NECKLACE).then_nothing()


def test_a_featured_product_has_a_rank() -> None:
    given(CREATED).when(Product.feature, rank=2).then(ProductFeatured(rank=2))


def test_a_featured_product_may_be_featured_no_more() -> None:
    given(CREATED, ProductFeatured(rank=2)).when(Product.unfeature).then(ProductUnfeatured())


def test_a_product_that_is_not_featured_stays_so() -> None:
    given(CREATED).when(Product.unfeature).then_nothing()


def test_a_change_does_not_take_a_product_out_of_the_window() -> None:
    product: Product = replayed(Product, (CREATED, ProductFeatured(rank=2)), object_id=PRODUCT_ID)
    product.change(product.details.model_copy(update={"price_minor": 79_999_00}))
    (changed,) = product.pending_events
    assert isinstance(changed, ProductChanged)
    assert changed.details.featured


def test_an_overlay_is_set_once() -> None:
    given(CREATED).when(Product.set_overlay, OVERLAY).then(ProductOverlaySet(overlay=OVERLAY))


def test_a_product_is_archived_once() -> None:
    given(CREATED).when(Product.archive).then(ProductArchived())


def test_an_archived_product_can_be_restored() -> None:
    given(CREATED, ProductArchived()).when(Product.restore).then(ProductRestored())


def test_an_active_product_needs_no_restoring() -> None:
    given(CREATED).when(Product.restore).then_nothing()


def test_an_archived_product_cannot_be_changed() -> None:
    given(CREATED, ProductArchived()).when(Product.change, CHEAPER).then_raises(
        RuleViolation, "restore it first", code="product-archived"
    )


def test_a_restored_product_can_be_changed() -> None:
    given(CREATED, ProductArchived(), ProductRestored()).when(Product.change, CHEAPER).then(
        ProductChanged(details=CHEAPER, changed=("price_minor",))
    )


def test_an_overlay_hangs_where_it_was_set() -> None:
    product: Product = replayed(
        Product,
        (CREATED, ProductOverlaySet(overlay=OVERLAY), ProductUnfeatured()),
        object_id=PRODUCT_ID,
    )
    assert product.overlay == OVERLAY
