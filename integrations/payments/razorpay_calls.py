"""The Razorpay SDK, made safe: own threads, time limits, and three outcomes for every call.

1. A result: 2xx with a JSON object.
2. A definite refusal, Invalid or RuleViolation: 4xx with Razorpay's error object. Nothing was done.
3. Unknown, or not now, Unavailable: time-out, cut connection, 5xx, redirect, nonsense, 401, 429.
   The caller reads before it sends again.

Our session raises these itself, so the SDK's own handling, which prints and loses the reason,
never sees a failure.
"""

import functools
import importlib.metadata
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import certifi
import razorpay
import requests
import urllib3
from requests.adapters import HTTPAdapter

from domain.errors import Invalid, RuleViolation, Unavailable
from integrations.payments.razorpay_entities import sentence
from integrations.threads import BoundedThreads

T = TypeVar("T")

CONNECT_AND_READ_SECONDS = (3.05, 10.0)
MAX_ANSWER_BYTES = 4_000_000
"""A list of 100 payments has about 150 kB."""
KEYS_REFUSED = frozenset({401, 403})
NOT_NOW = frozenset({408, 409, 425, 429})


class RazorpayCalls:
    """Each thread has an SDK client of its own: the client's session is not made to be shared."""

    def __init__(
        self,
        *,
        key_id: str,
        key_secret: str,
        base_url: str,
        threads: int = 4,
        timeout: tuple[float, float] = CONNECT_AND_READ_SECONDS,
    ) -> None:
        self._auth = (key_id, key_secret)
        self._base_url = base_url.rstrip("/")
        self._timeout = timeout
        self._threads = BoundedThreads("the payment gateway", threads=threads)
        self._of_thread = threading.local()
        self._sessions: list[requests.Session] = []

    async def run(self, call: Callable[[Any], T]) -> T:
        """Call it with an SDK client in a thread. Raise one of the outcomes."""
        return await self._threads.run(lambda: call(self._client()))

    async def close(self) -> None:
        """Wait for the calls that run (each has its time limits), then close the connections."""
        await self._threads.close()
        for session in self._sessions:
            session.close()

    def _client(self) -> Any:
        if not hasattr(self._of_thread, "client"):
            session = Session(self._timeout)
            self._sessions.append(session)
            self._of_thread.client = _client(session, self._auth, self._base_url)
        return self._of_thread.client


def _client(session: requests.Session, auth: tuple[str, str], base_url: str) -> Any:
    client = razorpay.Client(session=session, auth=auth, base_url=base_url)
    client.cert_path = certifi.where()  # the SDK's own bundle is of April 2015
    client._get_version = sdk_version  # noqa: SLF001 # it reads the metadata at every call
    return client


@functools.cache
def sdk_version() -> str:
    return importlib.metadata.version("razorpay")


class Session(requests.Session):
    """One connection; time limits on every call, no redirects, no retries, and our outcomes."""

    def __init__(self, timeout: tuple[float, float]) -> None:
        super().__init__()
        self._timeout = timeout
        self.trust_env = False  # a .netrc must not replace our keys
        for scheme in ("https://", "http://"):
            self.mount(scheme, HTTPAdapter(max_retries=0, pool_connections=1, pool_maxsize=1))

    def request(self, *args: Any, **kwargs: Any) -> requests.Response:
        kwargs |= {"timeout": self._timeout, "allow_redirects": False, "stream": True}
        try:
            with super().request(*args, **kwargs) as response:
                _read(response, until=time.monotonic() + self._timeout[1])
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as e:
            raise Unavailable(
                "The payment gateway cannot be reached, or its answer broke off."
            ) from e
        _judge(response)
        return response


def _read(response: requests.Response, *, until: float) -> None:
    """Read the body. Raise ConnectionError when it is too big, or comes drop by drop."""
    body = bytearray()
    while part := response.raw.read1(65536, decode_content=True):
        body += part
        if len(body) > MAX_ANSWER_BYTES or time.monotonic() > until:
            raise requests.ConnectionError("too much, or too slow")
    response._content = bytes(body)  # noqa: SLF001 # what `requests` does when it reads by itself


def _judge(response: requests.Response) -> None:
    """Return for a result; raise the outcome otherwise."""
    status, answer = response.status_code, _json_object(response)
    if 200 <= status < 300 and answer is not None:
        return
    if status in KEYS_REFUSED:
        raise Unavailable("The payment gateway does not accept our keys.", retry_after_seconds=60)
    if status in NOT_NOW:
        raise Unavailable(
            "The payment gateway asks us to wait.", retry_after_seconds=_retry_after(response)
        )
    error = (answer or {}).get("error")
    if not 400 <= status < 500 or not isinstance(error, Mapping):
        raise Unavailable(f"The payment gateway answered {status}, which says nothing.")
    raise _refusal(error)


def _json_object(response: requests.Response) -> dict[str, Any] | None:
    try:
        answer = response.json()
    except (ValueError, RecursionError):
        return None
    return answer if isinstance(answer, dict) else None


def _retry_after(response: requests.Response) -> int:
    """Seconds, 1 to 300; 5 when the header is missing or a date."""
    text = response.headers.get("Retry-After", "")
    return min(max(int(text), 1), 300) if text.isascii() and text.isdigit() else 5


def _refusal(error: Mapping[str, Any]) -> Invalid | RuleViolation:
    refused = Invalid if error.get("reason") == "input_validation_failed" else RuleViolation
    return refused(
        sentence(error.get("description")) or "The payment gateway refused.",
        code="gateway-refused",
        gatewayCode=sentence(error.get("code")),
        gatewayField=sentence(error.get("field")),
    )
