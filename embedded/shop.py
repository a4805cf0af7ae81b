"""One shop on one machine: which servers to start, what each program is told, what to print."""

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

from embedded.data_directory import Ports
from embedded.given import Given
from embedded.ports import LOOPBACK, free_port, require_free
from embedded.program import Program
from embedded.servers import MailSink, Mongod, NatsServer, Valkey
from embedded.supervisor import Kept

RAZORPAY = "https://api.razorpay.com"
ADMIN_EMAIL = "admin@kundan.example"
GRACEFUL_SECONDS = 3


@dataclass
class Shop:
    """`kept` in the order to start them; `addresses` is what `run.json` says.

    `ready_pages` answer 200 once the programs can serve.
    """

    kept: list[Kept] = field(default_factory=list)
    ready_pages: list[str] = field(default_factory=list)
    addresses: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)


def plan(given: Given, known_secrets: dict[str, str], ports: Ports) -> Shop:
    """Nothing is started yet. Raise PortTakenError when the API's port is taken."""
    data_dir = given.data_dir.resolve()
    shop = Shop()
    port = given.port or free_port()
    require_free(port, name="The API", remedy=f"Set PORT to another, as in PORT={port + 1}.")
    shop.addresses["api"] = f"http://{LOOPBACK}:{port}"
    _plan_servers(shop, given, ports, data_dir)
    _plan_mail(shop, given, ports, data_dir)
    shop.environment |= _settings(given, known_secrets, shop, port=port, data_dir=data_dir)
    _plan_gateway(shop, given, ports, data_dir)
    _plan_programs(shop, data_dir, port=port, metrics_port=ports.of("worker"))
    return shop


def _plan_servers(shop: Shop, given: Given, ports: Ports, data_dir: Path) -> None:
    urls = {"mongodb": given.mongodb_url, "nats": given.nats_url, "redis": given.redis_url}
    kinds = {"mongodb": Mongod, "nats": NatsServer, "redis": Valkey}
    for name, url in urls.items():
        if url is None:
            server = kinds[name](data_dir / name, ports.of(name))
            shop.kept.append(server)
            url = server.url  # noqa: PLW2901 # the one it was missing
        shop.addresses[name] = url
        shop.environment[f"{name.upper()}_URL"] = url


def _plan_mail(shop: Shop, given: Given, ports: Ports, data_dir: Path) -> None:
    if given.smtp_host is not None:
        shop.addresses["mail"] = f"smtp://{given.smtp_host}:{given.smtp_port}"
        return
    sink = MailSink(data_dir / "mail", ports.of("smtp"), web_port=ports.of("mail"))
    shop.kept.append(sink)
    shop.addresses["mail"] = sink.web_url
    shop.environment |= {
        "SMTP_HOST": LOOPBACK,
        "SMTP_PORT": str(sink.port),
        "SMTP_STARTTLS": "false",
    }


def _settings(
    given: Given, known_secrets: dict[str, str], shop: Shop, *, port: int, data_dir: Path
) -> dict[str, str]:
    """Our own secrets only where the user has set none: the programs read `.env` themselves."""
    made_up = {
        name: value
        for name, value in known_secrets.items()
        if getattr(given, name.lower()) is None and not _belongs_to_the_gateway(name, given)
    }
    address = shop.addresses["api"]
    if given.demo_catalogue is None and given.mongodb_url is None:
        made_up["DEMO_CATALOGUE"] = "true"  # never into somebody's own database unasked
    return made_up | {
        "PORT": str(port),
        "DATA_DIR": str(data_dir),
        "PUBLIC_BASE_URL": given.public_base_url or address,
        "ADMIN_EMAIL": given.admin_email or ADMIN_EMAIL,
    }


def _belongs_to_the_gateway(name: str, given: Given) -> bool:
    return given.has_gateway and name in {"RAZORPAY_KEY_ID", "RAZORPAY_KEY_SECRET"}


def _plan_gateway(shop: Shop, given: Given, ports: Ports, data_dir: Path) -> None:
    if given.has_gateway:
        shop.addresses["gateway"] = given.razorpay_base_url or RAZORPAY
        return
    port = ports.of("gateway")
    webhook = f"{shop.addresses['api']}/api/webhooks/razorpay"
    shop.addresses["gateway"] = f"http://{LOOPBACK}:{port}"
    shop.environment["RAZORPAY_BASE_URL"] = shop.addresses["gateway"]
    options = ["--port", str(port), "--webhook-url", webhook]
    books = ["--data", str(data_dir / "gateway.json")]
    command = ["integrations.payments.simulator", *options, *books]
    shop.kept.append(_program(shop, data_dir, "gateway", command))


def _plan_programs(shop: Shop, data_dir: Path, *, port: int, metrics_port: int) -> None:
    """The worker serves its figures as soon as it works, so they tell that it is ready."""
    shop.environment["WORKER_METRICS_PORT"] = str(metrics_port)
    options = ["--host", LOOPBACK, "--port", str(port), "--no-server-header", "--no-access-log"]
    patience = ["--timeout-graceful-shutdown", str(GRACEFUL_SECONDS)]
    shop.kept.append(_program(shop, data_dir, "api", ["uvicorn", "main:app", *options, *patience]))
    shop.kept.append(_program(shop, data_dir, "worker", ["worker"]))
    shop.ready_pages += [
        f"{shop.addresses['api']}/health/ready",
        f"http://{LOOPBACK}:{metrics_port}/metrics",
    ]


def _program(shop: Shop, data_dir: Path, name: str, module: list[str]) -> Program:
    return Program(
        name,
        [sys.executable, "-m", *module],
        log_file=data_dir / "logs" / f"{name}.log",
        environment=os.environ | shop.environment | {"PYTHONUNBUFFERED": "1"},
    )
