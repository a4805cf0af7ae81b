"""Mail by SMTP. Refuses to speak in clear where STARTTLS is asked for."""

from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import formatdate, parseaddr

import aiosmtplib

from domain.errors import Unavailable
from domain.ports import Mail

DEADLINE_SECONDS = 10.0


class SmtpMailer:
    """Fits `domain.ports.Mailer`. Without a host nothing can be sent: Unavailable."""

    def __init__(
        self,
        *,
        host: str | None,
        port: int,
        sender: str,
        starttls: bool,
        username: str | None = None,
        password: str | None = None,
    ) -> None:
        self._host = host
        self._port = port
        self._sender = sender
        self._starttls = starttls
        self._username = username
        self._password = password

    async def send(self, mail: Mail) -> None:
        if self._host is None:
            raise Unavailable("no mail server is set (SMTP_HOST)", retry_after_seconds=60)
        try:
            await aiosmtplib.send(
                message_of(mail, self._sender),
                hostname=self._host,
                port=self._port,
                start_tls=self._starttls,
                username=self._username or None,
                password=self._password or None,
                timeout=DEADLINE_SECONDS,
            )
        except (aiosmtplib.SMTPException, OSError) as e:
            raise Unavailable(
                f"the mail server did not take it: {type(e).__name__}", retry_after_seconds=30
            ) from e


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
