"""What a photograph must show for each kind of piece: the one place that says so."""

from collections.abc import Iterable, Mapping
from typing import Any

NECK_TYPES = frozenset({"necklace", "pendant", "chain", "choker", "mangalsutra", "haram"})
EAR_TYPES = frozenset({"earrings", "earring", "studs", "jhumka"})
SETS = frozenset({"set"})
FINGER_TYPES = frozenset({"ring"})
WRIST_TYPES = frozenset({"bracelet", "bangle"})
HAND_TYPES = FINGER_TYPES | WRIST_TYPES

NO_HAND = "no hand is seen on the photograph"


def lack(product_types: Iterable[str], analysis: Mapping[str, Any]) -> tuple[str, str] | None:
    """Code and reason why these pieces cannot be worn together on a photograph; None when they
    can, or when only rendering tells. analysis: an `Analysis` as a dictionary.
    """
    worn = frozenset(product_types)
    reasons = ", ".join(analysis.get("reasons") or ["no-face"])
    if worn & HAND_TYPES and analysis.get("hands") == []:
        return "not-wearable-here", NO_HAND
    if worn & EAR_TYPES and not analysis.get("faces"):
        return "no-face", f"no face was found on the photograph ({reasons})"
    if worn - EAR_TYPES - HAND_TYPES and analysis.get("neck") is None:
        return "no-neck", f"no neck to hang it on was found on the photograph ({reasons})"
    return None
