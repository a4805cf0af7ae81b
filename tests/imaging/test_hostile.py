"""Every file of the corpus is refused with its code, or comes out as nothing but its pixels.

`tests/integrations/imaging/test_hostile_files.py` sends the same files through a real worker's child.
"""

import io
import warnings

import pytest
from PIL import Image

from imaging.decode import decode, decode_rgba
from imaging.encode import encode_jpeg, encode_png
from imaging.errors import ImageRefused, RefusalCode
from imaging.structure import MAX_SCANS
from tests.imaging.hostile import Made, refused, truncated
from tests.imaging.making import corners, saved, scans
from tests.imaging.odd import CANARY, CLEANED, LARGE, heavy_exif


def outcome(data: bytes) -> str:
    """The code, which is the same for a photograph and for a product."""
    with pytest.raises(ImageRefused) as photograph:
        decode(data)
    with pytest.raises(ImageRefused) as product:
        decode_rgba(data)
    assert product.value.code == photograph.value.code
    return photograph.value.code


@pytest.mark.parametrize(
    ("code", "make"), [pytest.param(code, make, id=name) for name, code, make in refused()]
)
def test_a_hostile_file_is_refused_with_its_code(code: RefusalCode, make: Made) -> None:
    assert outcome(make()) == code


def code_of(data: bytes) -> str | None:
    try:
        decode(data)
    except ImageRefused as refusal:
        return refusal.code
    return None


def test_what_is_cut_short_is_refused_or_whole() -> None:
    """Only behind the pixels nothing is needed any more."""
    codes = {name: code_of(data) for name, data in truncated().items()}
    whole = [name for name, code in codes.items() if code is None]
    assert set(codes.values()) == {None, "unreadable-image", "unsupported-type"}
    assert all(name.startswith("png") for name in whole)
    assert len(whole) < 4


@pytest.mark.parametrize("name", [name for name in CLEANED if name not in LARGE])
def test_an_odd_file_comes_out_as_nothing_but_pixels(name: str) -> None:
    data = CLEANED[name]()
    for clean in (encode_jpeg(decode(data).rgb), encode_png(decode_rgba(data))):
        assert CANARY not in clean
        assert set(Image.open(io.BytesIO(clean)).info) <= {
            "jfif", "jfif_version", "jfif_unit", "jfif_density",
        }  # fmt: skip


def test_the_corpus_holds_what_it_says() -> None:
    """A canary that the maker packed or left out would prove nothing."""
    named = [name for name, make in CLEANED.items() if name not in LARGE and CANARY in make()]
    assert len(named) >= 23


def test_as_many_scans_as_any_encoder_writes_are_read() -> None:
    assert decode(scans(MAX_SCANS - 1, side=64)).rgb.shape == (64, 64, 3)
    assert outcome(scans(MAX_SCANS + 1, side=64)) == "unreadable-image"


def test_a_scan_in_a_thumbnail_or_behind_the_end_is_not_counted() -> None:
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\0" + b"\xff\xda" * 500
    data = saved(corners(), "JPEG", exif=exif) + b"\xff\xda" * 500
    assert decode(data).rgb.shape == (16, 24, 3)


def test_a_file_cannot_fill_the_log() -> None:
    """Of these tags Pillow would warn one by one, twenty thousand times."""
    data = saved(corners(), "WEBP", exif=heavy_exif(200))
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        decode(data)
    assert heard == []
