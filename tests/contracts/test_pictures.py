"""One contract for everything that fetches pictures: over HTTP, over HTTPS, and its stand-in."""

import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path

import pytest

from domain.errors import Invalid, NotFound, TooLarge, Unavailable
from domain.ports.imaging import Pictures
from embedded.ports import free_port
from integrations.pictures import PictureFetcher
from tests.fakes import PictureShelf
from tests.picture_host import PictureHost, throw_away_tls

PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20
LOOPBACK = (ip_network("127.0.0.0/8"),)
MAX_BYTES = 100_000
NAME = "pictures.example"


@dataclass
class Shop:
    """A fetcher, and addresses as the contract needs them."""

    pictures: Pictures
    there: str
    missing: str
    large: str
    away: str


def to_loopback(host: str, port: int) -> list[str]:
    del host, port
    return ["127.0.0.1"]


@pytest.fixture(params=["fake", "http", "https"])
async def shop(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Shop]:
    if request.param == "fake":
        shelf = PictureShelf(max_bytes=MAX_BYTES)
        base = f"https://{NAME}"
        shelf.pictures = {f"{base}/necklace.png": PICTURE, f"{base}/large": bytes(MAX_BYTES + 1)}
        shelf.away = {"away.example"}
        yield Shop(
            shelf,
            f"{base}/necklace.png",
            f"{base}/none",
            f"{base}/large",
            "https://away.example/a.png",
        )
        return
    server, client = throw_away_tls(tmp_path, [NAME])
    fetcher = PictureFetcher(
        user_agent="Kundan",
        max_bytes=MAX_BYTES,
        allowed_networks=LOOPBACK,
        resolve=to_loopback,
        tls=client,
        seconds=5,
    )
    async with PictureHost(PICTURE, tls=server if request.param == "https" else None) as host:
        yield Shop(
            fetcher,
            there=host.url("/necklace.png", host=NAME),
            missing=host.url("/none", host=NAME),
            large=host.url("/endless", host=NAME),
            away=f"{request.param}://{NAME}:{free_port()}/a.png",
        )
    await fetcher.close()


async def test_a_picture_comes_as_it_is(shop: Shop) -> None:
    assert await shop.pictures.fetch(shop.there) == PICTURE
    assert await shop.pictures.fetch(shop.there) == PICTURE


async def test_a_picture_that_its_host_does_not_have_is_missing(shop: Shop) -> None:
    with pytest.raises(NotFound) as refusal:
        await shop.pictures.fetch(shop.missing)
    assert refusal.value.code == "picture-missing"


async def test_a_picture_that_is_too_large_is_not_read_to_its_end(shop: Shop) -> None:
    with pytest.raises(TooLarge):
        await shop.pictures.fetch(shop.large)


async def test_a_host_that_is_away_is_unavailable(shop: Shop) -> None:
    with pytest.raises(Unavailable):
        await shop.pictures.fetch(shop.away)


@pytest.mark.parametrize(
    "address", ["/media/demo/a.png", "ftp://a.example/b.png", "https://10.0.0.1/a.png", ""]
)
async def test_what_is_no_public_address_is_refused(shop: Shop, address: str) -> None:
    with pytest.raises(Invalid) as refusal:
        await shop.pictures.fetch(address)
    assert refusal.value.code == "picture-address-refused"


def test_a_closed_port_is_closed() -> None:
    """What `away` relies on."""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", free_port()), timeout=1)
