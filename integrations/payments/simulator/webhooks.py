"""Webhooks as Razorpay sends them: signed raw bytes, at least once, in no promised order.

What is not delivered when the simulator stops is lost; a shop finds out by reading, as it must.
"""

import asyncio
import json
import random
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

import requests

from integrations.payments.signatures import sign
from integrations.payments.simulator.entities import Entity, new_id
from integrations.payments.simulator.faults import Fault

ANSWER_SECONDS = 5.0
"""Razorpay's limit: a slower answer counts as a failure."""
MAX_WAITING = 1000
MAX_RETRY_SECONDS = 30.0
REORDER_SECONDS = 2.0
"""A held webhook goes out when the next one has, or after so long."""


@dataclass
class Delivery:
    event_id: str
    event: str
    attempts: int = 0
    status: str = "waiting"
    """waiting, delivered, given-up, lost."""


class WebhookSender:
    def __init__(
        self,
        *,
        secret: str,
        url: str | None,
        next_fault: Callable[[], Fault | None],
        now: Callable[[], int],
        retry_seconds: float = 0.5,
        max_attempts: int = 12,
    ) -> None:
        """The wait before a retry doubles from `retry_seconds` to 30 s, half of it random."""
        self.url = url
        self.deliveries: deque[Delivery] = deque(maxlen=MAX_WAITING)
        self._secret = secret.encode()
        self._next_fault = next_fault
        self._now = now
        self._retry_seconds = retry_seconds
        self._max_attempts = max_attempts
        self._threads = ThreadPoolExecutor(4, thread_name_prefix="webhooks")
        self._tasks: set[asyncio.Task[None]] = set()
        self._next_is_out = asyncio.Event()

    def emit(self, event: str, about: Mapping[str, Entity]) -> None:
        """Send it in the background. Without a URL, or with too many waiting, it is lost."""
        delivery = Delivery(event_id=new_id("evt"), event=event)
        self.deliveries.append(delivery)
        fault = self._next_fault()
        mode = fault.mode if fault else None
        if self.url is None or mode == "lose" or len(self._tasks) >= MAX_WAITING:
            delivery.status = "lost"
            return
        body = self._body(event, about)
        for _ in range(2 if mode == "duplicate" else 1):
            self._start(self._deliver(delivery, self.url, body, fault))

    def waiting(self) -> int:
        return len(self._tasks)

    def listed(self) -> list[dict[str, Any]]:
        return [asdict(delivery) for delivery in self.deliveries]

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.to_thread(self._threads.shutdown, wait=True, cancel_futures=True)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _body(self, event: str, about: Mapping[str, Entity]) -> bytes:
        webhook = {
            "entity": "event",
            "account_id": "acc_Simulated00000",
            "event": event,
            "contains": list(about),
            "payload": {name: {"entity": entity} for name, entity in about.items()},
            "created_at": self._now(),
        }
        return json.dumps(webhook).encode()

    async def _deliver(
        self, delivery: Delivery, url: str, body: bytes, fault: Fault | None
    ) -> None:
        if fault and fault.mode == "delay":
            await asyncio.sleep(fault.seconds)
        if fault and fault.mode == "reorder":
            await self._after_the_next()
        secret = b"wrong" if fault and fault.mode == "bad-signature" else self._secret
        headers = {
            "Content-Type": "application/json",
            "X-Razorpay-Signature": sign(secret, body),
            "x-razorpay-event-id": delivery.event_id,
        }
        await self._try(delivery, url, body, headers)
        self._next_is_out.set()

    async def _after_the_next(self) -> None:
        self._next_is_out.clear()
        try:
            async with asyncio.timeout(REORDER_SECONDS):
                await self._next_is_out.wait()
        except TimeoutError:
            return  # none followed

    async def _try(
        self, delivery: Delivery, url: str, body: bytes, headers: Mapping[str, str]
    ) -> None:
        loop = asyncio.get_running_loop()
        for attempt in range(self._max_attempts):
            delivery.attempts += 1
            if await loop.run_in_executor(self._threads, _post, url, body, headers):
                delivery.status = "delivered"
                return
            wait = min(self._retry_seconds * 2**attempt, MAX_RETRY_SECONDS)
            await asyncio.sleep(wait * random.uniform(0.5, 1))  # noqa: S311 # jitter, not a secret
        delivery.status = "given-up"


def _post(url: str, body: bytes, headers: Mapping[str, str]) -> bool:
    """Whether the shop answered 2xx in time."""
    try:
        with requests.post(
            url, data=body, headers=headers, timeout=ANSWER_SECONDS, allow_redirects=False
        ) as answer:
            return answer.ok and not answer.is_redirect
    except requests.RequestException:
        return False
