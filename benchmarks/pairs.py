"""Two people side by side, made of two photographs each: does the neighbour draw the neck away?"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import cv2
import numpy as np

from benchmarks.photographs import MarkedNeck, Photograph
from imaging import neck, torso
from imaging.faces import detect
from imaging.landmarks import mesh
from imaging.types import FloatArray, Neck, Rgb

FACE_HEIGHT = 150.0
HEIGHT = 600
ASIDE = 1.3
"""Face heights that are kept on each side of a face: the neighbours' shoulders meet."""


def pairs(photos: Sequence[Photograph]) -> list[Photograph]:
    """Each photograph of one person beside the next one's, now left, now right."""
    alone = [_near(photo) for photo in photos if photo.faces == 1 and photo.neck is not None]
    return [
        _beside(own, other, on_left=bool(number % 2))
        for number, (own, other) in enumerate(zip(alone, alone[1:] + alone[:1], strict=True))
    ]


def located(photo: Photograph, models: Mapping[str, neck.Model]) -> dict[str, Neck]:
    """The marked person's neck: with the neighbour painted out, as the product does, and with
    the neighbour left in. Empty when the marked face is not detected.
    """
    found = detect(photo.rgb)
    own = photo.nearest(found)
    if own is None:
        return {}
    face = mesh(photo.rgb, own)
    height, width = photo.rgb.shape[:2]
    others = {"painted out": [each.box for each in found if each is not own], "left in": []}
    return {
        name: neck.locate(
            face,
            torso.body(photo.rgb, face, boxes),
            width=width,
            height=height,
            model=models[photo.name],
        )
        for name, boxes in others.items()
    }


def _near(photo: Photograph) -> Photograph:
    """The middle of a photograph, its face FACE_HEIGHT high, HEIGHT pixels from the top."""
    assert photo.face is not None
    size = float(photo.face[3] - photo.face[1])
    middle = float(photo.face[0] + photo.face[2]) / 2
    left = max(0, int(middle - ASIDE * size))
    part = photo.rgb[:, left : int(middle + ASIDE * size)]
    scale = FACE_HEIGHT / size
    small = cv2.resize(part, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    whole = np.full((HEIGHT, small.shape[1], 3), 90, np.uint8)
    whole[: len(small)] = small[:HEIGHT]
    return _moved(photo, whole, scale=scale, shift=-left * scale)


def _beside(own: Photograph, other: Photograph, *, on_left: bool) -> Photograph:
    both = [own.rgb, other.rgb] if on_left else [other.rgb, own.rgb]
    shift = 0.0 if on_left else float(other.rgb.shape[1])
    return _moved(own, np.hstack(both), scale=1.0, shift=shift)


def _moved(photo: Photograph, rgb: Rgb, *, scale: float, shift: float) -> Photograph:
    assert photo.neck is not None
    assert photo.face is not None

    def moved(places: FloatArray) -> FloatArray:
        across = np.array([shift, 0], np.float32)
        return (places.reshape(-1, 2) * np.float32(scale) + across).ravel()

    marks = photo.neck
    notch = None if marks.notch is None else moved(marks.notch)
    necks = MarkedNeck(moved(marks.left), moved(marks.right), moved(marks.chin), notch)
    return replace(photo, rgb=rgb, face=moved(photo.face), neck=necks, lobes={})
