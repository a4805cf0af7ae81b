"""What `make run` starts and tells its programs, and what it leaves alone."""

import socket
from pathlib import Path

import pytest

from embedded.data_directory import Ports, local_secrets
from embedded.errors import EmbeddedError, PortTakenError
from embedded.given import Given, load_given
from embedded.ports import LOOPBACK, free_port
from embedded.program import Program
from embedded.shop import Shop, plan


@pytest.fixture(autouse=True)
def _nothing_is_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in Given.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("PORT", "0")


def planned(tmp_path: Path) -> Shop:
    return plan(load_given(), local_secrets(tmp_path), Ports(tmp_path))


def names(shop: Shop) -> list[str]:
    return [kept.name for kept in shop.kept]


def test_on_a_bare_machine_everything_is_started(tmp_path: Path) -> None:
    shop = planned(tmp_path)
    assert names(shop) == [
        *("mongod", "nats-server", "valkey-server", "mail-sink", "gateway", "api", "worker")
    ]
    assert list(shop.addresses) == ["api", "mongodb", "nats", "redis", "mail", "gateway"]


def test_a_server_that_is_set_is_used_and_not_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("MONGODB_URL=mongodb://db.example/shop\nREDIS_URL=\n")
    monkeypatch.setenv("NATS_URL", "nats://broker.example:4222")
    monkeypatch.setenv("SMTP_HOST", "smtp.example")
    monkeypatch.setenv("RAZORPAY_KEY_ID", "rzp_live_1")
    monkeypatch.setenv("RAZORPAY_KEY_SECRET", "from-the-dashboard")
    shop = planned(tmp_path)
    assert names(shop) == ["valkey-server", "api", "worker"]
    assert shop.addresses["mongodb"] == "mongodb://db.example/shop"
    assert shop.addresses["mail"] == "smtp://smtp.example:587"
    assert shop.addresses["gateway"] == "https://api.razorpay.com"
    assert not {"RAZORPAY_KEY_ID", "RAZORPAY_KEY_SECRET"} & shop.environment.keys()


def test_the_users_own_secrets_are_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("JWT_SECRET_KEY=the-users-own-key-of-more-than-32-bytes\n")
    monkeypatch.setenv("ADMIN_EMAIL", "meera@example.com")
    shop = planned(tmp_path)
    assert "JWT_SECRET_KEY" not in shop.environment
    assert shop.environment["ADMIN_EMAIL"] == "meera@example.com"
    assert shop.environment["ADMIN_PASSWORD"] == local_secrets(tmp_path)["ADMIN_PASSWORD"]


def test_a_taken_port_of_the_api_gets_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server((LOOPBACK, 0)) as other:
        port = other.getsockname()[1]
        monkeypatch.setenv("PORT", str(port))
        with pytest.raises(PortTakenError, match=f"port {port}: it is taken. Set PORT to another"):
            planned(tmp_path)


def test_a_port_that_is_no_number_gets_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "eight")
    with pytest.raises(EmbeddedError, match=r"^PORT is not usable: .* integer"):
        load_given()


def test_the_webhook_goes_to_the_apis_own_port(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    monkeypatch.setenv("PORT", str(port))
    gateway = next(kept for kept in planned(tmp_path).kept if kept.name == "gateway")
    assert isinstance(gateway, Program)
    assert f"http://127.0.0.1:{port}/api/webhooks/razorpay" in gateway.command


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({}, "true"),
        ({"DEMO_CATALOGUE": "false"}, None),
        ({"MONGODB_URL": "mongodb://db.example/shop"}, None),
    ],
)
def test_the_demo_catalogue_goes_only_into_a_database_of_our_own(
    settings: dict[str, str], told: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    assert planned(tmp_path).environment.get("DEMO_CATALOGUE") == told
