"""Mail by SMTP. Refuses to speak in clear where STARTTLS is asked for."""

import asyncio
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import formatdate, parseaddr

import aiosmtplib

from domain.errors import Unavailable
from domain.ports.people import Mail

DEADLINE_SECONDS = 10.0
LINES = 4
"""Connections at once: servers refuse more, and mails are in no hurry."""
IDLE_SECONDS = 5.0
"""So long a line stays open for the next mail. Servers hang up after minutes."""


class SmtpMailer:
    """Fits `domain.ports.people.Mailer`. Without a host nothing can be sent: Unavailable."""

    def __init__(
        self,
        *,
        host: str | None,
        port: int,
        sender: str,
        starttls: bool,
        per_second: float = 20.0,
        username: str | None = None,
        password: str | None = None,
    ) -> None:
        self._host = host
        self._port = port
        self._sender = sender
        self._starttls = starttls
        self._seconds_between = 1 / per_second
        self._next_at = 0.0
        self._username = username
        self._password = password
        self._places = asyncio.Semaphore(LINES)
        self._idle: list[tuple[float, aiosmtplib.SMTP]] = []

    async def send(self, mail: Mail) -> None:
        if self._host is None:
            raise Unavailable("no mail server is set (SMTP_HOST)", retry_after_seconds=60)
        await self._wait_for_turn()
        message = message_of(mail, self._sender)
        try:
            async with self._places:
                await self._send_on_a_line(message)
        except (aiosmtplib.SMTPException, OSError) as e:
            raise Unavailable(
                f"the mail server did not take it: {type(e).__name__}", retry_after_seconds=30
            ) from e

    async def _wait_for_turn(self) -> None:
        """Providers refuse more than so many a second, and a rush of orders comes before its mails."""
        now = asyncio.get_running_loop().time()
        mine = max(now, self._next_at)
        self._next_at = mine + self._seconds_between
        await asyncio.sleep(mine - now)

    async def _send_on_a_line(self, message: EmailMessage) -> None:
        """A line that failed is not used again: what became of the mail is not known."""
        line = await self._line()
        try:
            await line.send_message(message)
        except BaseException:
            line.close()
            raise
        self._idle.append((asyncio.get_running_loop().time(), line))

    async def _line(self) -> aiosmtplib.SMTP:
        """One that is open, the latest first; a new one where none is. Old ones are hung up."""
        now = asyncio.get_running_loop().time()
        while self._idle:
            since, line = self._idle.pop()
            if now - since < IDLE_SECONDS and line.is_connected:
                return line
            line.close()
        line = aiosmtplib.SMTP(
            hostname=self._host,
            port=self._port,
            start_tls=self._starttls,
            username=self._username or None,
            password=self._password or None,
            timeout=DEADLINE_SECONDS,
        )
        await line.connect()
        return line

    async def close(self) -> None:
        for _, line in self._idle:
            line.close()
        self._idle.clear()


def message_of(mail: Mail, sender: str) -> EmailMessage:
    """`email.message` refuses line breaks in headers, so no field can smuggle in a header."""
    name, address = parseaddr(sender)
    message = EmailMessage()
    message["From"] = Address(display_name=name, addr_spec=address)
    message["To"] = Address(addr_spec=mail.to)
    message["Subject"] = mail.subject
    message["Date"] = formatdate()
    message["Message-ID"] = f"<{mail.key.replace(':', '.')}@{address.partition('@')[2]}>"
    message["X-Entity-Ref-ID"] = mail.key
    message.set_content(mail.text)
    if mail.html is not None:
        message.add_alternative(mail.html, subtype="html")
    return message
