"""Pictures that nobody may see any more leave no bytes: of deleted photographs, of erased people."""

import contextlib
from functools import partial

from commands.decisions.images import delete_image, remove_result
from commands.effects.keys import folder_of_result, revision_of
from commands.reactions.policy import act, policy
from commands.unit_of_work import Handler
from dependencies.services import Services
from domain.accounts import PersonalDataErased
from domain.albums import PhotoAdded, PhotoConsentWithdrawn
from domain.errors import NotFound
from domain.images import Image, ImageDeleted
from domain.kernel import DomainEvent
from domain.ports.events import RecordedEvent
from domain.tryon import TryOn
from domain.tryon_events import TryOnDeleted, TryOnRendered, TryOnStatus
from domain.values import ImageId, ResultId

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
    photograph, so a crash in the middle goes on with the next; and one for each saved result that
    outlived its photograph.
    """
    event = recorded.event
    for image_id in await _ever_held_before(event, services):
        removing: Handler = partial(delete_image, image_id, event.object_id, reason=WITHDRAWN)
        await _remove_one(image_id, removing, recorded, services)
        for result_id in await _standing_results(image_id, services):
            removing = partial(remove_result, result_id, reason=WITHDRAWN)
            await _remove_one(result_id, removing, recorded, services)


async def _ever_held_before(event: DomainEvent, services: Services) -> list[ImageId]:
    """Every photograph that the album held at any time until then, the first first."""
    before = await services.store.read_stream(
        event.originator_id, up_to_version=event.originator_version - 1
    )
    return [added.image_id for added in before if isinstance(added, PhotoAdded)]


async def _standing_results(image_id: ImageId, services: Services) -> list[ResultId]:
    """Of one photograph, which carries at most `domain.images.MAX_RESULTS`."""
    image: Image | None = await services.store.load(Image, image_id)
    assert image is not None, "an album and its photograph begin in one commit"
    results = await services.store.load_many(TryOn, sorted(image.results))
    return [name for name, one in results.items() if one.status is not TryOnStatus.DELETED]


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
