"""Logs as JSON lines, without personal data: a processor takes out what should never have been put in."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

CARD_NUMBER = re.compile(r"(?<![\w.-])\d(?:[ -]?\d){12,18}(?!\w|[.-]\w)")
EMAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+")
TOKEN = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]*")
MOBILE = re.compile(r"(?<![\w.-])\+\d{8,15}(?!\w|[.-]\w)")


def configure_logs(level: str) -> None:
    """Everything to standard error, one JSON object a line; the libraries' records too."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        scrub,
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    logging.getLogger("uvicorn.access").disabled = True  # the middleware writes a better line


def scrub(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Card numbers, e-mail addresses, mobile numbers and tokens become a word in brackets."""
    for name, value in event.items():
        event[name] = scrubbed(value)
    return event


def scrubbed(value: Any) -> Any:
    match value:
        case str():
            text = CARD_NUMBER.sub(_card, TOKEN.sub("[token]", EMAIL.sub("[email]", value)))
            return MOBILE.sub("[mobile]", text)
        case dict():
            return {key: scrubbed(inner) for key, inner in value.items()}
        case list() | tuple():
            return [scrubbed(inner) for inner in value]
        case _:
            return value


def _card(found: re.Match[str]) -> str:
    digits = re.sub(r"\D", "", found[0])
    return "[card]" if passes_luhn(digits) else found[0]


def passes_luhn(digits: str) -> bool:
    """The check digit of card numbers (ISO/IEC 7812-1, annex B)."""
    doubled = [int(d) * (2 if place % 2 else 1) for place, d in enumerate(reversed(digits))]
    return sum(d - 9 if d > 9 else d for d in doubled) % 10 == 0
