"""The wearer's head, for pieces on the face: the mesh, and where the person ends.

Both are measured again from the photograph, as the masks are, and not stored: points of a face
are biometric, and an analysis that was stored before pieces were worn there serves as well.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np

from imaging.encode import fit
from imaging.landmarks import FOREHEAD, Mesh, mesh_near
from imaging.neck import FACE_WIDTH_MM, HeadAxes, head_axes
from imaging.scene import LOOKED_AT, OVAL, face_boxes
from imaging.torso import person_under
from imaging.types import Alpha, Analysis, FloatArray, Masks, Rgb

BROWS = 9
"""The mesh's point between the eyebrows."""


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """mesh: pixels of the photograph. person: (height, width) of the photograph, 0..255, how
    sure a pixel is of the wearer, hair included.
    """

    mesh: Mesh
    person: Alpha

    @property
    def axes(self) -> HeadAxes:
        return head_axes(self.mesh)

    @property
    def px_per_mm(self) -> float:
        return self.axes.width / FACE_WIDTH_MM

    @property
    def forehead(self) -> FloatArray:
        """From the hairline to between the brows, (3,): pixels across, down, and in depth."""
        return np.asarray(self.mesh.points[BROWS] - self.mesh.points[FOREHEAD], np.float32)


def head_of(rgb: Rgb, analysis: Analysis) -> Head | None:
    """The primary's head; None without a face, and for a profile, which the mesh does not fit.

    rgb: the upright photograph at the analysis' size. Safe in any thread; deterministic.
    """
    face = analysis.primary_face
    if face is None:
        return None
    small = fit(rgb, LOOKED_AT)
    scale = small.shape[1] / rgb.shape[1]
    own, others = face_boxes(analysis, scale)
    mesh = mesh_near(small, own, angle=math.radians(face.pose.roll))
    if mesh.presence < 0.5:
        return None
    person = person_under(small, mesh, others, angle=mesh.roll).scaled(1 / scale)
    height, width = rgb.shape[:2]
    quarter = (max(1, width // 4), max(1, height // 4))
    seen = np.clip(person.seen((0, 0, width, height), quarter) * 255, 0, 255)
    whole = cv2.resize(seen.astype(np.uint8), (width, height), interpolation=cv2.INTER_LINEAR)
    return Head(mesh.scaled(1 / scale), np.asarray(whole, np.uint8))


def lit_skin(head: Head, masks: Masks) -> Alpha:
    """The face as skin, beside that of the neck, for light on pieces that lie on it."""
    skin = masks.skin.copy()
    cv2.fillPoly(skin, [head.mesh.points[OVAL, :2].astype(np.int32)], 255)
    return skin
