"""One's own try-on results, and what a shared link shows to anybody."""

import hashlib
from typing import Any

from fastapi import APIRouter, Response

from dependencies import (
    AllServices,
    CurrentUser,
    Document,
    Page,
    ReadModels,
    Services,
    answer,
    etag,
    iso,
    limited,
    object_id_or_404,
    present,
)
from domain.errors import NotFound
from queries.images import signed

router = APIRouter(prefix="/api/try-on", tags=["try-on"], dependencies=[limited("read")])
share_router = APIRouter(prefix="/api/share", tags=["try-on"], dependencies=[limited("share")])

RESULTS, IMAGES, PRODUCTS = "tryOnResults", "uploadedImages", "products"


def result_view(document: Document, services: Services) -> dict[str, Any]:
    shown = present(document)
    shown.pop("shareTokenSha256", None)
    shown["fullSize"] = _full_size(document, shown.pop("finished", None))
    for name in ("resultImageUrl", "previewImageUrl"):
        shown[name] = signed(document.get(name, ""), services)
    if document.get("shareUrl"):
        shown["shareUrl"] = services.settings.public_base_url.rstrip("/") + document["shareUrl"]
    return shown


def _full_size(document: Document, finished: Document | None) -> dict[str, Any]:
    """Whether `resultImageUrl` is as large as the photograph: of a saved result, in a moment."""
    if not document["saved"]:
        return {"status": "none"}
    if finished is None or finished["revision"] != document["revision"]:
        return {"status": "processing"}
    if finished["failure"]:
        return {"status": "failed", "failure": finished["failure"]}
    return {"status": "ready"}


@router.get("/results")
async def get_results(
    user: CurrentUser, read_models: ReadModels, services: AllServices, page: Page
) -> Response:
    """One's results, the latest first."""
    query = {"userId": object_id_or_404(user.id)}
    found = read_models[RESULTS].find(query).sort([("createdAt", -1), ("_id", -1)])
    documents = await found.skip(page.skip).limit(page.limit).to_list()
    total = await read_models[RESULTS].count_documents(query)
    return page.answer([result_view(document, services) for document in documents], total)


@router.get("/results/{result_id}")
async def get_result(
    result_id: str, user: CurrentUser, read_models: ReadModels, services: AllServices
) -> Response:
    """One result: `resultImageUrl` works for five minutes, `beforeImageUrl` shows the photograph."""
    query = {"_id": object_id_or_404(result_id), "userId": object_id_or_404(user.id)}
    document = await read_models[RESULTS].find_one(query)
    if document is None:
        raise NotFound("there is no such result")
    photo = await read_models[IMAGES].find_one({"_id": document["userImageId"]})
    before = signed(photo["processedUrl"], services) if photo else ""
    shown = result_view(document, services) | {"beforeImageUrl": before}
    return answer(shown, headers=etag(document))


@share_router.get("/{token}")
async def get_shared(token: str, read_models: ReadModels, services: AllServices) -> Response:
    """What a link shows: the picture and the product, and nothing of the person."""
    digest = hashlib.sha256(token.encode()).hexdigest()
    document = await read_models[RESULTS].find_one({"shareTokenSha256": digest, "shared": True})
    if document is None or document["shareExpiresAt"] <= services.clock():
        raise NotFound("this link has expired or was withdrawn", code="link-gone")
    shown = {
        "resultImageUrl": signed(document["resultImageUrl"], services),
        "productId": str(document["productId"]),
        "productName": document["productName"],
        "expiresAt": iso(document["shareExpiresAt"]),
    }
    return answer(shown, headers={"X-Robots-Tag": "noindex, nofollow", "Cache-Control": "no-store"})
