"""One contract for everything that sends mail."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from email.message import EmailMessage
from pathlib import Path

import pytest

from domain.errors import Unavailable
from domain.ports.people import Mail, Mailer
from embedded.servers import MailSink
from integrations.mail import LINES, SmtpMailer, message_of
from tests.fakes import Outbox

SENDER = "Kundan <shop@kundan.example>"


@pytest.fixture
def to() -> str:
    return f"meera.{secrets.token_hex(6)}@example.com"


def smtp(sink: MailSink) -> SmtpMailer:
    return SmtpMailer(
        host="127.0.0.1", port=sink.port, sender=SENDER, starttls=False, per_second=1_000
    )


@pytest.fixture
async def postman(mail_sink: MailSink) -> AsyncIterator[SmtpMailer]:
    mailer = smtp(mail_sink)
    yield mailer
    await mailer.close()


@pytest.fixture(params=["fake", "smtp"])
def mailer(request: pytest.FixtureRequest) -> Mailer:
    makers: dict[str, Callable[[], Mailer]] = {
        "fake": Outbox,
        "smtp": lambda: request.getfixturevalue("postman"),
    }
    return makers[request.param]()


async def test_a_mail_is_handed_over(mailer: Mailer, to: str) -> None:
    await mailer.send(Mail(key="e1:welcome", to=to, subject="नमस्ते", text="Welcome."))


async def test_what_arrives_is_what_was_sent(
    mail_sink: MailSink, postman: SmtpMailer, to: str
) -> None:
    mail = Mail(key="e1:welcome", to=to, subject="नमस्ते", text="₹2,99,999", html="<b>₹</b>")
    await postman.send(mail)
    arrived = [m for m in mail_sink.messages() if m["To"] == to]
    assert [m["Subject"] for m in arrived] == ["नमस्ते"]
    body = arrived[0].get_body(("plain",))
    assert isinstance(body, EmailMessage)
    assert body.get_content().strip() == "₹2,99,999"
    assert arrived[0]["X-Entity-Ref-ID"] == "e1:welcome"


async def test_many_mails_go_over_few_lines(
    mail_sink: MailSink, postman: SmtpMailer, to: str
) -> None:
    mails = [Mail(key=f"e{n}:welcome", to=to, subject=f"{n}", text="Welcome.") for n in range(40)]
    await asyncio.gather(*(postman.send(m) for m in mails))
    assert len(postman._idle) <= LINES
    arrived = [m["Subject"] for m in mail_sink.messages() if m["To"] == to]
    assert sorted(arrived) == sorted(m.subject for m in mails)


async def test_no_more_are_sent_a_second_than_the_provider_takes(
    mail_sink: MailSink, to: str
) -> None:
    slow = SmtpMailer(
        host="127.0.0.1", port=mail_sink.port, sender=SENDER, starttls=False, per_second=20
    )
    began = asyncio.get_running_loop().time()
    mails = [Mail(key=f"e{n}:welcome", to=to, subject="s", text="t") for n in range(5)]
    await asyncio.gather(*(slow.send(m) for m in mails))
    assert asyncio.get_running_loop().time() - began >= 4 / 20
    await slow.close()


async def test_a_server_that_was_restarted_is_called_again(tmp_path: Path, to: str) -> None:
    mail = Mail(key="e1:welcome", to=to, subject="s", text="t")
    with MailSink(tmp_path) as sink:
        mailer = smtp(sink)
        await mailer.send(mail)
        await asyncio.to_thread(sink.stop)
        with pytest.raises(Unavailable):
            await mailer.send(mail)
        await asyncio.to_thread(sink.start)
        await mailer.send(mail)
        assert len([m for m in sink.messages() if m["To"] == to]) == 2
        await mailer.close()


async def test_a_line_that_was_silent_for_long_is_not_used_again(
    postman: SmtpMailer, to: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await postman.send(Mail(key="e1:welcome", to=to, subject="s", text="t"))
    [(_, first)] = postman._idle
    monkeypatch.setattr("integrations.mail.IDLE_SECONDS", 0.0)
    await postman.send(Mail(key="e2:welcome", to=to, subject="s", text="t"))
    [(_, second)] = postman._idle
    assert (first is second, first.is_connected) == (False, False)


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
