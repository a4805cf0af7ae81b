"""What is stored: sizes, and bytes that depend on nothing but the pixels."""

import numpy as np

from imaging.decode import decode
from imaging.encode import encode_jpeg, encode_png, sizes
from imaging.types import Rgb


def test_sizes_shrink_and_never_enlarge(astronaut: Rgb) -> None:
    made = sizes(astronaut)
    assert {side: max(picture.shape) for side, picture in made.items()} == {
        1600: 512,
        1024: 512,
        320: 320,
    }
    wide = sizes(np.zeros((10, 3000, 3), np.uint8))
    assert [picture.shape for picture in wide.values()] == [(5, 1600, 3), (3, 1024, 3), (1, 320, 3)]


def test_the_same_pixels_make_the_same_bytes(astronaut: Rgb) -> None:
    assert encode_jpeg(astronaut) == encode_jpeg(astronaut.copy())
    assert np.array_equal(decode(encode_png(astronaut)).rgb, astronaut)
