"""Colours come out as they were meant: patches in other spaces against their numbers in sRGB."""

import struct

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms

from imaging import colours
from imaging.decode import decode, decode_rgba
from imaging.types import Rgb
from tests.imaging.making import chunk, corners, png, saved, segment, with_segments
from tests.imaging.profiles import (
    ADOBE_RGB,
    DISPLAY_P3,
    INK_LAB,
    SRGB,
    grey_profile,
    ink_profile,
    matrix_profile,
    srgb_of_light,
)

Numbers = NDArray[np.float64]

PATCHES = np.array(
    [(200, 120, 90), (90, 160, 110), (40, 60, 120), (128, 128, 128), (250, 240, 200), (12, 9, 20)]
)
"""Inside sRGB in every space below, so that nothing is cut off."""


QUALITY: dict[str, dict[str, object]] = {
    "PNG": {},
    "JPEG": {"quality": 100, "subsampling": 0},
    "WEBP": {"lossless": True},
}


def patches(values: NDArray[np.int64]) -> Image.Image:
    """Sixteen pixels wide and high each, so that a JPEG keeps their middles."""
    return Image.fromarray(np.repeat(np.repeat([values], 16, 0), 16, 1).astype(np.uint8))


def middles(rgb: Rgb) -> Numbers:
    return rgb[8, 8::16].astype(float)


def light_of(values: NDArray[np.int64], gamma: float | None) -> Numbers:
    part = values / 255
    if gamma is not None:
        return part**gamma
    return np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)


@pytest.mark.parametrize(
    ("primaries", "gamma"),
    [(DISPLAY_P3, None), (ADOBE_RGB, 563 / 256), (SRGB, 1.0), (SRGB, 1.8)],
    ids=["Display P3", "Adobe RGB", "linear", "gamma 1.8"],
)
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_profile_of_red_green_and_blue_is_followed(
    kind: str, primaries: tuple[tuple[float, ...], ...], gamma: float | None
) -> None:
    xyz = light_of(PATCHES, gamma) @ np.array(primaries)
    expected = srgb_of_light((xyz @ np.linalg.inv(np.array(SRGB))).clip(0, 1))
    quality = QUALITY[kind]
    profile = matrix_profile(primaries, gamma=gamma)
    data = saved(patches(PATCHES), kind, icc_profile=profile, **quality)
    found = middles(decode(data).rgb)
    assert np.abs(found - expected).max() <= (2 if kind != "JPEG" else 6)
    assert np.abs(PATCHES - expected).max() > 6, "without the profile it would be another picture"


def test_a_profile_of_greys_is_followed_in_eight_and_in_sixteen_bits() -> None:
    dark = 700
    expected = float(srgb_of_light(np.array(dark / 65535)))
    profile = grey_profile(1.0)
    wide = Image.fromarray(np.full((16, 24), dark, np.uint16))
    assert abs(int(decode(saved(wide, "PNG", icc_profile=profile)).rgb[3, 3, 1]) - expected) <= 2
    narrow = Image.new("L", (24, 16), 100)
    light = float(srgb_of_light(np.array(100 / 255)))
    assert abs(int(decode(saved(narrow, "PNG", icc_profile=profile)).rgb[3, 3, 1]) - light) <= 2


def lab_as_srgb(lab: tuple[int, int, int]) -> Numbers:
    lightness, a, b = lab[0] / 2.55, lab[1] - 128, lab[2] - 128
    y = (lightness + 16) / 116
    part = np.array([y + a / 500, y, y - b / 200])
    xyz = np.where(part > 6 / 29, part**3, (part - 4 / 29) * 3 * (6 / 29) ** 2)
    light = (xyz * (0.9642, 1.0, 0.8249)) @ np.linalg.inv(np.array(SRGB))
    return srgb_of_light(light.clip(0, 1))


@pytest.mark.parametrize("inks", INK_LAB)
def test_a_profile_of_inks_is_followed(inks: int) -> None:
    ink = tuple(255 * (inks >> shift & 1) for shift in (3, 2, 1, 0))
    image = Image.new("CMYK", (24, 16), ink)
    data = saved(image, "JPEG", quality=100, icc_profile=ink_profile())
    found = decode(data).rgb[8, 8].astype(float)
    assert np.abs(found - lab_as_srgb(INK_LAB[inks])).max() <= 4


INKS = [((0, 255, 255, 0), (255, 0, 0)), ((255, 0, 0, 0), (0, 255, 255)),
        ((0, 0, 0, 128), (127, 127, 127)), ((0, 0, 0, 0), (255, 255, 255))]  # fmt: skip


