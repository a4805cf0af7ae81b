"""One photograph: whose face, which way up, where the neck and the ears are, and what to doubt."""

import math
from dataclasses import dataclass, replace

import numpy as np

from imaging import masks, neck, torso
from imaging.ears import ears
from imaging.encode import fit
from imaging.faces import Detection, detect, search
from imaging.hands import hands
from imaging.landmarks import Mesh, mesh
from imaging.scaling import scaled_hand
from imaging.seats import seats
from imaging.types import Analysis, Box, Face, FloatArray, Masks, Neck, Point, Pose, Reason, Rgb

WORKING_SIDE = 1280
"""Long side in pixels of what the nets look at; more adds time and no accuracy."""

MAX_FACES = 12

SMALLEST_FACE = 48.0
"""Pixels from brow to chin below which the points of a face are guesses."""

CERTAIN = 12.0
"""Logit of the mesh. Upright faces: 14 and more; cups, clouds and dogs: below 5; faces that lie
the wrong way: 9 and less."""

LIKELY = 5.0

PROFILE_SCORE = 0.6
"""Score of the detector from which a face without a mesh, as in profile, counts if it has a body."""

PROFILE_YAW = 35.0
"""Degrees of yaw by the mesh, which reads 45 as about 30 and loses a full profile."""

