"""What a shared link shows to anybody: the picture and the product, and nothing of the person.

As JSON for front ends, and as a page for whoever opens the link. Each request looks at the link anew, also
the picture's own: once it is withdrawn or has expired, or the result is deleted, nothing is shown any more.
"""

import base64
import hashlib
from datetime import datetime
from html import escape
from typing import Any

from fastapi import Response
from fastapi.responses import HTMLResponse
from pymongo.asynchronous.database import AsyncDatabase
from typing_extensions import TypedDict

from dependencies.answers import answer, iso
from dependencies.documents import Document
from dependencies.limits import limited
from dependencies.reading import Reading, ReadModels
from dependencies.routers import PrefixRouter
from dependencies.services import Services
from domain.errors import Gone
from projections.stored import Id, shape
from queries.images import OBJECT
from queries.media import UNTRUSTED

router = PrefixRouter(tags=["try-on"], dependencies=[limited("share")])

RESULTS, PRODUCTS = "tryOnResults", "products"
UNSEEN = {"X-Robots-Tag": "noindex, nofollow", "Cache-Control": "no-store"}

STYLE = """
body { margin: 0; font: 1rem/1.5 system-ui, sans-serif; color: #222; background: #faf8f5; }
main { max-width: 40rem; margin: 0 auto; padding: 1rem; text-align: center; }
img { max-width: 100%; height: auto; border-radius: .5rem; }
h1 { font-size: 1.4rem; font-weight: 500; }
a { color: #7a4b00; }
"""
STYLE_SHA256 = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY = (
    f"default-src 'none'; img-src 'self'; style-src 'sha256-{STYLE_SHA256}'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex, nofollow">
<title>{title}</title>
{meta}<style>{style}</style>
</head>
<body><main>
{body}
</main></body>
</html>
"""


@shape
class SharedShown(TypedDict):
    resultImageUrl: str
    productId: Id
    productName: str
    expiresAt: datetime


async def shared(
    token: str, read_models: AsyncDatabase[dict[str, Any]], services: Services
) -> Document:
    """The result behind a link. Raise Gone once it holds no more; a guessed one never did."""
    digest = hashlib.sha256(token.encode()).hexdigest()
    document = await read_models[RESULTS].find_one({"shareTokenSha256": digest, "shared": True})
    if document is None or document["shareExpiresAt"] <= services.clock():
        raise Gone("this link has expired or was withdrawn", code="link-gone")
    return document


@router.get("/api/share/{token}")
async def get_shared(token: str, read_models: ReadModels, services: Reading) -> Response:
    """What a link shows, for a front end: `resultImageUrl` works as long as the link does."""
    document = await shared(token, read_models, services)
    shown = {
        "resultImageUrl": f"{_address(token, services)}/picture",
        "productId": str(document["productId"]),
        "productName": document["productName"],
        "expiresAt": iso(document["shareExpiresAt"]),
    }
    return answer(shown, headers=UNSEEN)


@router.get("/share/{token}/picture", response_class=Response)
async def get_shared_picture(token: str, read_models: ReadModels, services: Reading) -> Response:
    """The preview of a link that still holds, under an address that ends with it: never the full size."""
    document = await shared(token, read_models, services)
    jpeg = await services.objects.get(_preview_of(document).removeprefix(OBJECT))
    return Response(jpeg, media_type="image/jpeg", headers=UNTRUSTED | UNSEEN)


def _preview_of(document: Document) -> str:
    """Documents of before there was a full size hold one picture: the preview."""
    url: str = document.get("previewImageUrl") or document["resultImageUrl"]
    return url


def _preview_size(document: Document) -> dict[str, int]:
    """In pixels."""
    width, height = document["width"], document["height"]
    return {
        "width": document.get("previewWidth", width),
        "height": document.get("previewHeight", height),
    }


@router.get("/share/{token}", response_class=HTMLResponse)
async def get_shared_page(token: str, read_models: ReadModels, services: Reading) -> Response:
    """The page that a shared link opens: no scripts, nothing from elsewhere, not for search engines."""
    try:
        document = await shared(token, read_models, services)
    except Gone:
        return _page("This link has ended", body=GONE, status=410)
    name = escape(document["productName"])
    link = await _link_to_product(document, read_models)
    facts = {"name": name, **_preview_size(document)}
    meta = OPEN_GRAPH.format(address=escape(_address(token, services)), **facts)
    body = SHOWN.format(picture=f"/share/{escape(token)}/picture", link=link, **facts)
    return _page(name, meta=meta, body=body)


GONE = "<h1>This link has ended</h1>\n<p>It has expired, or was withdrawn by whoever shared it.</p>"
SHOWN = """<h1>{name}</h1>
<p><img src="{picture}" width="{width}" height="{height}" alt="{name}, tried on"></p>
{link}"""
OPEN_GRAPH = """<meta property="og:type" content="website">
<meta property="og:title" content="{name}">
<meta property="og:description" content="Tried on at Kundan">
<meta property="og:url" content="{address}">
<meta property="og:image" content="{address}/picture">
<meta property="og:image:type" content="image/jpeg">
<meta property="og:image:width" content="{width}">
<meta property="og:image:height" content="{height}">
"""


def _address(token: str, services: Services) -> str:
    """Ours alone: the object store's own addresses would name the person."""
    return f"{services.settings.public_base_url.rstrip('/')}/share/{token}"


async def _link_to_product(document: Document, read_models: AsyncDatabase[dict[str, Any]]) -> str:
    """Nothing for a product that is no longer shown."""
    query = {"_id": document["productId"], "status": "active"}
    if await read_models[PRODUCTS].find_one(query, {"_id": 1}) is None:
        return ""
    return f'<p><a href="/api/products/{document["productId"]}">Look at this piece</a></p>'


def _page(title: str, *, body: str, meta: str = "", status: int = 200) -> HTMLResponse:
    """All parts are HTML already."""
    html = PAGE.format(title=title, meta=meta, style=STYLE, body=body)
    return HTMLResponse(html, status, headers=UNSEEN | {"Content-Security-Policy": POLICY})
