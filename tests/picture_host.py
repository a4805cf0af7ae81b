"""A web server for tests that serves one picture well and everything else as badly as servers can.

async with PictureHost(picture) as host:
    await fetcher.fetch(host.url("/necklace.png"))
"""

import asyncio
import datetime as dt
import gzip
import ipaddress
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

ENDLESS_BYTES = 1 << 30


class PictureHost:
    """Listens on loopback. `asked` are the heads of requests, `connections` counts packets' senders."""

    def __init__(self, picture: bytes, *, tls: ssl.SSLContext | None = None) -> None:
        self.picture = picture
        self.asked: list[str] = []
        self.connections = 0
        self.at_once = 0
        self.most_at_once = 0
        self.arrivals = asyncio.Semaphore(0)
        self.let_go = asyncio.Event()
        self.redirects: dict[str, str] = {}
        self._tls = tls

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self.let_go.set()
        self._server.close()
        await self._server.wait_closed()

    def url(self, path: str, *, host: str = "127.0.0.1") -> str:
        return f"{'https' if self._tls else 'http'}://{host}:{self.port}{path}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.arrivals.release()
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        with suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.asked.append(head)
            path = head.split(" ", 2)[1]
            async for data in self._answer(path):
                writer.write(data)
                await writer.drain()
        self.at_once -= 1
        writer.close()

    async def _answer(self, path: str) -> AsyncIterator[bytes]:  # noqa: C901, PLR0912 - a table
        if path in self.redirects:
            yield _head("302 Found", f"Location: {self.redirects[path]}", "Content-Length: 0")
            return
        match path:
            case "/necklace.png" | "/%E0%A4%B9%E0%A4%BE%E0%A4%B0.png?size=large":
                yield _head("200 OK", f"Content-Length: {len(self.picture)}") + self.picture
            case "/chunked":
                yield _head("200 OK", "Transfer-Encoding: chunked")
                yield b"%x\r\n%b\r\n0\r\n\r\n" % (len(self.picture), self.picture)
            case "/until-closed":
                yield _head("200 OK") + self.picture
            case "/held":
                await self.let_go.wait()
                yield _head("200 OK", f"Content-Length: {len(self.picture)}") + self.picture
            case "/down":
                yield _head("503 Service Unavailable", "Content-Length: 0")
            case "/broken":
                yield _head("500 Internal Server Error", "Content-Length: 0")
            case "/gateway":
                yield _head("502 Bad Gateway", "Content-Length: 0")
            case "/early":
                yield _head("425 Too Early", "Content-Length: 0")
            case "/busy":
                yield _head("429 Too Many Requests", "Content-Length: 0")
            case "/silent":
                await self.let_go.wait()
            case "/told-large":
                yield _head("200 OK", f"Content-Length: {ENDLESS_BYTES}")
                await self.let_go.wait()
            case "/endless":
                yield _head("200 OK", "Transfer-Encoding: chunked")
                while True:
                    yield b"10000\r\n" + bytes(65_536) + b"\r\n"
            case "/lying-short":
                yield _head("200 OK", "Content-Length: 4") + self.picture
            case "/lying-long":
                yield _head("200 OK", f"Content-Length: {len(self.picture) + 9}") + self.picture
            case "/two-lengths":
                yield _head("200 OK", "Content-Length: 4", "Content-Length: 5") + b"abcde"
            case "/endless-head":
                yield b"HTTP/1.1 200 OK\r\n"
                while True:
                    yield b"X-More: " + b"m" * 1_000 + b"\r\n"
            case "/endless-informations":
                while not self.let_go.is_set():
                    yield b"HTTP/1.1 103 Early Hints\r\n\r\n"
                    await asyncio.sleep(0)
            case "/drip":
                yield _head("200 OK", f"Content-Length: {len(self.picture)}")
                for place in range(len(self.picture)):
                    yield self.picture[place : place + 1]
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self.let_go.wait(), 0.05)
            case "/bomb":
                packed = gzip.compress(bytes(10_000_000))
                yield _head("200 OK", "Content-Encoding: gzip", f"Content-Length: {len(packed)}")
                yield packed
            case "/nonsense":
                yield b"SSH-2.0-OpenSSH_9.6\r\n"
            case "/hung-up":
                return
            case _:
                yield _head("404 Not Found", "Content-Length: 0")


def _head(status: str, *headers: str) -> bytes:
    return "\r\n".join((f"HTTP/1.1 {status}", *headers, "", "")).encode()


def throw_away_tls(folder: Path, names: Sequence[str]) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context for these names, and a client's that trusts its authority and no other."""
    authority, certificate, key = folder / "ca.pem", folder / "server.pem", folder / "key.pem"
    ca_key, own_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "an authority of one test")])
    root = _certified(ca_name, ca_name, ca_key, ca_key, x509.BasicConstraints(True, None))
    leaf_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    alternatives = x509.SubjectAlternativeName(list(map(_alternative, names)))
    leaf = _certified(leaf_name, ca_name, own_key, ca_key, alternatives)
    authority.write_bytes(root.public_bytes(serialization.Encoding.PEM))
    certificate.write_bytes(leaf.public_bytes(serialization.Encoding.PEM))
    key.write_bytes(
        own_key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate, key)
    return server, ssl.create_default_context(cafile=str(authority))


def _alternative(name: str) -> x509.GeneralName:
    if name[0].isdigit():
        return x509.IPAddress(ipaddress.ip_address(name))
    return x509.DNSName(name)


def _certified(
    name: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    issuer_key: ec.EllipticCurvePrivateKey,
    extension: x509.ExtensionType,
) -> x509.Certificate:
    now = dt.datetime.now(dt.UTC)
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    issued_by = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(extension, critical=name == issuer)
        .add_extension(identifier, critical=False)
        .add_extension(issued_by, critical=False)
        .sign(issuer_key, hashes.SHA256())
    )
