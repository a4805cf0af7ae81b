"""What a photograph must show for each kind of piece: the one place that says so."""

from collections.abc import Iterable, Mapping
from typing import Any

NECK_TYPES = frozenset({"necklace", "pendant", "chain", "choker", "mangalsutra", "haram"})
EAR_TYPES = frozenset({"earrings", "earring", "studs", "jhumka"})
SETS = frozenset({"set"})
NOSE_TYPES = frozenset({"nose_pin"})
FOREHEAD_TYPES = frozenset({"maang_tikka"})
FACE_TYPES = NOSE_TYPES | FOREHEAD_TYPES
FINGER_TYPES = frozenset({"ring"})
WRIST_TYPES = frozenset({"bracelet", "bangle"})
HAND_TYPES = FINGER_TYPES | WRIST_TYPES
HEAD_TYPES = FACE_TYPES | EAR_TYPES | SETS
"""Those that are placed, or hidden, by the head."""

NO_HAND = "no hand is seen on the photograph"


def lack(product_types: Iterable[str], analysis: Mapping[str, Any]) -> tuple[str, str] | None:
    """Code and reason why none of these pieces can be worn on a photograph: the first one's. None
    when one can, or when only rendering tells. analysis: an `Analysis` as a dictionary.
    """
    lacking = [_lack_of(each, analysis) for each in product_types]
    return lacking[0] if all(lacking) else None


def _lack_of(product_type: str, analysis: Mapping[str, Any]) -> tuple[str, str] | None:
    reasons = ", ".join(analysis.get("reasons") or ["no-face"])
    if product_type in HAND_TYPES:
        return ("not-wearable-here", NO_HAND) if analysis.get("hands") == [] else None
    if product_type in EAR_TYPES | FACE_TYPES:
        faces = analysis.get("faces")
        return None if faces else ("no-face", f"no face was found on the photograph ({reasons})")
    if analysis.get("neck") is None:
        return "no-neck", f"no neck to hang it on was found on the photograph ({reasons})"
    return None
