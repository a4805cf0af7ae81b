"""`python -m integrations.payments.simulator --port N`: see the package's docstring.

Reads RAZORPAY_KEY_ID, RAZORPAY_KEY_SECRET and RAZORPAY_WEBHOOK_SECRET.
"""

import argparse
import os
from pathlib import Path

import uvicorn

from integrations.payments.simulator.app import Options, simulator
from integrations.payments.simulator.desk import is_loopback, loopback_url


def main() -> None:
    arguments = _arguments()
    if os.environ.get("APP_ENV") == "production":
        raise SystemExit("The payment simulator does not run with APP_ENV=production.")
    if not is_loopback(arguments.host):
        raise SystemExit(
            f"The payment simulator listens on loopback only, not on {arguments.host}."
        )
    if arguments.webhook_url and not loopback_url(arguments.webhook_url):
        raise SystemExit("The payment simulator sends webhooks to loopback only.")
    options = Options(
        key_id=_secret("RAZORPAY_KEY_ID"),
        key_secret=_secret("RAZORPAY_KEY_SECRET"),
        webhook_secret=_secret("RAZORPAY_WEBHOOK_SECRET"),
        webhook_url=arguments.webhook_url,
        data=arguments.data,
    )
    uvicorn.run(
        simulator(options),
        host=arguments.host,
        port=arguments.port,
        log_level="warning",
        ws="none",
        timeout_graceful_shutdown=3,
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m integrations.payments.simulator")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--webhook-url", help="where signed webhooks go; on loopback")
    parser.add_argument("--data", type=Path, help="a file that keeps the books over a restart")
    return parser.parse_args()


def _secret(name: str) -> str:
    value = os.environ.get(name, "")
    if not value:
        raise SystemExit(f"The payment simulator needs {name}.")
    if name == "RAZORPAY_KEY_ID" and value.startswith("rzp_live_"):
        raise SystemExit("The payment simulator takes no live key.")
    return value


if __name__ == "__main__":
    main()
