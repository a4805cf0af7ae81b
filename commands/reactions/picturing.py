"""What is asked for is rendered; with all that imaging does by itself, in `PICTURING`.

Policies of the worker: each runs at least once for its event and acts once. The pictures are
content-addressed, so a repeated render writes the same object.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from commands.decisions.tryon import answer_try_on
from commands.effects.analysis import is_forgotten, is_out_of_sight, told
from commands.effects.keys import result_key
from commands.effects.rendering import UNWORN, inputs_of, render, sha256
from commands.reactions.analysing import act_unless_forgotten, uploaded_photograph_is_analysed
from commands.reactions.policy import Policy, policy
from commands.reactions.removing import (
    deleted_pictures_leave_no_bytes,
    erased_person_leaves_no_pictures,
    superseded_pictures_leave_no_bytes,
    withdrawn_consent_removes_the_photographs,
)
from dependencies.services import Services
from domain.errors import NotFound
from domain.ports.events import RecordedEvent
from domain.tryon import Picture, TryOn
from domain.tryon_events import (
    TryOnAdjusted,
    TryOnRendered,
    TryOnRequested,
    TryOnSaved,
    TryOnStatus,
)
from imaging.types import PIPELINE_VERSION


@dataclass(frozen=True, kw_only=True)
class Size:
    """One of the pictures of a result: how large, and how the result takes it, or does without."""

    command: str
    max_side: int | None
    """Longest side in pixels; None: as the photograph."""
    take: Callable[..., None]
    miss: Callable[..., None]


PREVIEW = Size(command="RenderTryOn", max_side=1024, take=TryOn.render, miss=TryOn.fail)
FULL = Size(command="FinishTryOn", max_side=None, take=TryOn.finish, miss=TryOn.leave_as_preview)


@policy("requested_try_on_is_rendered", on=(TryOnRequested, TryOnAdjusted))
async def requested_try_on_is_rendered(recorded: RecordedEvent, services: Services) -> None:
    """A requested or adjusted try-on is rendered, or says why it cannot be."""
    result: TryOn | None = await services.store.load(TryOn, recorded.event.object_id)
    if result is not None and result.status is TryOnStatus.PROCESSING:
        await _answer("requested_try_on_is_rendered", PREVIEW, result, recorded, services)


@policy("saved_result_is_rendered_in_full_size", on=(TryOnSaved, TryOnRendered))
async def saved_result_is_rendered_in_full_size(
    recorded: RecordedEvent, services: Services
) -> None:
    """A saved result is rendered as large as its photograph, at once and after each adjustment."""
    result: TryOn | None = await services.store.load(TryOn, recorded.event.object_id)
    if result is not None and result.awaits_full_size:
        await _answer("saved_result_is_rendered_in_full_size", FULL, result, recorded, services)


async def _answer(
    name: str, size: Size, result: TryOn, recorded: RecordedEvent, services: Services
) -> None:
    if await is_out_of_sight(result.image_id, result.user_id, services):
        return

    async def tell(answer: Callable[..., None]) -> None:
        handler = partial(answer_try_on, result, answer)
        await act_unless_forgotten(name, handler, recorded, services, command=size.command)

    try:
        picture = await _picture(result, services, max_side=size.max_side)
    except UNWORN as refused:
        code = "picture-missing" if isinstance(refused, NotFound) else refused.code
        why = {"code": code, "reason": told(refused), "pipeline_version": PIPELINE_VERSION}
        await tell(partial(size.miss, **why))
        return
    await tell(partial(size.take, picture=picture))
    if not await _is_kept(picture.key, result, services):
        await services.objects.delete(picture.key)


async def _picture(result: TryOn, services: Services, *, max_side: int | None) -> Picture:
    """Render and store. Raise `UNWORN`."""
    inputs = await inputs_of(result, services, max_side=max_side)
    made = await render(inputs, result.adjustments, services)
    key = result_key(
        result.user_id, result.object_id, revision=result.revision, sha256=sha256(made.jpeg)
    )
    await services.objects.put(key, made.jpeg, content_type="image/jpeg")
    return Picture(
        key=key,
        width=made.width,
        height=made.height,
        pipeline_version=PIPELINE_VERSION,
        made_of=inputs.named(),
        left_out=made.left_out,
    )


async def _is_kept(key: str, asked: TryOn, services: Services) -> bool:
    """Whether the result shows this picture. It may have been deleted or adjusted meanwhile, and its
    owner forgotten: then nobody else would remove the bytes.
    """
    result: TryOn = await services.store.load(TryOn, asked.object_id)
    if result.status is TryOnStatus.DELETED or await is_forgotten(result.user_id, services):
        return False
    return key in result.keys


PICTURING: tuple[Policy, ...] = (
    uploaded_photograph_is_analysed,
    requested_try_on_is_rendered,
    saved_result_is_rendered_in_full_size,
    superseded_pictures_leave_no_bytes,
    withdrawn_consent_removes_the_photographs,
    deleted_pictures_leave_no_bytes,
    erased_person_leaves_no_pictures,
)
