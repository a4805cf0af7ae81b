"""Fetches a picture over HTTP/1.1, from a stranger's host: little is sent, and everything is bounded.

| bound                    |                                                                       |
|--------------------------|-----------------------------------------------------------------------|
| where                    | addresses.py: judged after resolution, connected to as judged          |
| redirects                | 3, each judged like the first                                          |
| time                     | 10 s for all of it, resolution, redirects and a dripping body included |
| size                     | `max_bytes`, told or counted; never unpacked, so nothing can swell     |
| head of an answer        | 16 KiB                                                                 |
| at once                  | 2 of one host, 8 in all                                                |

Cookies, credentials, a referrer and proxies of the environment have no part in it. What the bytes are
is not asked here: imaging decides by their content.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urljoin
from weakref import WeakValueDictionary

import certifi
import h11

from domain.errors import NotFound, TooLarge, Unavailable, Unreadable
from integrations.pictures.addresses import (
    Address,
    Network,
    Target,
    must_be_reachable,
    refused,
    target_of,
)
from integrations.threads import BoundedThreads

Resolve = Callable[[str, int], Sequence[str]]
"""A host's addresses; raises OSError. Blocks."""

SECONDS = 10.0
CONNECT_SECONDS = 3.0
MAX_REDIRECTS = 3
MAX_ADDRESSES = 4
"""Of a host with more, the first are tried; all are judged."""
MAX_HEAD_BYTES = 16_384
READ_BYTES = 65_536
AT_ONCE = 8
OF_ONE_HOST = 2
REDIRECTS = {301, 302, 303, 307, 308}
HOST_IS_BUSY = {429, 503}
"""Said of all its pictures; any other fault only of the one that was asked for."""
LATER = {408, 425}
FAILED = "picture-failed"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """body is empty where there is another `location` to look at."""

    body: bytes = b""
    location: str = ""


