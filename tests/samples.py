"""Names, addresses and settings that tests share."""

from pathlib import Path
from typing import Any

from settings import Settings

ADDRESS: dict[str, str] = {
    "name": "Meera Iyer",
    "street": "12 MI Road",
    "city": "Jaipur",
    "state": "Rajasthan",
    "zipCode": "302001",
    "country": "IN",
    "phone": "+919876543210",
}

PASSWORD = "three old maps of Jaipur"

ADMIN_EMAIL = "admin@kundan.example"
ADMIN_PASSWORD = "a quiet lane behind Hawa Mahal"


def settings_for_tests(**changes: Any) -> Settings:
    """Valid, secret-looking, and without `.env`."""
    values: dict[str, Any] = {
        "app_env": "test",
        "jwt_secret_key": "j" * 40,
        "master_key": "5a" * 32,
        "admin_email": ADMIN_EMAIL,
        "admin_password": ADMIN_PASSWORD,
        "allowed_hosts": "shop.test,localhost",
        "cors_origins": "https://shop.test",
        "razorpay_key_id": "rzp_test_1",
        "razorpay_key_secret": "key-secret",
        "razorpay_webhook_secret": "webhook-secret",
        "rate_limits": False,
        "data_dir": Path("unused"),
    }
    return Settings(_env_file=None, **values | changes)  # type: ignore[call-arg]