@pytest.mark.parametrize(("inks", "expected"), INKS)
def test_inks_without_a_profile_are_mixed_plainly(
    inks: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    data = saved(Image.new("CMYK", (24, 16), inks), "JPEG", quality=100)
    assert b"Adobe" in data
    assert np.abs(decode(data).rgb[8, 8].astype(int) - expected).max() <= 2


def test_inks_without_adobes_marker_are_taken_for_inverted_as_browsers_do() -> None:
    data = saved(Image.new("CMYK", (24, 16), (0, 255, 255, 0)), "JPEG", quality=100)
    at = data.index(b"Adobe") - 4
    bare = data[:at] + data[at + 16 :]
    assert np.array_equal(decode(bare).rgb, decode(data).rgb)


def test_inks_stored_as_brightness_and_colour_are_read() -> None:
    """YCCK: what Photoshop writes. Adobe's marker says 2, and the first three inks are YCbCr."""
    red = (0, 255, 255, 0)
    stored = Image.merge(
        "CMYK",
        [
            band.point(lambda value: 255 - value)
            for band in Image.new("RGB", (24, 16), red[:3]).convert("YCbCr").split()
        ]
        + [Image.new("L", (24, 16), red[3])],
    )
    data = bytearray(saved(stored, "JPEG", quality=100, subsampling=0))
    data[data.index(b"Adobe") + 11] = 2
    assert np.abs(decode(bytes(data)).rgb[8, 8].astype(int) - (255, 0, 0)).max() <= 3


def misfits() -> dict[str, bytes]:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    wrong_class = srgb[:12] + b"link" + srgb[16:]
    return {
        "of inks": ink_profile(),
        "of greys": grey_profile(2.2),
        "a link": wrong_class,
        "a name": srgb[:12] + b"nmcl" + srgb[16:],
        "abstract": srgb[:12] + b"abst" + srgb[16:],
        "cut short": srgb[:200],
        "lying about its size": b"\xff\xff\xff\xff" + srgb[4:],
        "with tags outside": srgb.replace(srgb[136:140], b"\x7f\xff\xff\xff", 1),
        "four billion tags": srgb[:128] + b"\xff\xff\xff\xff" + srgb[132:],
        "empty": b"",
    }


@pytest.mark.parametrize("name", misfits())
@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_profile_that_does_not_fit_leaves_the_colours_alone(kind: str, name: str) -> None:
    profile = misfits()[name]
    options = QUALITY[kind]
    plain = decode(saved(corners((64, 48)), kind, **options)).rgb.astype(int)
    found = decode(saved(corners((64, 48)), kind, icc_profile=profile, **options)).rgb
    assert np.abs(found - plain).max() <= 1


@pytest.mark.parametrize(
    ("bits", "colour", "row", "clear"),
    [
        (1, 0, bytes([0b11110000]), b"\x00\x01"),
        (2, 0, bytes([0b10101010, 0]), b"\x00\x02"),
        (4, 0, bytes([0x55, 0x55, 0, 0]), b"\x00\x05"),
        (8, 0, bytes([90] * 4 + [0] * 4), b"\x00\x5a"),
        (16, 0, struct.pack(">8H", *[3000] * 4, *[0] * 4), struct.pack(">H", 3000)),
        (8, 2, bytes([9, 8, 7] * 4 + [0] * 12), struct.pack(">3H", 9, 8, 7)),
        (
            16,
            2,
            struct.pack(">24H", *[900, 800, 70] * 4, *[0] * 12),
            struct.pack(">3H", 900, 800, 70),
        ),
    ],
)
def test_a_transparent_colour_is_clear_at_every_depth(
    bits: int, colour: int, row: bytes, clear: bytes
) -> None:
    data = png(
        width=8, height=8, bits=bits, colour=colour,
        data=(b"\0" + row) * 8, before=chunk(b"tRNS", clear),
    )  # fmt: skip
    alpha = decode_rgba(data)[..., 3]
    assert (alpha[:, :4] == 0).all()
    assert (alpha[:, 4:] == 255).all()
    assert (decode(data).rgb[:, :4] == 255).all()


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGB", "RGBA", "I;16"])
def test_a_large_picture_of_any_kind_is_halved(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(colours, "KEPT_PIXELS", 1000)
    if mode == "I;16":
        image = Image.fromarray(np.full((40, 60), 200 * 257, np.uint16))
    else:
        image = Image.new("RGB", (60, 40), (200, 200, 200)).convert(mode, dither=Image.Dither.NONE)
    decoded = decode(saved(image, "PNG"))
    assert (decoded.original_width, decoded.original_height) == (60, 40)
    assert decoded.rgb.shape == (20, 30, 3)
    assert abs(int(decoded.rgb[9, 9, 0]) - (255 if mode == "1" else 200)) <= 4


def test_an_interlaced_picture_is_read() -> None:
    """A scanner's: PNG with Adam7, of which the first pass alone has the corner."""
    pixels = bytes(range(10, 14))
    data = png(
        width=2, height=2, bits=8, colour=0, interlaced=1,
        data=b"\0" + pixels[:1] + b"\0" + pixels[1:2] + b"\0" + pixels[2:],
    )  # fmt: skip
    assert decode(data).rgb[..., 0].tolist() == [[10, 11], [12, 13]]


def test_a_picture_with_two_profiles_in_pieces_is_read() -> None:
    """Segments that count wrongly are no profile."""
    half = segment(0xE2, b"ICC_PROFILE\0\x01\x02" + matrix_profile(DISPLAY_P3, gamma=None)[:200])
    data = with_segments(saved(corners((64, 48)), "JPEG"), half)
    assert np.array_equal(decode(data).rgb, decode(saved(corners((64, 48)), "JPEG")).rgb)
