"""Names of stored files are recognised as they were made, and no others."""

import pytest

from commands.effects import keys

PRODUCT, OTHER, USER, RESULT = ("abcd"[n] * 24 for n in range(4))
DIGEST = "0123456789abcdef" * 4


def test_an_overlay_is_its_own_products() -> None:
    key = keys.overlay_key(PRODUCT, DIGEST)
    assert key == f"overlays/{PRODUCT}/{DIGEST[:32]}.png"
    assert keys.is_overlay_of(PRODUCT, key)
    assert not keys.is_overlay_of(OTHER, key)


@pytest.mark.parametrize("name", ["my necklace.png", "a.png", f"../{DIGEST[:32]}.png", ""])
def test_another_name_in_its_folder_is_no_overlay(name: str) -> None:
    assert not keys.is_overlay_of(PRODUCT, f"overlays/{PRODUCT}/{name}")


def test_a_results_picture_tells_its_revision_and_content() -> None:
    key = keys.result_key(USER, RESULT, revision=12, sha256=DIGEST)
    found = keys.RESULT.fullmatch(key)
    assert found is not None
    assert found.groups() == (USER, RESULT)
    assert (keys.revision_of(key), keys.content_of(key)) == (12, DIGEST[:32])
    assert keys.revision_of(key + ".jpg") == 0
