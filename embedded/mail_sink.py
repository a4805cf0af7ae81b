"""A mailbox for local use: `mail_sink.py DIRECTORY SMTP_PORT WEB_PORT`.

Takes mail by SMTP on loopback, keeps the newest as `.eml` files, and lists them over HTTP.
"""

import asyncio
import email
import email.policy
import html
import itertools
import json
import sys
import threading
import time
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

LOOPBACK = "127.0.0.1"
MAX_MESSAGES = 500
MAX_MESSAGE_BYTES = 5_000_000


class Mailbox:
    """Files named by arrival time, so that their names sort as they came."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._numbers = itertools.count()
        directory.mkdir(parents=True, exist_ok=True)

    async def handle_DATA(  # noqa: N802 # the name that aiosmtpd calls
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        self.keep(envelope)
        return "250 Message kept"

    def keep(self, envelope: Envelope) -> None:
        """Whole or not at all: a reader never sees half a file."""
        name = f"{time.time_ns():020d}-{next(self._numbers):06d}"
        recipients = ", ".join(envelope.rcpt_tos)
        header = f"X-Envelope-From: {envelope.mail_from}\r\nX-Envelope-To: {recipients}\r\n"
        unfinished = self.directory / f"{name}.part"
        unfinished.write_bytes(header.encode() + (envelope.original_content or b""))
        unfinished.rename(self.directory / f"{name}.eml")
        for old in self.files()[:-MAX_MESSAGES]:
            old.unlink(missing_ok=True)

    def files(self) -> list[Path]:
        return sorted(self.directory.glob("*.eml"))


class Listing(BaseHTTPRequestHandler):
    """`/` lists the messages, newest first, and `/messages.json` for programs; `/NAME.eml` is one."""

    def __init__(self, mailbox: Mailbox, *arguments: object) -> None:
        self.mailbox = mailbox
        super().__init__(*arguments)  # type: ignore[arg-type] # the server passes its own three

    def do_GET(self) -> None:
        by_name = {f"/{file.name}": file for file in self.mailbox.files()}
        if self.path == "/":
            self._answer("text/html; charset=utf-8", self._index().encode())
        elif self.path == "/messages.json":
            rows = [_fields(file) for file in reversed(self.mailbox.files())]
            self._answer("application/json", json.dumps(rows).encode())
        elif self.path in by_name:
            self._answer("text/plain; charset=utf-8", by_name[self.path].read_bytes())
        else:
            self.send_error(HTTPStatus.NOT_FOUND)

    def _index(self) -> str:
        rows = [_row(file) for file in reversed(self.mailbox.files())]
        return "<!doctype html><title>Mail</title><h1>Mail</h1><ol>" + "".join(rows) + "</ol>"

    def _answer(self, content_type: str, body: bytes) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        self.wfile.write(body)


def _row(file: Path) -> str:
    fields = _fields(file)
    words = f"{fields['date']} to {fields['to']}: {fields['subject']}"
    return f'<li><a href="/{fields["name"]}">{html.escape(words)}</a></li>'


def _fields(file: Path) -> dict[str, str]:
    message = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
    body = message.get_body(("plain", "html"))
    return {
        "name": file.name,
        "to": str(message["X-Envelope-To"]),
        "subject": str(message["Subject"] or ""),
        "date": str(message["Date"] or ""),
        "text": "" if body is None else "\n".join(str(body.get_content()).splitlines()),
    }


async def serve(mailbox: Mailbox, *, smtp_port: int, web_port: int) -> None:
    """The listing starts first, so that a mailbox that takes mail can also show it."""
    web = ThreadingHTTPServer((LOOPBACK, web_port), partial(Listing, mailbox))
    threading.Thread(target=web.serve_forever, daemon=True).start()
    smtp = await asyncio.get_running_loop().create_server(
        lambda: SMTP(mailbox, data_size_limit=MAX_MESSAGE_BYTES, enable_SMTPUTF8=True),
        LOOPBACK,
        smtp_port,
    )
    await smtp.serve_forever()


if __name__ == "__main__":
    directory, smtp_port, web_port = sys.argv[1:]
    asyncio.run(serve(Mailbox(Path(directory)), smtp_port=int(smtp_port), web_port=int(web_port)))
