"""Steps of trying on, over HTTP, with a studio that answers at once and looks at nothing."""

import hashlib
import inspect
import io
from dataclasses import replace
from typing import Any

import httpx
import PIL.Image

from commands.reactions.picturing import PICTURING
from imaging import pipeline
from imaging.pipeline import PreparedPhoto, Rendered
from imaging.several import LeftOut
from imaging.types import Analysis, Box, Face, Hand, Neck, Point, Pose, Seat
from tests.api import Api, Person
from tests.buying import ok, on_sale, react

WIDTH, HEIGHT = 60, 80
SIZES = (1600, 1024, 320)

NECK = Neck(
    box=Box(20, 40, 20, 10),
    left=Point(20, 45),
    right=Point(40, 45),
    chin=Point(30, 40),
    notch=Point(30, 50),
    angle=0.0,
    width=20.0,
    px_per_mm=0.2,
    yaw=0.0,
    confidence=0.9,
)
FACE = Face(box=Box(18, 10, 24, 30), score=0.9, pose=Pose(0, 0, 0), presence=1.0)
FOUND = Analysis(WIDTH, HEIGHT, faces=(FACE, FACE), primary=0, neck=NECK)
SEAT = Seat(Point(30, 40), 0, 8, 0)
HAND_ALONE = Analysis(
    WIDTH, HEIGHT, reasons=("no-face",), hands=(Hand(SEAT, SEAT, back=True, score=1.0),)
)
NOBODY = Analysis(WIDTH, HEIGHT, reasons=("no-face",))

OVERLAY = {
    "image": "/media/demo/pearl-strand.png",
    "width": 800,
    "height": 600,
    "widthMm": 120,
    "pxPerMm": 4,
}


class Studio:
    """Fits `domain.ports.imaging.ImageWorker`: small real JPEGs that differ when the questions differ.

    Refuses every call that the real pipeline's function would not take.
    """

    def __init__(self) -> None:
        self.found = FOUND
        self.refusal: Exception | None = None
        self.asked: list[str] = []
        self.forgotten = 0
        self.left_out: tuple[LeftOut, ...] = ()
        self.salt = b""
        """Another one, another picture of the same."""

    def forget(self) -> None:
        self.forgotten += 1

    async def run(self, function: str, *arguments: Any, **options: Any) -> Any:
        inspect.signature(getattr(pipeline, function)).bind(*arguments, **options)
        self.asked.append(function)
        if self.refusal is not None:
            raise self.refusal
        match function:
            case "prepare_photo":
                return prepared(arguments[0])
            case "analyse_photo":
                chosen = options.get("face", 0)
                known = self.found.faces and chosen < len(self.found.faces)
                return (replace(self.found, primary=chosen) if known else self.found).to_dict()
            case "render_pieces":
                made = jpeg(repr((arguments, options)).encode() + self.salt)
                return Rendered(made, WIDTH, HEIGHT, self.left_out)
            case _:
                raise LookupError(function)


def prepared(data: bytes) -> PreparedPhoto:
    picture = jpeg(data)
    sizes = dict.fromkeys(SIZES, picture)
    return PreparedPhoto(picture, sizes, WIDTH, HEIGHT, hashlib.sha256(picture).hexdigest())


def jpeg(seed: bytes) -> bytes:
    """A picture of one colour, which the seed chooses, and a comment that makes it unique."""
    digest = hashlib.sha256(seed).digest()
    file = io.BytesIO()
    picture = PIL.Image.new("RGB", (WIDTH, HEIGHT), (digest[0], digest[1], digest[2]))
    picture.save(file, "JPEG", comment=digest)
    return file.getvalue()


def with_studio(api: Api, studio: Studio | None = None) -> Studio:
    """From now on the shop's pictures are made here."""
    studio = studio or Studio()
    api.services = api.app.state.services = replace(api.app.state.services, images=studio)
    return studio


async def upload(
    person: Person, data: bytes = b"a photograph", *, name: str = "me.jpg", **form: str
) -> httpx.Response:
    return await person.client.post(
        "/api/images/upload", files={"file": (name, data)}, data={"consent": "true"} | form
    )


async def photographed(api: Api, person: Person, data: bytes = b"a photograph") -> dict[str, Any]:
    """A photograph that was looked at."""
    image = ok(await upload(person, data), 201)
    await work(api)
    seen: dict[str, Any] = ok(await person.client.get(f"/api/images/{image['id']}"))
    return seen


async def wearable(api: Api, **changes: Any) -> dict[str, Any]:
    """A product that can be tried on."""
    product = await on_sale(api, **changes)
    admin = await api.admin()
    address = f"/api/products/{product['id']}/overlay"
    ok(await admin.client.put(address, json=OVERLAY, headers={"If-Match": "*"}))
    return product


async def tried_on(
    api: Api, person: Person, image: dict[str, Any], product: dict[str, Any], **changes: Any
) -> dict[str, Any]:
    """A result as the worker left it."""
    body = {"productId": product["id"], "userImageId": image["id"]} | changes
    asked = ok(await person.client.post("/api/try-on/create", json=body), 201)
    await work(api)
    result: dict[str, Any] = ok(await person.client.get(f"/api/try-on/results/{asked['id']}"))
    return result


async def work(api: Api) -> None:
    """Let the worker see all of history, once more."""
    await react(api, *PICTURING)


async def objects(api: Api, prefix: str = "") -> list[str]:
    """The keys in the object store."""
    return [stored.key async for stored in api.services.objects.list(prefix)]


def key_of(url: str) -> str:
    """The object behind a signed link."""
    return httpx.URL(url).path.removeprefix("/media/signed/")