DOUBTFUL = 0.4
"""Confidence below which the customer is asked to check."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """The faces of one way of holding the picture, the most prominent first."""

    rgb: Rgb
    found: tuple[tuple[Detection, Mesh], ...]

    @property
    def upright(self) -> bool:
        if not self.found:
            return False
        _, face = self.found[0]
        return face.logit > CERTAIN and abs(face.roll) < math.pi / 4


def analyse(
    rgb: Rgb,
    *,
    has_orientation: bool = True,
    wearer: int = 0,
    neck_model: neck.Model | None = None,
) -> Analysis:
    """Measure a photograph. Deterministic; safe in any thread.

    has_orientation: the file said which way is up. Without, a picture on its side is turned until
    its face stands upright; coordinates are then those of `upright(rgb, analysis)`.
    wearer: which of the faces wears the jewellery; the most prominent one is 0, and is taken too
    when there are not as many.
    neck_model: other coefficients than the product's own, to measure by leaving photographs out.
    """
    seen, turns = _held_right(fit(rgb, WORKING_SIDE), has_orientation=has_orientation)
    height, width = rgb.shape[:2] if turns % 2 == 0 else rgb.shape[1::-1]
    if not seen.found:
        nobody = Analysis(width, height, reasons=("no-face",), quarter_turns=turns)
        return with_hands(upright(rgb, nobody), nobody)
    wearer = wearer if wearer < len(seen.found) else 0
    return _measured(seen, width=width, height=height, turns=turns, wearer=wearer, model=neck_model)


def with_hands(rgb: Rgb, analysis: Analysis) -> Analysis:
    """The analysis with the hands of the upright picture.

    Only rings, bracelets and photographs without a face need them: looking for palms takes as
    long as the body, and each hand as long again.
    """
    small = fit(rgb, WORKING_SIDE)
    scale = rgb.shape[1] / small.shape[1]
    found = [scaled_hand(seats(small, skeleton), scale) for skeleton in hands(small)]
    best_first = sorted(found, key=lambda hand: -hand.wrist.width * (1.0 if hand.back else 0.6))
    return replace(analysis, hands=tuple(best_first))


def upright(rgb: Rgb, analysis: Analysis) -> Rgb:
    """The picture that the analysis speaks of."""
    return _turned(rgb, analysis.quarter_turns)


def stand_up(rgb: Rgb) -> Rgb:
    """A picture that nobody said which way is up of, turned until its face stands upright. Looks
    at faces only, which costs a fifth of an analysis.
    """
    small = fit(rgb, WORKING_SIDE)
    first = _seen_by_detector(small)
    return rgb if first.upright else _turned(rgb, _stood_up(small, first)[1])


def make_masks(rgb: Rgb, analysis: Analysis) -> Masks:
    """Visible skin, and what lies in front of a necklace; rgb is the upright picture.

    The landmarks are measured again from the stored numbers, so that an analysis that comes from
    the database gives the same masks as a fresh one. Without a neck both masks are empty.
    """
    stored = Analysis.from_dict(analysis.to_dict())
    if stored.neck is None:
        nothing = np.zeros(rgb.shape[:2], np.uint8)
        return Masks(skin=nothing, front=nothing, confidence=0.0)
    return masks.make(rgb, stored)


def _turned(rgb: Rgb, quarter_turns: int) -> Rgb:
    return np.ascontiguousarray(np.rot90(rgb, -quarter_turns)) if quarter_turns else rgb


def _held_right(rgb: Rgb, *, has_orientation: bool) -> tuple[_Seen, int]:
    """The picture the right way up, and the clockwise quarter turns that it took."""
    first = _seen_by_detector(rgb)
    if not has_orientation and not first.upright:
        seen, turns = _stood_up(rgb, first)
        if turns:
            return seen, turns
    if not first.found:
        searched = [pair for pair in _confirmed(rgb, search(rgb)) if pair[1].logit > CERTAIN]
        first = _seen(rgb, _distinct(searched))
    return first, 0


def _stood_up(rgb: Rgb, as_it_is: _Seen) -> tuple[_Seen, int]:
    """The way of holding the picture that makes its face stand upright; as it is when none does."""
    seen = {turns: _seen_by_detector(_turned(rgb, turns)) for turns in (1, 2, 3)}
    standing = [turns for turns in seen if seen[turns].upright]
    if not standing:
        return as_it_is, 0
    turns = max(standing, key=lambda each: seen[each].found[0][0].score)
    return seen[turns], turns


def _seen_by_detector(rgb: Rgb) -> _Seen:
    return _seen(rgb, _confirmed(rgb, detect(rgb)))


def _confirmed(rgb: Rgb, detections: list[Detection]) -> list[tuple[Detection, Mesh]]:
    largest = sorted(detections, key=lambda each: -float(each.box[2]))[:MAX_FACES]
    faces = [(each, mesh(rgb, each)) for each in largest]
    return [(each, face) for each, face in faces if _is_face(rgb, each, face)]


def _is_face(rgb: Rgb, found: Detection, face: Mesh) -> bool:
    return face.logit > LIKELY or (found.score > PROFILE_SCORE and torso.under(rgb, found.box))


def _seen(rgb: Rgb, found: list[tuple[Detection, Mesh]]) -> _Seen:
    middle = rgb.shape[1] / 2
    return _Seen(rgb, tuple(sorted(found, key=lambda pair: -_prominence(*pair, middle=middle))))


def _prominence(found: Detection, face: Mesh, *, middle: float) -> float:
    """Size, less up to a third for standing aside."""
    aside = min(1.0, abs(float(found.centre[0]) - middle) / middle)
    size = neck.head_axes(face).size if face.logit > 0 else float(found.box[2])
    return size * (1 - aside / 3)


def _distinct(found: list[tuple[Detection, Mesh]]) -> list[tuple[Detection, Mesh]]:
    """Of the detections whose middles lie within one another, the best."""
    kept: list[tuple[Detection, Mesh]] = []
    for each in sorted(found, key=lambda pair: -pair[0].score):
        if all(_apart(each[0], other) for other, _ in kept):
            kept.append(each)
    return kept


def _apart(one: Detection, other: Detection) -> bool:
    distance = float(np.linalg.norm(one.centre - other.centre))
    return distance > float(max(one.box[2], other.box[2])) / 2


def _measured(
    seen: _Seen, *, width: int, height: int, turns: int, model: neck.Model | None, wearer: int = 0
) -> Analysis:
    """Everything about the wearer, in pixels of the whole picture."""
    scale = width / seen.rgb.shape[1]
    own, own_face = seen.found[wearer]
    other_boxes = [each.box for each, _ in seen.found if each is not own]
    body = torso.body(seen.rgb, own_face, other_boxes).scaled(scale)
    face = own_face.scaled(scale)
    fits = face.logit > 0
    found = (
        neck.locate(face, body, width=width, height=height, model=model)
        if fits
        else neck.guess(own.box * np.float32(scale), body, width=width, height=height)
    )
    faces = tuple(_face(each, mesh_, scale) for each, mesh_ in seen.found)
    reasons = _reasons(faces[wearer], found, height=height)
    left, right = body.shoulders
    return Analysis(
        width=width,
        height=height,
        faces=faces,
        primary=wearer,
        neck=found if _in_frame(found, height=height) else None,
        ears=ears(face, model) if fits else (),
        shoulders=(_point(left), _point(right)),
        reasons=reasons,
        quarter_turns=turns,
    )


def _face(found: Detection, face: Mesh, scale: float) -> Face:
    head = neck.head_axes(face)
    return Face(
        box=Box(*(float(number) * scale for number in found.box)),
        score=found.score,
        pose=Pose(head.yaw, head.pitch, math.degrees(face.roll)),
        presence=face.presence,
        landmarks=face.scaled(scale).points,
    )


def _point(place: FloatArray) -> Point:
    return Point(float(place[0]), float(place[1]))


def _in_frame(found: Neck, *, height: int) -> bool:
    """A quarter of the neck is seen, so that there is something to lay a necklace on."""
    seen = min(height - 1.0, found.notch.y) - max(0.0, found.chin.y)
    return seen >= 0.25 * (found.notch.y - found.chin.y)


def _reasons(face: Face, found: Neck, *, height: int) -> tuple[Reason, ...]:
    """What to tell the customer; only a neck below the picture's edge leaves nothing to show."""
    doubts: dict[Reason, bool] = {
        "face-too-small": face.box.height < SMALLEST_FACE,
        "neck-out-of-frame": found.notch.y > height - 1,
        "profile": face.presence < 0.5 or abs(face.pose.yaw) > PROFILE_YAW,
        "low-confidence": found.confidence < DOUBTFUL,
    }
    return tuple(reason for reason, holds in doubts.items() if holds)
