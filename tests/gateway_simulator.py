"""The Razorpay simulator in a thread of the test's process, on a free port, over real HTTP."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Empty, Queue
from typing import Any, Self

import httpx
import uvicorn

from embedded.ports import LOOPBACK, free_port
from integrations.payments.razorpay import RazorpayGateway
from integrations.payments.simulator.app import Options, simulator
from tests.fakes_gateway import CheckoutAnswer, SentWebhook

KEY_ID, KEY_SECRET, WEBHOOK_SECRET = "rzp_test_1DP5mmOlF5G5ag", "a-key-secret", "a-webhook-secret"
START_SECONDS = 10


class RunningSimulator:
    """A simulator that listens; `controls` talks to its own endpoints."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.controls = httpx.Client(base_url=f"{base_url}/_sim", timeout=10)

    def gateway(self, **options: Any) -> RazorpayGateway:
        defaults = {
            "key_id": KEY_ID,
            "key_secret": KEY_SECRET,
            "base_url": self.base_url,
            "webhook_secrets": (WEBHOOK_SECRET,),
        }
        return RazorpayGateway(**(defaults | options))

    def pay(
        self, order_id: str, *, method: str = "card", outcome: str = "success", **more: Any
    ) -> CheckoutAnswer:
        body = {"order_id": order_id, "method": method, "outcome": outcome, **more}
        answer = self.controls.post("/checkout", json=body).raise_for_status().json()
        return CheckoutAnswer(
            payment_id=answer["razorpay_payment_id"],
            order_id=answer["razorpay_order_id"],
            signature=answer["razorpay_signature"] or "",
        )

    def fault(self, request: str, mode: str, **more: Any) -> None:
        body = {"request": request, "mode": mode, **more}
        self.controls.post("/faults", json=body).raise_for_status()

    def settings(self, **changed: str) -> None:
        self.controls.post("/settings", json=changed).raise_for_status()

    def advance(self, seconds: int) -> None:
        self.controls.post("/clock", json={"advance_seconds": seconds}).raise_for_status()

    def ledger(self, receipt: str) -> list[dict[str, Any]]:
        """The orders that the simulator made for a receipt, with their money."""
        orders = self.controls.get("/ledger").raise_for_status().json()["orders"]
        return [line for line in orders if line["receipt"] == receipt]


@contextmanager
def running_simulator(*, data: Path | None = None) -> Iterator[RunningSimulator]:
    port = free_port()
    options = Options(
        key_id=KEY_ID,
        key_secret=KEY_SECRET,
        webhook_secret=WEBHOOK_SECRET,
        data=data,
        webhook_retry_seconds=0.02,
    )
    server = _Server(
        uvicorn.Config(
            simulator(options),
            host=LOOPBACK,
            port=port,
            log_level="critical",
            ws="none",
            timeout_graceful_shutdown=1,
        )
    )
    thread = threading.Thread(target=server.run, name="simulator")
    thread.start()
    running = RunningSimulator(f"http://{LOOPBACK}:{port}")
    try:
        assert server.up.wait(START_SECONDS), "the simulator did not start"
        yield running
    finally:
        running.controls.close()
        server.should_exit = True
        thread.join(START_SECONDS)


class _Server(uvicorn.Server):
    """Says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = threading.Event()

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        self.up.set()


class WebhookCatcher:
    """A shop that takes webhooks, and refuses as many as it is told to."""

    def __init__(self) -> None:
        self.taken: Queue[SentWebhook] = Queue()
        self.refuse = 0
        self._server = ThreadingHTTPServer((LOOPBACK, 0), self._handler())
        self.url = f"http://{LOOPBACK}:{self._server.server_port}/api/payments/webhook"

    def next(self, about: str, *, seconds: float = 10) -> SentWebhook:
        """The next one whose body has this id; others are thrown away. Raise Empty in the end."""
        while True:
            sent = self.taken.get(timeout=seconds)
            if about.encode() in sent.body:
                return sent

    def none_within(self, seconds: float) -> bool:
        try:
            self.taken.get(timeout=seconds)
        except Empty:
            return True
        return False

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, name="webhook-catcher").start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        catcher = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = 500 if catcher.refuse > 0 else 200
                catcher.refuse -= 1
                if status == 200:
                    catcher.taken.put(
                        SentWebhook(
                            body=body,
                            signature=self.headers["X-Razorpay-Signature"],
                            event_id=self.headers["x-razorpay-event-id"],
                        )
                    )
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Quiet: the test says what matters."""

        return Handler
