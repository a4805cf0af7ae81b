"""Whatever a host does, fetching ends in time, within its size, and with a sentence."""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from domain.errors import DomainError, Invalid, NotFound, TooLarge, Unavailable, Unreadable
from integrations.pictures import PictureFetcher
from integrations.pictures.fetcher import OF_ONE_HOST
from tests.picture_host import PictureHost, throw_away_tls

PICTURE = bytes(range(256)) * 40
LOOPBACK = (ip_network("127.0.0.0/8"),)
SECONDS = 1.0


def fetcher_of(**options: Any) -> PictureFetcher:
    usual: dict[str, Any] = {
        "user_agent": "Kundan (+https://kundan.example)",
        "max_bytes": 100_000,
        "allowed_networks": LOOPBACK,
        "resolve": lambda *_: ["127.0.0.1"],
        "seconds": SECONDS,
    }
    return PictureFetcher(**usual | options)


@pytest.fixture
async def host() -> AsyncIterator[PictureHost]:
    async with PictureHost(PICTURE) as running:
        yield running


@pytest.fixture
async def fetcher() -> AsyncIterator[PictureFetcher]:
    made = fetcher_of()
    yield made
    await made.close()


@pytest.mark.parametrize("path", ["/necklace.png", "/chunked", "/until-closed"])
async def test_a_picture_comes_in_every_way_that_http_has(
    fetcher: PictureFetcher, host: PictureHost, path: str
) -> None:
    assert await fetcher.fetch(host.url(path)) == PICTURE


@pytest.mark.parametrize(
    ("path", "error", "code"),
    [
        ("/none", NotFound, "picture-missing"),
        ("/down", Unavailable, "unavailable"),
        ("/busy", Unavailable, "unavailable"),
        ("/broken", Unavailable, "picture-failed"),
        ("/gateway", Unavailable, "picture-failed"),
        ("/early", Unavailable, "picture-failed"),
        ("/silent", Unavailable, "unavailable"),
        ("/drip", Unavailable, "unavailable"),
        ("/told-large", TooLarge, "too-large"),
        ("/endless", TooLarge, "too-large"),
        ("/lying-long", Unavailable, "picture-failed"),
        ("/two-lengths", Unavailable, "picture-failed"),
        ("/endless-head", Unavailable, "picture-failed"),
        ("/endless-informations", Unavailable, "unavailable"),
        ("/bomb", Unreadable, "picture-packed"),
        ("/nonsense", Unavailable, "picture-failed"),
        ("/hung-up", Unavailable, "picture-failed"),
    ],
)
async def test_a_bad_answer_ends_in_time(
    fetcher: PictureFetcher, host: PictureHost, path: str, error: type[DomainError], code: str
) -> None:
    begun = time.monotonic()
    with pytest.raises(error) as refusal:
        await fetcher.fetch(host.url(path))
    assert refusal.value.code == code
    assert time.monotonic() - begun < SECONDS + 2


async def test_what_comes_behind_the_told_length_is_not_read(
    fetcher: PictureFetcher, host: PictureHost
) -> None:
    assert await fetcher.fetch(host.url("/lying-short")) == PICTURE[:4]


async def test_a_request_tells_who_asks_and_nothing_else(
    fetcher: PictureFetcher, host: PictureHost
) -> None:
    await fetcher.fetch(host.url("/हार.png?size=large#top", host="shop.example"))
    first, *headers = host.asked[0].strip().split("\r\n")
    assert first == "GET /%E0%A4%B9%E0%A4%BE%E0%A4%B0.png?size=large HTTP/1.1"
    assert dict(header.split(": ", 1) for header in headers) == {
        "Host": f"shop.example:{host.port}",
        "User-Agent": "Kundan (+https://kundan.example)",
        "Accept": "image/*",
        "Accept-Encoding": "identity",
        "Connection": "close",
    }


