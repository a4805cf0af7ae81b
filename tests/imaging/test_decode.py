import pickle
import random
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from imaging.decode import decode, decode_rgba, formats
from imaging.errors import ImageRefused
from imaging.types import Rgb
from tests.imaging.making import WIDE, corners, saved


def refusal(data: bytes, **limits: int) -> str:
    with pytest.raises(ImageRefused) as refused:
        decode(data, **limits)
    with pytest.raises(ImageRefused) as as_overlay:
        decode_rgba(data, **limits)
    assert as_overlay.value.code == refused.value.code
    return refused.value.code


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_what_phones_and_scanners_make_is_read(kind: str) -> None:
    image = corners((200, 100))
    decoded = decode(saved(image, kind, quality=95))
    assert (decoded.format, decoded.original_width, decoded.original_height) == (kind, 200, 100)
    assert decoded.rgb.shape == (100, 200, 3)
    assert decoded.rgb.dtype == np.uint8
    assert np.abs(decoded.rgb[20, 20].astype(int) - [255, 0, 0]).max() < 12


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation_comes_out_upright(orientation: int) -> None:
    upright = corners()
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}
    stored = upright if orientation == 1 else upright.transpose(Image.Transpose(undo[orientation]))
    exif = Image.Exif()
    exif[274] = orientation
    decoded = decode(saved(stored, "PNG", exif=exif))
    assert np.array_equal(decoded.rgb, np.asarray(upright))
    assert decoded.exif_orientation_present
    assert (decoded.original_width, decoded.original_height) == stored.size


def test_a_picture_without_the_tag_does_not_claim_to_be_upright() -> None:
    assert not decode(saved(corners(), "PNG")).exif_orientation_present


@pytest.mark.parametrize("orientation", [0, 9, 200])
def test_an_orientation_that_does_not_exist_turns_nothing(orientation: int) -> None:
    exif = Image.Exif()
    exif[274] = orientation
    decoded = decode(saved(corners(), "PNG", exif=exif))
    assert np.array_equal(decoded.rgb, np.asarray(corners()))
    assert not decoded.exif_orientation_present


def test_damaged_metadata_does_not_spoil_a_sound_picture() -> None:
    exif = b"Exif\x00\x00MM\x00*\x00\x00\x00\x08\xff\xff" + bytes(7)
    assert not decode(saved(corners(), "PNG", exif=exif)).exif_orientation_present


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("L", (54, 54, 54)),
        ("1", (0, 0, 0)),
        ("P", (255, 0, 0)),
        ("RGBA", (255, 0, 0)),
        ("LA", (76, 76, 76)),
        ("I;16", (128, 128, 128)),
    ],
)
def test_every_kind_of_pixel_becomes_eight_bit_rgb(
    mode: str, expected: tuple[int, int, int]
) -> None:
    if mode == "I;16":
        image = Image.fromarray(np.full((16, WIDE), 128 * 257, np.uint16))
    elif mode == "L":
        image = Image.new("L", (WIDE, 16), 54)
    elif mode == "1":
        image = Image.new("1", (WIDE, 16), 0)
    else:
        image = Image.new("RGB", (WIDE, 16), "red").convert(mode)
    assert tuple(decode(saved(image, "PNG")).rgb[3, 3]) == expected


def test_a_cmyk_photograph_becomes_rgb() -> None:
    decoded = decode(saved(Image.new("CMYK", (WIDE, 16), (0, 255, 255, 0)), "JPEG", quality=95))
    assert np.abs(decoded.rgb[8, 8].astype(int) - [255, 0, 0]).max() < 20


def test_transparent_parts_lie_over_white_whatever_colour_they_hide() -> None:
    pixels = np.zeros((16, WIDE, 4), np.uint8)
    pixels[..., 0] = 200
    pixels[:, : WIDE // 2, 3] = 255
    decoded = decode(saved(Image.fromarray(pixels), "PNG"))
    assert tuple(decoded.rgb[4, 2]) == (200, 0, 0)
    assert tuple(decoded.rgb[4, -2]) == (255, 255, 255)


def test_an_overlay_keeps_its_own_alpha_and_is_opaque_without() -> None:
    pixels = np.zeros((16, WIDE, 4), np.uint8)
    pixels[..., 1] = 90
    pixels[:, :5, 3] = 130
    assert np.array_equal(decode_rgba(saved(Image.fromarray(pixels), "PNG")), pixels)
    assert (decode_rgba(saved(corners(), "PNG"))[..., 3] == 255).all()


def test_a_palette_with_one_transparent_colour_has_alpha() -> None:
    image = Image.new("P", (WIDE, 16), 0)
    image.putpalette([250, 0, 0, 0, 0, 250])
    image.paste(1, (0, 0, 5, 16))
    overlay = decode_rgba(saved(image, "PNG", transparency=0))
    assert tuple(overlay[0, 0]) == (0, 0, 250, 255)
    assert overlay[0, -1, 3] == 0


def test_colours_of_another_profile_are_turned_into_srgb() -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    same = decode(saved(corners(), "PNG", icc_profile=lab))
    assert np.abs(same.rgb.astype(int) - np.asarray(corners())).max() <= 1
    swapped = lab.replace(b"rXYZ", b"tttt").replace(b"bXYZ", b"rXYZ").replace(b"tttt", b"bXYZ")
    turned = decode(saved(corners(), "PNG", icc_profile=swapped))
    assert turned.rgb[2, 2, 2] > 200
    assert turned.rgb[2, 2, 0] < 60


def test_a_profile_that_is_no_profile_is_taken_for_srgb() -> None:
    decoded = decode(saved(corners(), "PNG", icc_profile=b"nonsense" * 30))
    assert np.array_equal(decoded.rgb, np.asarray(corners()))


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "AVIF"])
def test_of_an_animation_the_first_frame_is_taken(kind: str) -> None:
    frames = [Image.new("RGB", (64, 64), colour) for colour in ("red", "lime", "blue")]
    data = saved(frames[0], kind, save_all=True, append_images=frames[1:], duration=10)
    assert np.abs(decode(data).rgb[30, 30].astype(int) - [255, 0, 0]).max() < 12


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_picture_of_more_than_sixteen_million_pixels_is_halved(kind: str) -> None:
    large = corners((5000, 3600))
    decoded = decode(saved(large, kind, quality=80))
    assert (decoded.original_width, decoded.original_height) == (5000, 3600)
    assert decoded.rgb.shape == (1800, 2500, 3)
    assert np.abs(decoded.rgb[400, 400].astype(int) - [255, 0, 0]).max() < 12
    assert np.abs(decoded.rgb[400, 2000].astype(int) - [0, 255, 0]).max() < 12


