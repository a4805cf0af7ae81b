"""What happens to try-on results. Topics and fields are a storage format: change them only by adding."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from domain.images import Sha256
from domain.kernel import DomainEvent, InitialEvent, Measure, PersonalData, ValueObject
from domain.overlays import Anchor
from domain.values import ImageId, ProductId, UserId

MAX_PRODUCTS = 4


class Position(ValueObject):
    """Pixels of the upright stored photograph, from the automatic anchor."""

    x: Annotated[Measure, Field(ge=-10_000, le=10_000)] = 0.0
    y: Annotated[Measure, Field(ge=-10_000, le=10_000)] = 0.0


class TryOnAdjustments(ValueObject):
    """What the customer moved: scale 1 is automatic, rotation in degrees clockwise."""

    scale: Annotated[Measure, Field(ge=0.1, le=5)] = 1.0
    rotation: Annotated[Measure, Field(ge=-180, le=180)] = 0.0
    position: Position = Position()
    face: Annotated[int, Field(ge=0, le=20)] | None = None
    occlusion: bool = True
    shadow: Annotated[Measure, Field(ge=0, le=1)] = 0.6
    light: Annotated[Measure, Field(ge=0, le=1)] = 0.6
    sparkle: Annotated[Measure, Field(ge=0, le=1)] = 0.3


class TryOnStatus(StrEnum):
    PROCESSING = "processing"
    READY = "ready"
    FAILED = "failed"
    DELETED = "deleted"


class TryOnRequested(InitialEvent):
    TOPIC: ClassVar[str] = "TryOnRequested"
    user_id: UserId
    product_id: ProductId
    product_name: str
    image_id: ImageId
    adjustments: TryOnAdjustments
    more_product_ids: tuple[ProductId, ...] = ()
    """Further pieces worn at the same time."""
    expires_at: datetime | None = None

    @model_validator(mode="after")
    def _few(self) -> Self:
        if len(self.more_product_ids) >= MAX_PRODUCTS:
            raise ValueError(f"at most {MAX_PRODUCTS} pieces at a time")
        return self


class TryOnAdjusted(DomainEvent):
    TOPIC: ClassVar[str] = "TryOnAdjusted"
    adjustments: TryOnAdjustments
    revision: int


class PieceWorn(ValueObject):
    """A product's overlay as it was worn; sha256: of its picture's bytes."""

    product_id: ProductId
    image: str
    sha256: Sha256
    product_type: str
    width_mm: Measure | None = None
    anchors: dict[str, Anchor] | None = None


class MadeOf(ValueObject):
    """What a picture was made of. With the adjustments of its revision and the pipeline's version it
    can be made again, byte for byte.
    """

    image_sha256: Sha256
    """Of the stored original's bytes."""
    analysis_sha256: Sha256
    """Of the analysis that was used: the photograph's own, or one of another face."""
    face: int | None = None
    """Which of the faces wears the pieces."""
    pieces: tuple[PieceWorn, ...]
    max_side: int
    """Longest side in pixels, at most."""


class LeftOut(ValueObject):
    """A piece that could not be worn: its place among the pieces, and why."""

    index: int
    code: str
    message: str


class TryOnRendered(DomainEvent):
    """The preview of a revision."""

    TOPIC: ClassVar[str] = "TryOnRendered"
    SUBJECT: ClassVar[str | None] = "user_id"
    user_id: UserId
    revision: int
    key: Annotated[str, PersonalData(erased="")]
    """Where the picture lies in the object store."""
    width: int
    height: int
    pipeline_version: str
    made_of: Annotated[MadeOf | None, PersonalData(erased=None)] = None
    left_out: tuple[LeftOut, ...] = ()


class TryOnFailed(DomainEvent):
    TOPIC: ClassVar[str] = "TryOnFailed"
    revision: int
    code: str
    reason: str
    pipeline_version: str = ""


class TryOnSaved(DomainEvent):
    TOPIC: ClassVar[str] = "TryOnSaved"
    full_size: bool = False
    """Whether a picture in full size was asked for with it: at first there was none."""


class TryOnFinished(DomainEvent):
    """A saved result's picture in the size of the photograph."""

    TOPIC: ClassVar[str] = "TryOnFinished"
    SUBJECT: ClassVar[str | None] = "user_id"
    user_id: UserId
    revision: int
    key: Annotated[str, PersonalData(erased="")]
    width: int
    height: int
    pipeline_version: str
    made_of: Annotated[MadeOf | None, PersonalData(erased=None)] = None
    left_out: tuple[LeftOut, ...] = ()


class TryOnLeftAsPreview(DomainEvent):
    """A saved result has no picture in full size, and why: its preview stays."""

    TOPIC: ClassVar[str] = "TryOnLeftAsPreview"
    revision: int
    code: str
    reason: str
    pipeline_version: str = ""


class TryOnShared(DomainEvent):
    TOPIC: ClassVar[str] = "TryOnShared"
    SUBJECT: ClassVar[str | None] = "user_id"
    user_id: UserId
    token: Annotated[str, PersonalData(erased="")]
    token_sha256: str
    expires_at: datetime


class TryOnUnshared(DomainEvent):
    TOPIC: ClassVar[str] = "TryOnUnshared"


class TryOnDeleted(DomainEvent):
    TOPIC: ClassVar[str] = "TryOnDeleted"
    SUBJECT: ClassVar[str | None] = "user_id"
    user_id: UserId
    keys: Annotated[tuple[str, ...], PersonalData(erased=())]
    reason: str