class PictureFetcher:
    """Fits `domain.ports.imaging.Pictures`."""

    def __init__(
        self,
        *,
        user_agent: str,
        max_bytes: int,
        plain_http: Sequence[str] = (),
        allowed_networks: Sequence[Network] = (),
        resolve: Resolve | None = None,
        tls: ssl.SSLContext | None = None,
        seconds: float = SECONDS,
    ) -> None:
        """`plain_http`: ("http",) to fetch from port 80 too. `allowed_networks`: not public, but the
        operator's own. `tls`: who is trusted, the public authorities where it is left out.
        """
        self._user_agent = user_agent
        self._max_bytes = max_bytes
        self._schemes = ("https", *plain_http)
        self._allowed_networks = tuple(allowed_networks)
        self._resolve = resolve or resolved
        self._tls = tls or ssl.create_default_context(cafile=certifi.where())
        self._seconds = seconds
        self._resolver = BoundedThreads("the resolver of names", threads=4)
        self._places = asyncio.Semaphore(AT_ONCE)
        self._places_of: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    async def close(self) -> None:
        await self._resolver.close()

    async def fetch(self, url: str) -> bytes:
        host = target_of(url).host
        place = self._places_of.get(host) or asyncio.Semaphore(OF_ONE_HOST)
        self._places_of[host] = place
        async with place, self._places:
            return await self._in_time(url)

    async def _in_time(self, url: str) -> bytes:
        try:
            async with asyncio.timeout(self._seconds):
                return await self._followed(url)
        except TimeoutError as e:
            raise Unavailable(f"the host did not send it within {self._seconds:g} s") from e
        except h11.RemoteProtocolError as e:
            raise Unavailable("the host's answer broke off or is not HTTP", code=FAILED) from e
        except ssl.SSLError as e:
            raise Unavailable("the host has no certificate that we trust") from e
        except OSError as e:
            raise Unavailable("the host cannot be reached") from e

    async def _followed(self, url: str) -> bytes:
        for _ in range(1 + MAX_REDIRECTS):
            answer = await self._asked(url)
            if not answer.location:
                return answer.body
            url = _joined(url, answer.location)
        raise Unreadable(
            f"the host redirects more than {MAX_REDIRECTS} times", code="picture-redirected"
        )

    async def _asked(self, url: str) -> Answer:
        target = target_of(url)
        addresses = await self._addresses(target)
        must_be_reachable(
            target,
            addresses,
            allowed_networks=self._allowed_networks,
            schemes=self._schemes,
        )
        async with self._connected(target, addresses) as (reader, writer):
            return await self._exchange(target, reader, writer)

    async def _addresses(self, target: Target) -> list[Address]:
        if (literal := target.literal) is not None:
            return [literal]
        found = await self._resolver.run(lambda: self._resolve(target.host, target.port))
        return [ip_address(text.partition("%")[0]) for text in found]

    @contextlib.asynccontextmanager
    async def _connected(
        self, target: Target, addresses: Sequence[Address]
    ) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """To the first address that answers. The name is asked for by TLS only: nothing is resolved."""
        secure = target.scheme == "https"
        failure: OSError = OSError("no address")
        for address in addresses[:MAX_ADDRESSES]:
            try:
                async with asyncio.timeout(CONNECT_SECONDS):
                    reader, writer = await asyncio.open_connection(
                        str(address),
                        target.port,
                        flags=socket.AI_NUMERICHOST,
                        ssl=self._tls if secure else None,
                        server_hostname=target.host if secure else None,
                    )
            except OSError as e:  # a time-out is one
                failure = e
                continue
            try:
                yield reader, writer
            finally:
                writer.transport.abort()
            return
        raise failure

    async def _exchange(
        self, target: Target, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> Answer:
        http = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD_BYTES)
        writer.write(
            (http.send(self._request(target)) or b"") + (http.send(h11.EndOfMessage()) or b"")
        )
        body = bytearray()
        while not isinstance(event := await _next_event(http, reader), h11.EndOfMessage):
            if isinstance(event, h11.Response):
                if location := self._judged(event):
                    return Answer(location=location)
            elif isinstance(event, h11.Data):
                body += event.data
                self._must_fit(len(body))
        return Answer(body=bytes(body))

    def _request(self, target: Target) -> h11.Request:
        headers = {
            "Host": target.host_header,
            "User-Agent": self._user_agent,
            "Accept": "image/*",
            "Accept-Encoding": "identity",
            "Connection": "close",
        }
        return h11.Request(method="GET", target=target.path, headers=list(headers.items()))

    def _judged(self, response: h11.Response) -> str:
        """Where to look instead, or nothing. Raise what the head alone says."""
        headers = {name.decode(): value.decode("latin-1") for name, value in response.headers}
        status = response.status_code
        if status in REDIRECTS and headers.get("location"):
            return headers["location"]
        if status in HOST_IS_BUSY:
            raise Unavailable(f"the host answers {status}")
        if status >= 500 or status in LATER:
            raise Unavailable(f"the host answers {status}", code=FAILED)
        if status != 200:
            raise NotFound(f"the host answers {status}", code="picture-missing")
        if headers.get("content-encoding", "identity").lower() != "identity":
            raise Unreadable("the host sends it packed, unasked", code="picture-packed")
        self._must_fit(int(headers.get("content-length", "0")))
        return ""

    def _must_fit(self, size: int) -> None:
        if size > self._max_bytes:
            raise TooLarge(f"a picture may have {self._max_bytes // 1_000_000} MB")


def _joined(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError as e:
        raise refused("its host redirects to no URL") from e


async def _next_event(http: h11.Connection, reader: asyncio.StreamReader) -> h11.Event:
    """Of head, data and end of one answer; h11 raises RemoteProtocolError for what is none, an early end
    of the connection among it.
    """
    while (event := http.next_event()) is h11.NEED_DATA:
        http.receive_data(await reader.read(READ_BYTES))
    assert not isinstance(event, type | h11.ConnectionClosed), "they come behind an end only"
    return event


def resolved(host: str, port: int) -> list[str]:
    """By the system's resolver, in its order."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))
