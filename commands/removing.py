"""Pictures that nobody may see any more leave no bytes: of deleted photographs, of erased people."""

from commands.policy import policy
from dependencies import Services
from domain.accounts import PersonalDataErased
from domain.images import ImageDeleted
from domain.ports import RecordedEvent
from domain.tryon_events import TryOnDeleted


@policy("deleted_pictures_leave_no_bytes", on=(ImageDeleted, TryOnDeleted))
async def deleted_pictures_leave_no_bytes(recorded: RecordedEvent, services: Services) -> None:
    """The bytes of a deleted photograph or result are removed from the object store."""
    event = recorded.event
    if isinstance(event, ImageDeleted):
        for key in event.keys.all():
            await _remove(key, services)
    elif isinstance(event, TryOnDeleted):
        await _remove_below(f"results/{event.user_id}/{event.object_id}/", services)


@policy("erased_person_leaves_no_pictures", on=(PersonalDataErased,))
async def erased_person_leaves_no_pictures(recorded: RecordedEvent, services: Services) -> None:
    """When a person is erased, every picture of theirs goes with them."""
    user_id = recorded.event.object_id
    await _remove_below(f"photos/{user_id}/", services)
    await _remove_below(f"results/{user_id}/", services)


async def _remove_below(prefix: str, services: Services) -> None:
    async for stored in services.objects.list(prefix):
        await services.objects.delete(stored.key)


async def _remove(key: str, services: Services) -> None:
    if key:
        await services.objects.delete(key)
