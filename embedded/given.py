"""What the user has set already, in the environment or `.env`: those servers are not started."""

from pathlib import Path

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from embedded.errors import EmbeddedError


class Given(BaseSettings):
    """None (or left empty) means: start a local one, or make one up and keep it."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", env_ignore_empty=True)

    port: int = Field(default=8000, ge=0, le=65535)
    data_dir: Path = Path(".data")
    mongodb_url: str | None = None
    nats_url: str | None = None
    redis_url: str | None = None
    smtp_host: str | None = None
    smtp_port: int = 587
    razorpay_key_id: str | None = None
    razorpay_key_secret: SecretStr | None = None
    razorpay_webhook_secret: SecretStr | None = None
    razorpay_base_url: str | None = None
    jwt_secret_key: SecretStr | None = None
    master_key: SecretStr | None = None
    public_base_url: str | None = None
    demo_catalogue: bool | None = None
    admin_email: str | None = None
    admin_password: SecretStr | None = None

    @property
    def has_gateway(self) -> bool:
        """Real keys, or the address of a simulator that runs elsewhere."""
        real_keys = self.razorpay_key_id is not None and self.razorpay_key_secret is not None
        return real_keys or self.razorpay_base_url is not None


def load_given() -> Given:
    """Raise EmbeddedError with one sentence for the first fault."""
    try:
        return Given()
    except ValidationError as error:
        fault = error.errors()[0]
        name = str(fault["loc"][0]).upper() if fault["loc"] else "a setting"
        raise EmbeddedError(f"{name} is not usable: {fault['msg']}.") from None
