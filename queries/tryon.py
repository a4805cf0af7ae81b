"""One's own try-on results, each beside the photograph as it was before."""

from collections.abc import Sequence
from typing import Any, Literal, NotRequired

from fastapi import Response
from pymongo.asynchronous.database import AsyncDatabase
from typing_extensions import TypedDict

from dependencies.answers import answer, etag, present
from dependencies.caller import CurrentUser
from dependencies.documents import Document, object_id_or_404
from dependencies.limits import limited
from dependencies.lists import Page
from dependencies.reading import Reading, ReadModels
from dependencies.routers import PrefixRouter
from dependencies.services import Services
from domain.errors import NotFound
from projections.stored import shape
from projections.tryon import FailedDocument, ResultDocument
from queries.images import signed

router = PrefixRouter(prefix="/api/try-on", tags=["try-on"], dependencies=[limited("read")])

RESULTS, IMAGES = "tryOnResults", "uploadedImages"


@shape
class FullSize(TypedDict):
    """Whether `resultImageUrl` is as large as the photograph."""

    status: Literal["none", "processing", "ready", "failed"]
    failure: NotRequired[FailedDocument]


@shape
class ResultShown(ResultDocument):
    fullSize: FullSize


@shape
class ResultBesidePhotograph(ResultShown):
    beforeImageUrl: str
    """The photograph; empty where it is gone."""


def result_view(document: Document, services: Services) -> dict[str, Any]:
    shown = present(document)
    shown.pop("shareTokenSha256", None)
    shown.pop("fullSizeAsked", None)
    shown["fullSize"] = _full_size(document, shown.pop("finished", None))
    for name in ("resultImageUrl", "previewImageUrl"):
        shown[name] = signed(document.get(name, ""), services)
    if document.get("shareUrl"):
        shown["shareUrl"] = services.settings.public_base_url.rstrip("/") + document["shareUrl"]
    return shown


def _full_size(document: Document, finished: Document | None) -> dict[str, Any]:
    """Whether `resultImageUrl` is as large as the photograph: of a saved result, in a moment.

    None of a revision that could not be rendered at all, nor where nobody has asked for it: what was
    saved before there was a full size is asked for when it is saved again.
    """
    if not document["saved"] or document["status"] == "failed":
        return {"status": "none"}
    if finished is None and not document.get("fullSizeAsked"):
        return {"status": "none"}
    if finished is None or finished["revision"] != document["revision"]:
        return {"status": "processing"}
    if finished["failure"]:
        return {"status": "failed", "failure": finished["failure"]}
    return {"status": "ready"}


@router.get("/results")
async def get_results(
    user: CurrentUser, read_models: ReadModels, services: Reading, page: Page
) -> Response:
    """One's results, the latest first, as `GET /results/{id}` shows each."""
    query = {"userId": object_id_or_404(user.id)}
    found = await page.find(read_models[RESULTS], query, (("createdAt", -1), ("_id", -1)))
    total = await page.total(read_models[RESULTS], query)
    shown = await _beside_photographs(found.documents, read_models, services)
    return page.answer(shown, total, next_cursor=found.next_cursor)


async def _beside_photographs(
    documents: Sequence[Document],
    read_models: AsyncDatabase[dict[str, Any]],
    services: Services,
) -> list[dict[str, Any]]:
    """Results with `beforeImageUrl`, empty where the photograph is gone."""
    query = {
        "_id": {"$in": [document["userImageId"] for document in documents]},
        "userId": {"$in": [document["userId"] for document in documents]},
    }
    photographs = read_models[IMAGES].find(query, {"processedUrl": 1})
    before = {each["_id"]: each["processedUrl"] for each in await photographs.to_list()}
    return [
        result_view(document, services)
        | {"beforeImageUrl": signed(before.get(document["userImageId"], ""), services)}
        for document in documents
    ]


@router.get("/results/{result_id}")
async def get_result(
    result_id: str, user: CurrentUser, read_models: ReadModels, services: Reading
) -> Response:
    """One result: `resultImageUrl` works for five minutes, `beforeImageUrl` shows the photograph."""
    query = {"_id": object_id_or_404(result_id), "userId": object_id_or_404(user.id)}
    document = await read_models[RESULTS].find_one(query)
    if document is None:
        raise NotFound("there is no such result")
    [shown] = await _beside_photographs([document], read_models, services)
    return answer(shown, headers=etag(document))
