"""Pictures that nobody may see any more leave no bytes: of deleted photographs, of erased people."""

import contextlib
from functools import partial

from commands.images import delete_image, delete_result
from commands.keys import folder_of_result, revision_of
from commands.policy import act, policy
from commands.unit_of_work import Handler
from dependencies import Services
from domain.accounts import PersonalDataErased
from domain.albums import Album, PhotoConsentWithdrawn
from domain.errors import NotFound
from domain.images import ImageDeleted
from domain.ports import RecordedEvent
from domain.tryon_events import TryOnDeleted, TryOnRendered

WITHDRAWN = "the consent was withdrawn"


@policy("superseded_pictures_leave_no_bytes", on=(TryOnRendered,))
async def superseded_pictures_leave_no_bytes(recorded: RecordedEvent, services: Services) -> None:
    """Once a revision is rendered, the pictures of older revisions are removed."""
    event = recorded.event
    assert isinstance(event, TryOnRendered)
    async for stored in services.objects.list(folder_of_result(event.user_id, event.object_id)):
        if stored.key != event.key and revision_of(stored.key) < event.revision:
            await services.objects.delete(stored.key)


@policy("withdrawn_consent_removes_the_photographs", on=(PhotoConsentWithdrawn,))
async def withdrawn_consent_removes_the_photographs(
    recorded: RecordedEvent, services: Services
) -> None:
    """Who withdraws consent has every photograph removed, with all that was made from it.

    Of the album as it was: what was uploaded afterwards came with a new consent. One commit for each
    photograph, so a crash in the middle goes on with the next.
    """
    event = recorded.event
    before: Album | None = Album.replay(
        await services.store.read_stream(
            event.originator_id, up_to_version=event.originator_version - 1
        )
    )
    assert before is not None
    handlers: dict[str, Handler] = {
        name: partial(delete_image, name, event.object_id, reason=WITHDRAWN)
        for name in sorted(before.photos.values())
    } | {
        name: partial(delete_result, name, reason=WITHDRAWN) for name in sorted(before.kept_results)
    }
    for name, handler in handlers.items():
        await _remove_one(name, handler, recorded, services)


async def _remove_one(
    name: str, handler: Handler, recorded: RecordedEvent, services: Services
) -> None:
    """It may be gone already, or its owner forgotten: then everything of theirs goes by itself."""
    with contextlib.suppress(NotFound):
        await act(
            "withdrawn_consent_removes_the_photographs",
            handler,
            recorded,
            services,
            command="RemovePhotograph",
            part=name,
        )


@policy("deleted_pictures_leave_no_bytes", on=(ImageDeleted, TryOnDeleted))
async def deleted_pictures_leave_no_bytes(recorded: RecordedEvent, services: Services) -> None:
    """The bytes of a deleted photograph or result are removed from the object store and from memory."""
    event = recorded.event
    if isinstance(event, ImageDeleted):
        for key in event.keys.all():
            await _remove(key, services)
    else:
        assert isinstance(event, TryOnDeleted)
        await _remove_below(folder_of_result(event.user_id, event.object_id), services)
    services.images.forget()


@policy("erased_person_leaves_no_pictures", on=(PersonalDataErased,))
async def erased_person_leaves_no_pictures(recorded: RecordedEvent, services: Services) -> None:
    """When a person is erased, every picture of theirs goes with them."""
    user_id = recorded.event.object_id
    await _remove_below(f"photos/{user_id}/", services)
    await _remove_below(f"results/{user_id}/", services)
    await _remove_below(f"incoming/{user_id}/", services)
    services.images.forget()


async def _remove_below(prefix: str, services: Services) -> None:
    async for stored in services.objects.list(prefix):
        await services.objects.delete(stored.key)


async def _remove(key: str, services: Services) -> None:
    if key:
        await services.objects.delete(key)
