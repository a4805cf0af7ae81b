"""What imaging measures and what it is told: values in pixels of the upright stored photograph.

Left and right are the picture's, not the wearer's. x grows to the right, y downwards, both from
the centre of the top left pixel; angles are degrees, positive clockwise as seen on the picture.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

PIPELINE_VERSION = "2"

Rgb: TypeAlias = NDArray[np.uint8]
"""(height, width, 3) sRGB, 8 bits."""

Rgba: TypeAlias = NDArray[np.uint8]
"""(height, width, 4) sRGB with straight (not premultiplied) alpha, 8 bits."""

Alpha: TypeAlias = NDArray[np.uint8]
"""(height, width) coverage: 0 nothing, 255 all."""

FloatArray: TypeAlias = NDArray[np.float32]

Side: TypeAlias = Literal["left", "right"]

Reason: TypeAlias = Literal[
    "no-face", "face-too-small", "neck-out-of-frame", "profile", "low-confidence"
]


def _rounded(value: float) -> float:
    return round(float(value), 3)


@dataclass(frozen=True, slots=True)
class Point:
    """A place on the picture, pixels."""

    x: float
    y: float

    def to_dict(self) -> dict[str, float]:
        return {"x": _rounded(self.x), "y": _rounded(self.y)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Point":
        return cls(float(data["x"]), float(data["y"]))


@dataclass(frozen=True, slots=True)
class Box:
    """An upright rectangle, pixels; x and y are its top left corner."""

    x: float
    y: float
    width: float
    height: float

    @property
    def centre(self) -> Point:
        return Point(self.x + self.width / 2, self.y + self.height / 2)

    def to_dict(self) -> dict[str, float]:
        return {
            "x": _rounded(self.x),
            "y": _rounded(self.y),
            "width": _rounded(self.width),
            "height": _rounded(self.height),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Box":
        return cls(*(float(data[name]) for name in ("x", "y", "width", "height")))


@dataclass(frozen=True, slots=True)
class Pose:
    """How the head is held, degrees: yaw > 0 turned to the picture's right, pitch > 0 looking
    up, roll > 0 tilted clockwise. The mesh under-reports yaw: 45 reads as about 30.
    """

    yaw: float
    pitch: float
    roll: float

    def to_dict(self) -> dict[str, float]:
        return {
            "yaw": _rounded(self.yaw),
            "pitch": _rounded(self.pitch),
            "roll": _rounded(self.roll),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Pose":
        return cls(float(data["yaw"]), float(data["pitch"]), float(data["roll"]))


NO_LANDMARKS: FloatArray = np.zeros((0, 3), np.float32)


@dataclass(frozen=True, slots=True)
class Face:
    """A face; score is the detector's 0..1, presence the mesh's belief 0..1 that it fits.

    landmarks are the 468 mesh points, (468, 3) float32: x, y in pixels, z in pixels towards the
    back. They are biometric data, so they are not stored: a Face from a dict has none, (0, 3).
    """

    box: Box
    score: float
    pose: Pose
    presence: float
    landmarks: FloatArray = field(default_factory=lambda: NO_LANDMARKS, compare=False, repr=False)

    def to_dict(self) -> dict[str, Any]:
        return {
            "box": self.box.to_dict(),
            "score": _rounded(self.score),
            "pose": self.pose.to_dict(),
            "presence": _rounded(self.presence),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Face":
        return cls(
            box=Box.from_dict(data["box"]),
            score=float(data["score"]),
            pose=Pose.from_dict(data["pose"]),
            presence=float(data["presence"]),
        )


@dataclass(frozen=True, slots=True)
class Neck:
    """Where a necklace lies.

    box: left to right edge, chin to notch, clipped to the picture (the API's `neckPosition`).
    left, right: where the neck's silhouette is narrowest; notch: the dip between the collar bones.
    angle: the torso's lean, degrees clockwise (necklaces follow the torso, not the head).
    width: distance from left to right, pixels. px_per_mm: from the face's width of 132 mm.
    yaw: the torso's turn, degrees, > 0 to the picture's right. confidence: 0..1.
    """

    box: Box
    left: Point
    right: Point
    chin: Point
    notch: Point
    angle: float
    width: float
    px_per_mm: float
    yaw: float
    confidence: float

    def to_dict(self) -> dict[str, Any]:
        return {
            "box": self.box.to_dict(),
            **{name: getattr(self, name).to_dict() for name in _NECK_POINTS},
            **{name: _rounded(getattr(self, name)) for name in _NECK_NUMBERS},
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Neck":
        values: dict[str, Any] = {name: Point.from_dict(data[name]) for name in _NECK_POINTS}
        values |= {name: float(data[name]) for name in _NECK_NUMBERS}
        return cls(box=Box.from_dict(data["box"]), **values)


_NECK_POINTS = ("left", "right", "chin", "notch")
_NECK_NUMBERS = ("angle", "width", "px_per_mm", "yaw", "confidence")


@dataclass(frozen=True, slots=True)
class Ear:
    """The lowest point of an ear; visible is False when the turned head hides it."""

    lobe: Point
    side: Side
    visible: bool

    def to_dict(self) -> dict[str, Any]:
        return {"lobe": self.lobe.to_dict(), "side": self.side, "visible": self.visible}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Ear":
        return cls(Point.from_dict(data["lobe"]), data["side"], bool(data["visible"]))


@dataclass(frozen=True, slots=True)
class Seat:
    """Where a ring sits on a finger, or a bracelet on an arm.

    middle: of the limb there. angle: of the way to the fingertips, degrees clockwise from up.
    width: of the limb, pixels. tilt: degrees, > 0 when the fingertips' side is nearer.
    """

    middle: Point
    angle: float
    width: float
    tilt: float

    def to_dict(self) -> dict[str, Any]:
        numbers = {name: _rounded(getattr(self, name)) for name in ("angle", "width", "tilt")}
        return {"middle": self.middle.to_dict(), **numbers}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Seat":
        numbers = (float(data[name]) for name in ("angle", "width", "tilt"))
        return cls(Point.from_dict(data["middle"]), *numbers)


@dataclass(frozen=True, slots=True)
class Hand:
    """A hand that can wear something; of its 21 points, which tell people apart, only the seats
    are kept. finger: the ring finger's. back: the back of the hand is seen, not the palm.
    score: 0..1, how sure it is a hand.
    """

    finger: Seat
    wrist: Seat
    back: bool
    score: float

    def to_dict(self) -> dict[str, Any]:
        return {
            "finger": self.finger.to_dict(),
            "wrist": self.wrist.to_dict(),
            "back": self.back,
            "score": _rounded(self.score),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Hand":
        finger, wrist = Seat.from_dict(data["finger"]), Seat.from_dict(data["wrist"])
        return cls(finger, wrist, back=bool(data["back"]), score=float(data["score"]))


@dataclass(frozen=True, slots=True)
class Analysis:
    """What was found on one photograph.

    width, height: pixels after turning. quarter_turns: how often (0..3) the given picture was
    turned clockwise by 90 degrees to stand upright; every coordinate is after that turn.
    primary: index into faces of the one that wears the jewellery. neck, ears, shoulders (left,
    right) are the primary's. reasons: why there is no neck, or why to doubt it. hands: the best
    to wear something first; None while nobody has looked for them, since that takes long.
    """

    width: int
    height: int
    faces: tuple[Face, ...] = ()
    primary: int | None = None
    neck: Neck | None = None
    ears: tuple[Ear, ...] = ()
    shoulders: tuple[Point, Point] | None = None
    reasons: tuple[Reason, ...] = ()
    quarter_turns: int = 0
    pipeline_version: str = PIPELINE_VERSION
    hands: tuple[Hand, ...] | None = None

    @property
    def primary_face(self) -> Face | None:
        return None if self.primary is None else self.faces[self.primary]

    def to_dict(self) -> dict[str, Any]:
        """Safe for JSON and MongoDB; numbers to 3 decimals; no landmarks."""
        return {
            "width": self.width,
            "height": self.height,
            "faces": [face.to_dict() for face in self.faces],
            "primary": self.primary,
            "neck": self.neck.to_dict() if self.neck else None,
            "ears": [ear.to_dict() for ear in self.ears],
            "shoulders": [point.to_dict() for point in self.shoulders or ()] or None,
            "reasons": list(self.reasons),
            "quarter_turns": self.quarter_turns,
            "pipeline_version": self.pipeline_version,
            "hands": None if self.hands is None else [hand.to_dict() for hand in self.hands],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Analysis":
        shoulders, hands = data["shoulders"], data.get("hands")
        return cls(
            width=int(data["width"]),
            height=int(data["height"]),
            faces=tuple(Face.from_dict(face) for face in data["faces"]),
            primary=data["primary"],
            neck=Neck.from_dict(data["neck"]) if data["neck"] else None,
            ears=tuple(Ear.from_dict(ear) for ear in data["ears"]),
            shoulders=(Point.from_dict(shoulders[0]), Point.from_dict(shoulders[1]))
            if shoulders
            else None,
            reasons=tuple(data["reasons"]),
            quarter_turns=int(data["quarter_turns"]),
            pipeline_version=str(data["pipeline_version"]),
            hands=None if hands is None else tuple(Hand.from_dict(hand) for hand in hands),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Masks:
    """The layers of one photograph, all (height, width) of the photograph.

    skin: skin that is seen on neck and chest. front: what lies in front of a necklace and hides
    it: chin and face, hair, collar, hands. confidence: 0..1; low where colours do not tell skin
    from cloth and only the body's geometry was used. hands: held before neck or chest, they hide
    a necklace there, over the whole photograph; None when the body shows none there.
    """

    skin: Alpha
    front: Alpha
    confidence: float
    hands: Alpha | None = None


@dataclass(frozen=True, slots=True)
class Adjustments:
    """What the customer moved, from the automatic fit.

    scale: 1 is automatic. rotation: degrees clockwise. dx, dy: pixels of the upright stored
    photograph. occlusion: hide jewellery behind hair, chin and collar. shadow, light and sparkle:
    strengths 0..1; 0 switches the effect off exactly.
    """

    scale: float = 1.0
    rotation: float = 0.0
    dx: float = 0.0
    dy: float = 0.0
    occlusion: bool = True
    shadow: float = 0.6
    light: float = 0.6
    sparkle: float = 0.3

    def to_dict(self) -> dict[str, Any]:
        numbers = ("scale", "rotation", "dx", "dy", "shadow", "light", "sparkle")
        return {
            "occlusion": self.occlusion,
            **{name: _rounded(getattr(self, name)) for name in numbers},
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Adjustments":
        return cls(**data)