async def test_a_moved_picture_is_followed(fetcher: PictureFetcher, host: PictureHost) -> None:
    host.redirects |= {"/a": "/b", "/b": host.url("/c"), "/c": "necklace.png"}
    assert await fetcher.fetch(host.url("/a")) == PICTURE


async def test_redirects_have_an_end(fetcher: PictureFetcher, host: PictureHost) -> None:
    host.redirects["/round"] = "/round"
    with pytest.raises(Unreadable) as refusal:
        await fetcher.fetch(host.url("/round"))
    assert refusal.value.code == "picture-redirected"
    assert host.connections == 4


@pytest.mark.parametrize("location", ["http://[bad", "//[::1", "http://a:b:c/"])
async def test_a_redirect_to_no_url_is_refused(
    fetcher: PictureFetcher, host: PictureHost, location: str
) -> None:
    host.redirects["/moved"] = location
    with pytest.raises(Invalid) as refusal:
        await fetcher.fetch(host.url("/moved"))
    assert refusal.value.code == "picture-address-refused"


async def test_one_host_is_asked_for_few_pictures_at_once(host: PictureHost) -> None:
    patient = fetcher_of(seconds=30)
    asked = [asyncio.create_task(patient.fetch(host.url("/held"))) for _ in range(6)]
    for _ in range(OF_ONE_HOST):
        await host.arrivals.acquire()
    host.let_go.set()
    assert await asyncio.gather(*asked) == [PICTURE] * 6
    assert host.most_at_once == OF_ONE_HOST
    await patient.close()


async def test_a_slow_host_does_not_hold_up_others(host: PictureHost) -> None:
    patient = fetcher_of(seconds=30)
    slow = [asyncio.create_task(patient.fetch(host.url("/held"))) for _ in range(20)]
    there = await patient.fetch(host.url("/necklace.png", host="other.example"))
    assert there == PICTURE
    host.let_go.set()
    assert await asyncio.gather(*slow) == [PICTURE] * 20
    await patient.close()


async def test_the_next_address_is_tried_when_one_is_dead(host: PictureHost) -> None:
    two = fetcher_of(resolve=lambda *_: ["127.0.0.9", "127.0.0.1"])
    assert await two.fetch(host.url("/necklace.png", host="shop.example")) == PICTURE
    await two.close()


async def test_a_name_that_does_not_exist_is_unavailable() -> None:
    def unknown(name: str, port: int) -> list[str]:
        raise OSError(name, port)

    lost = fetcher_of(resolve=unknown)
    with pytest.raises(Unavailable):
        await lost.fetch("https://nowhere.example/a.png")
    await lost.close()


async def test_the_systems_resolver_is_asked(host: PictureHost) -> None:
    usual = PictureFetcher(
        user_agent="Kundan",
        max_bytes=100_000,
        allowed_networks=(*LOOPBACK, ip_network("::1/128")),
    )
    assert await usual.fetch(host.url("/necklace.png", host="localhost")) == PICTURE
    await usual.close()


# --- HTTPS ---------------------------------------------------------------------------------------


@pytest.fixture
def tls(tmp_path: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    return throw_away_tls(tmp_path, ["shop.example", "127.0.0.1"])


async def test_a_certificate_is_that_of_the_name(
    tls: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    server, client = tls
    careful = fetcher_of(tls=client)
    async with PictureHost(PICTURE, tls=server) as host:
        for name in ("shop.example", "127.0.0.1"):
            assert await careful.fetch(host.url("/necklace.png", host=name)) == PICTURE
        with pytest.raises(Unavailable, match="certificate"):
            await careful.fetch(host.url("/necklace.png", host="other.example"))
        assert len(host.asked) == 2
    await careful.close()


async def test_a_certificate_of_nobody_is_not_trusted(
    tls: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    public = fetcher_of()
    async with PictureHost(PICTURE, tls=tls[0]) as host:
        with pytest.raises(Unavailable, match="certificate"):
            await public.fetch(host.url("/necklace.png", host="shop.example"))
        assert host.asked == []
    await public.close()
