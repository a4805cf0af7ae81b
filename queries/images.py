"""One's own photographs, with links that last five minutes."""

from typing import Any

from fastapi import Response

from dependencies.answers import answer, etag, present
from dependencies.caller import CurrentUser
from dependencies.documents import Document, object_id_or_404
from dependencies.limits import limited
from dependencies.lists import Page
from dependencies.reading import Reading, ReadModels
from dependencies.routers import PrefixRouter
from dependencies.services import Services
from domain.errors import Invalid, NotFound

router = PrefixRouter(prefix="/api/images", tags=["images"], dependencies=[limited("read")])

IMAGES = "uploadedImages"
LINK_SECONDS = 300
OBJECT = "object:"


def signed(url: str, services: Services) -> str:
    """A link that anybody may read for five minutes; empty where there is no picture, and where an old
    event names one that cannot be ours.
    """
    if not url.startswith(OBJECT):
        return url
    try:
        return services.objects.signed_url(url.removeprefix(OBJECT), seconds=LINK_SECONDS)
    except Invalid:
        return ""


def image_view(document: Document, services: Services) -> dict[str, Any]:
    shown = present(document)
    for name in ("originalUrl", "processedUrl", "thumbnailUrl", "largeUrl"):
        shown[name] = signed(document.get(name, ""), services)
    return shown


@router.get("/user")
async def get_own_images(
    user: CurrentUser, read_models: ReadModels, services: Reading, page: Page
) -> Response:
    """One's photographs, the latest first; `metadata` says where face and neck are."""
    query = {"userId": object_id_or_404(user.id)}
    found = await page.find(read_models[IMAGES], query, (("uploadedAt", -1), ("_id", -1)))
    total = await page.total(read_models[IMAGES], query)
    shown = [image_view(document, services) for document in found.documents]
    return page.answer(shown, total, next_cursor=found.next_cursor)


@router.get("/{image_id}")
async def get_image(
    image_id: str, user: CurrentUser, read_models: ReadModels, services: Reading
) -> Response:
    """One photograph of one's own."""
    query = {"_id": object_id_or_404(image_id), "userId": object_id_or_404(user.id)}
    document = await read_models[IMAGES].find_one(query)
    if document is None:
        raise NotFound("there is no such photograph")
    return answer(image_view(document, services), headers=etag(document))
