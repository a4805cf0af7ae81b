"""What imaging refuses, with a code that callers show to people.

ImageRefused    no picture that we take, no product that can be cut out, or none worn there
ModelRefused    a net's weights are missing, or are not the ones the manifest names
"""

from typing import Literal, TypeAlias

RefusalCode: TypeAlias = Literal[
    "unsupported-type",
    "too-large",
    "unreadable-image",
    "too-many-pixels",
    "product-not-cuttable",
    "not-wearable-here",
]


class ImageRefused(ValueError):
    """code is stable; message is a sentence for the person who sent the picture."""

    def __init__(self, code: RefusalCode, message: str) -> None:
        super().__init__(message)
        self.code: RefusalCode = code
        self.message = message

    def __reduce__(self) -> tuple[type["ImageRefused"], tuple[RefusalCode, str]]:
        """Two arguments, so that it survives the way back from a process pool."""
        return (ImageRefused, (self.code, self.message))


class ModelRefused(RuntimeError):
    """The weights are missing or wrong; the message says which, and how to fetch them."""