def test_a_large_overlay_is_halved_without_a_dark_rim() -> None:
    pixels = np.zeros((3600, 5000, 4), np.uint8)
    pixels[:, 1001:] = (200, 100, 50, 255)
    halved = decode_rgba(saved(Image.fromarray(pixels), "PNG", compress_level=1))
    assert halved.shape == (1800, 2500, 4)
    assert np.abs(halved[900, 500, :3].astype(int) - [200, 100, 50]).max() <= 2
    assert 120 < halved[900, 500, 3] < 135


@pytest.mark.parametrize(
    ("at_least", "side"),
    [(None, 1600), (1600, 1600), (801, 1600), (800, 800), (300, 400), (9, 200)],
)
def test_a_jpeg_is_read_no_larger_than_it_must_be(at_least: int | None, side: int) -> None:
    data = saved(corners((1600, 1200)), "JPEG", quality=95)
    decoded = decode(data, at_least=at_least)
    assert decoded.rgb.shape == (side * 3 // 4, side, 3)
    assert decoded.original_width == 1600
    assert np.abs(decoded.rgb[9, -9].astype(int) - [0, 255, 0]).max() < 12


def test_limits_are_the_callers_to_lower() -> None:
    assert refusal(saved(corners(), "PNG"), max_pixels=100) == "too-many-pixels"
    assert refusal(saved(corners(), "PNG"), max_bytes=20) == "too-large"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF"])
@pytest.mark.parametrize("part", [0.5, 0.9])
def test_a_picture_that_is_cut_short_is_refused(kind: str, part: float, astronaut: Rgb) -> None:
    data = saved(Image.fromarray(astronaut), kind)
    assert refusal(data[: int(len(data) * part)]) == "unreadable-image"


def read_or_refused(data: bytes) -> str:
    try:
        decode(data)
    except ImageRefused as refused:
        return refused.code
    return "read"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_random_damage_is_read_or_refused_but_never_crashes(kind: str, astronaut: Rgb) -> None:
    data = saved(Image.fromarray(astronaut[::4, ::4]), kind)
    chance = random.Random(7)
    for _ in range(150):
        damaged = bytearray(data)
        for _ in range(chance.randint(1, 12)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        outcome = read_or_refused(bytes(damaged))
        assert outcome in {"read", "unsupported-type", "unreadable-image", "too-many-pixels"}


def test_an_animation_that_counts_no_time_is_refused() -> None:
    """Pillow's reader divides by the time scale; random damage found it."""
    frames = [Image.new("RGB", (64, 64), colour) for colour in ("red", "blue")]
    data = bytearray(saved(frames[0], "AVIF", save_all=True, append_images=frames[1:]))
    header = data.index(b"mdhd") + 4
    scale = header + (20 if data[header] == 1 else 12)
    data[scale : scale + 4] = bytes(4)
    assert read_or_refused(bytes(data)) == "unreadable-image"


def test_a_refusal_survives_the_way_back_from_a_process() -> None:
    refused = pickle.loads(pickle.dumps(ImageRefused("too-large", "the file is too large")))
    assert (refused.code, refused.message) == ("too-large", "the file is too large")


@pytest.fixture
def heif_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A stand-in for the extra's package: it registers nothing, and counts that it was asked."""
    (tmp_path / "pillow_heif.py").write_text(
        "asked = []\ndef register_heif_opener():\n    asked.append(True)\n", encoding="utf-8"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "pillow_heif", raising=False)
    formats.cache_clear()
    yield
    sys.modules.pop("pillow_heif", None)  # not by monkeypatch, which would put it back
    formats.cache_clear()


@pytest.mark.usefixtures("heif_reader")
def test_heic_is_taken_where_its_reader_is_installed() -> None:
    assert formats() == ("JPEG", "PNG", "WEBP", "AVIF", "HEIF")
    assert formats()[-1] == "HEIF"
    assert sys.modules["pillow_heif"].asked == [True]


def test_a_phones_heic_is_read_where_its_reader_is_installed() -> None:
    """Its boxes turn it, not its EXIF, which the reader therefore sets right."""
    pytest.importorskip("pillow_heif")
    assert "HEIF" in formats()
    exif = Image.Exif()
    exif[274] = 6
    decoded = decode(saved(corners((64, 48)), "HEIF", exif=exif, quality=95))
    assert (decoded.format, decoded.rgb.shape) == ("HEIF", (48, 64, 3))
    assert np.abs(decoded.rgb[4, -4].astype(int) - [0, 255, 0]).max() < 12
