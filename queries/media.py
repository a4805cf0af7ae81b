"""Pictures: private ones by signed links, the demo's in public."""

import re
from pathlib import Path
from typing import Annotated, Any

from fastapi import Query, Response

from dependencies.reading import Reading
from dependencies.routers import PrefixRouter
from domain.errors import NotFound

router = PrefixRouter(prefix="/media", tags=["media"])

DEMO_PICTURES = Path(__file__).parent.parent / "demo" / "overlays"
DEMO_NAME = re.compile(r"[a-z0-9-]{1,80}\.png")
UNTRUSTED = {
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "X-Robots-Tag": "noindex",
}
TYPES = {"jpg": "image/jpeg", "png": "image/png", "webp": "image/webp", "csv": "text/csv"}


@router.get("/signed/{key:path}", response_class=Response)
@router.head("/signed/{key:path}", include_in_schema=False)
async def get_signed(
    key: str,
    services: Reading,
    expires: Annotated[str, Query(max_length=12)] = "",
    signature: Annotated[str, Query(max_length=128)] = "",
) -> Response:
    """A stored picture, for whoever has a link of ours that still holds. Anything else is 404.

    It is sent whole, also to who asks for a part: none is larger than an upload.
    """
    objects: Any = services.objects
    verify = getattr(objects, "verify", None)  # S3 verifies its own links
    now = services.clock().timestamp()
    if verify is None or not verify(key, expires=expires, signature=signature, now=now):
        raise NotFound("this link has expired")
    data = await services.objects.get(key)
    kind = TYPES.get(key.rpartition(".")[2], "application/octet-stream")
    manner = "inline" if kind.startswith("image/") else "attachment"
    headers = {
        **UNTRUSTED,
        "Accept-Ranges": "none",
        "Cache-Control": "private, max-age=300",
        "Content-Disposition": f'{manner}; filename="{key.rpartition("/")[2]}"',
    }
    return Response(data, media_type=kind, headers=headers)


@router.get("/demo/{name}", response_class=Response)
def get_demo(name: str) -> Response:
    """A picture of the demo catalogue."""
    file = DEMO_PICTURES / name
    if not DEMO_NAME.fullmatch(name) or not file.is_file():
        raise NotFound("there is no such picture")
    headers = {**UNTRUSTED, "Cache-Control": "public, max-age=86400"}
    return Response(file.read_bytes(), media_type="image/png", headers=headers)
