"""A result's pictures made once more, from what the ledger says that they were made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from commands.effects.analysis import analysis_of
from commands.effects.keys import content_of
from commands.effects.rendering import (
    UNWORN,
    Inputs,
    Worn,
    analysis_sha256,
    overlay_bytes,
    render,
    sha256,
)
from dependencies.services import Services
from domain.errors import NotFound
from domain.images import Image, ImageProcessed, ImageStatus
from domain.kernel import DomainEvent
from domain.tryon import TryOn
from domain.tryon_events import (
    MadeOf,
    PieceWorn,
    TryOnAdjusted,
    TryOnAdjustments,
    TryOnFinished,
    TryOnRendered,
    TryOnRequested,
    TryOnStatus,
)
from imaging.types import PIPELINE_VERSION

Made = TryOnRendered | TryOnFinished


class Verdict(StrEnum):
    EQUAL = "equal"
    DIFFERS = "differs"
    GONE = "inputs gone"


@dataclass(frozen=True, kw_only=True)
class Reproduction:
    picture: Made
    verdict: Verdict
    detail: str


async def reproduce(result_id: str, services: Services) -> list[Reproduction]:
    """The preview that the result shows, and its full size. Raise NotFound without a result."""
    events = await services.store.read_stream(TryOn.stream(result_id))
    result = TryOn.replay(events)
    if result is None or result.status is TryOnStatus.DELETED:
        raise NotFound("there is no such result")
    shown = [each for each in events if isinstance(each, Made) and each.key in result.keys]
    return [
        await _reproduction(picture, result, _adjustments(events, picture.revision), services)
        for picture in shown
    ]


def _adjustments(events: Sequence[DomainEvent], revision: int) -> TryOnAdjustments:
    """As they were at this revision."""
    asked: dict[int, TryOnAdjustments] = {}
    for event in events:
        if isinstance(event, TryOnRequested):
            asked[1] = event.adjustments
        elif isinstance(event, TryOnAdjusted):
            asked[event.revision] = event.adjustments
    return asked[revision]


async def _reproduction(
    picture: Made, result: TryOn, adjustments: TryOnAdjustments, services: Services
) -> Reproduction:
    try:
        inputs = await _inputs(picture.made_of, result, services)
        made = await render(inputs, adjustments, services)
        stored = await services.objects.get(picture.key)
    except UNWORN as gone:
        return Reproduction(picture=picture, verdict=Verdict.GONE, detail=str(gone))
    detail = f"pipeline {picture.pipeline_version}, here {PIPELINE_VERSION}"
    recorded = content_of(picture.key)
    same = {sha256(made.jpeg)[: len(recorded)], sha256(stored)[: len(recorded)]} == {recorded}
    verdict = Verdict.EQUAL if same else Verdict.DIFFERS
    return Reproduction(picture=picture, verdict=verdict, detail=detail)


async def _inputs(made_of: MadeOf | None, result: TryOn, services: Services) -> Inputs:
    """The very bytes. Raise NotFound where there are only others, or none."""
    if made_of is None:
        raise NotFound("the event does not say what the picture was made of")
    image: Image = await services.store.load(Image, result.image_id)
    if image.status is ImageStatus.DELETED:
        raise NotFound("the photograph is gone")
    original = await services.objects.get(image.keys.original)
    _must_be(original, made_of.image_sha256, "photograph")
    return Inputs(
        original=original,
        analysis=await _analysis(made_of, image, original, services),
        worn=tuple([await _worn(piece, services) for piece in made_of.pieces]),
        max_side=made_of.max_side,
    )


async def _analysis(
    made_of: MadeOf, image: Image, original: bytes, services: Services
) -> dict[str, Any]:
    """One that was recorded, or else what imaging finds now."""
    events = await services.store.read_stream(image.id)
    for known in [event.analysis for event in events if isinstance(event, ImageProcessed)]:
        if analysis_sha256(known) == made_of.analysis_sha256:
            return known
    analysis = await analysis_of(original, services, face=made_of.face)
    if analysis_sha256(analysis) != made_of.analysis_sha256:
        raise NotFound("the analysis is another by now")
    return analysis


async def _worn(piece: PieceWorn, services: Services) -> Worn:
    png = await overlay_bytes(piece.image, services)
    _must_be(png, piece.sha256, f"overlay of product {piece.product_id}")
    return Worn(piece, png)


def _must_be(data: bytes, digest: str, name: str) -> None:
    if sha256(data) != digest:
        raise NotFound(f"the {name} is another by now")
