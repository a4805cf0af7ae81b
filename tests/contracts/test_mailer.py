"""One contract for everything that sends mail."""

import secrets
from collections.abc import Callable
from email.message import EmailMessage

import pytest

from domain.errors import Unavailable
from domain.ports import Mail, Mailer
from embedded.servers import MailSink
from integrations.mail import SmtpMailer, message_of
from tests.fakes import Outbox

SENDER = "Kundan <shop@kundan.example>"


@pytest.fixture
def to() -> str:
    return f"meera.{secrets.token_hex(6)}@example.com"


def smtp(sink: MailSink) -> SmtpMailer:
    return SmtpMailer(host="127.0.0.1", port=sink.port, sender=SENDER, starttls=False)


@pytest.fixture(params=["fake", "smtp"])
def mailer(request: pytest.FixtureRequest) -> Mailer:
    makers: dict[str, Callable[[], Mailer]] = {
        "fake": Outbox,
        "smtp": lambda: smtp(request.getfixturevalue("mail_sink")),
    }
    return makers[request.param]()


async def test_a_mail_is_handed_over(mailer: Mailer, to: str) -> None:
    await mailer.send(Mail(key="e1:welcome", to=to, subject="नमस्ते", text="Welcome."))


async def test_what_arrives_is_what_was_sent(mail_sink: MailSink, to: str) -> None:
    mail = Mail(key="e1:welcome", to=to, subject="नमस्ते", text="₹2,99,999", html="<b>₹</b>")
    await smtp(mail_sink).send(mail)
    arrived = [m for m in mail_sink.messages() if m["To"] == to]
    assert [m["Subject"] for m in arrived] == ["नमस्ते"]
    body = arrived[0].get_body(("plain",))
    assert isinstance(body, EmailMessage)
    assert body.get_content().strip() == "₹2,99,999"
    assert arrived[0]["X-Entity-Ref-ID"] == "e1:welcome"


async def test_a_server_that_is_away_is_unavailable(to: str) -> None:
    away = SmtpMailer(host="127.0.0.1", port=1, sender=SENDER, starttls=False)
    with pytest.raises(Unavailable):
        await away.send(Mail(key="k", to=to, subject="s", text="t"))


async def test_a_server_that_cannot_keep_a_secret_is_refused(mail_sink: MailSink, to: str) -> None:
    careful = SmtpMailer(host="127.0.0.1", port=mail_sink.port, sender=SENDER, starttls=True)
    with pytest.raises(Unavailable):
        await careful.send(Mail(key="k", to=to, subject="s", text="t"))
    assert [m for m in mail_sink.messages() if m["To"] == to] == []


async def test_without_a_server_nothing_is_sent(to: str) -> None:
    nowhere = SmtpMailer(host=None, port=25, sender=SENDER, starttls=False)
    with pytest.raises(Unavailable):
        await nowhere.send(Mail(key="k", to=to, subject="s", text="t"))


@pytest.mark.parametrize("subject", ["Hello\r\nBcc: everyone@example.com", "Hello\nX: y"])
def test_a_subject_cannot_smuggle_in_a_header(subject: str) -> None:
    with pytest.raises(ValueError, match="linefeed or carriage return"):
        message_of(Mail(key="k", to="m@example.com", subject=subject, text="t"), SENDER)
