"""A photograph or a result has been kept as long as was agreed."""

from commands.unit_of_work import UnitOfWork
from domain.albums import Album
from domain.images import Image, ImageStatus
from domain.tryon import TryOn

REASON = "kept as long as was agreed"


async def expire_result(result_id: str, work: UnitOfWork) -> TryOn:
    result = await work.load(TryOn, result_id)
    if result.has_expired(work.now):
        result.delete(reason=REASON)
    return result


async def expire_image(image_id: str, work: UnitOfWork) -> Image:
    """The photograph and the results that nobody saved: one commit. Saved ones keep their own picture."""
    image = await work.load(Image, image_id)
    if image.status is ImageStatus.DELETED or not image.has_expired(work.now):
        return image
    album = await work.load(Album, image.user_id)
    if image_id in album.leaving:  # without consent nothing is kept: its policy removes it
        return image
    results = (await work.find_many(TryOn, sorted(image.results))).values()
    album.remove(image_id, sha256=image.sha256, size=image.size)
    for result in results:
        if not result.saved:
            result.delete(reason=REASON)
    image.delete(reason=REASON)
    return image
