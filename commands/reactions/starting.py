"""What the shop does when it starts: its first administrator, and its demo, once for ever."""

import hashlib
from functools import partial

import structlog
from pydantic import ValidationError

from commands.context import system_context
from commands.decisions.accounts import Register, open_account
from commands.decisions.drawn import FOLDER
from commands.decisions.importing import start_import
from commands.unit_of_work import perform
from dependencies.services import Services
from domain.errors import Invalid, Taken
from domain.values import Role

log = structlog.get_logger(__name__)


async def ensure_admin(services: Services) -> None:
    """The first administrator, from ADMIN_EMAIL and ADMIN_PASSWORD; later starts change nothing.

    Raise Invalid, with the variable's name, when one of the two cannot be accepted.
    """
    email, password = services.settings.admin_email, services.settings.admin_password
    if email is None or password is None:
        return
    context = system_context("EnsureAdmin", correlation="start")
    try:
        command = Register(
            email=email, password=password.get_secret_value(), first_name="Administrator"
        )
        handler = partial(open_account, command, services, roles=(Role.ADMIN, Role.CUSTOMER))
        await perform(handler, context, services)
    except Taken:
        log.info("the first administrator's address already has an account")
    except ValidationError as e:
        fault = str(e.errors()[0]["msg"]).removeprefix("Value error, ")
        raise Invalid(f"ADMIN_EMAIL: {fault}") from None
    except Invalid as e:
        raise Invalid(f"ADMIN_PASSWORD: {e.errors[0].message}") from None


NOBODY = "0" * 24
"""The account that the demo's import is recorded under."""


async def load_demo(services: Services) -> None:
    """Import the demo catalogue, once for ever. Its pieces can be tried on at once."""
    data = (FOLDER / "catalogue.csv").read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    key = f"imports/{digest}.bin"
    await services.objects.put(key, data, content_type="application/octet-stream")
    await perform(
        partial(
            start_import,
            NOBODY,
            file_name="demo-catalogue.csv",
            file_size=len(data),
            sha256=digest,
            key=key,
            on_duplicate="skip",
        ),
        system_context("LoadDemo", correlation="start", command_id="demo-catalogue"),
        services,
    )
