"""What JetStream holds, read in order and in batches: for proofs, beside the leader's single answers."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from domain.errors import Unavailable

BATCH_MESSAGES = 1_000
BATCH_BYTES = 8_000_000
BATCH_SECONDS = 10.0
END_OF_BATCH = "204"
NOTHING_THERE = "404"


class Published:
    """Direct gets (NATS ADR-31), many at once. A follower may answer, and be a moment behind."""

    def __init__(self, client: Client, stream: str) -> None:
        self._client = client
        self._subject = f"$JS.API.DIRECT.GET.{stream}"

    async def between(self, first: int, last: int) -> AsyncIterator[tuple[int, bytes]]:
        """(sequence, body) of all that is there, in order. Ends early where whoever answers ends."""
        while first <= last:
            batch = await self._batch(first, min(BATCH_MESSAGES, last - first + 1))
            for sequence, body in batch:
                if sequence <= last:
                    yield sequence, body
            if not batch:
                return
            first = batch[-1][0] + 1

    async def _batch(self, first: int, count: int) -> list[tuple[int, bytes]]:
        """The next ones from `first` on; fewer when they are large, none when there is none."""
        found: list[tuple[int, bytes]] = []
        ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()

        async def receive(message: Msg) -> None:
            headers = message.headers or {}
            if "Nats-Sequence" in headers:
                found.append((int(headers["Nats-Sequence"]), message.data))
            elif not ended.done():
                ended.set_result(headers.get("Status", "without a status"))

        request = {"seq": first, "batch": count, "max_bytes": BATCH_BYTES}
        inbox = f"{self._client.new_inbox()}.{secrets.token_hex(4)}"
        try:
            subscription = await self._client.subscribe(inbox, cb=receive)
            try:
                await self._client.publish(self._subject, json.dumps(request).encode(), reply=inbox)
                async with asyncio.timeout(BATCH_SECONDS):
                    status = await ended
            finally:
                await subscription.unsubscribe()
        except (NatsError, TimeoutError) as e:
            raise Unavailable("JetStream does not answer") from e
        if status not in {END_OF_BATCH, NOTHING_THERE}:
            raise Unavailable(f"JetStream refused to read position {first}: {status}")
        return found
