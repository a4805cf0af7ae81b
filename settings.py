"""Every knob, read from the environment and `.env`. The specification's variables keep their names."""

import re
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    Field,
    IPvAnyNetwork,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

WEAK_SECRETS = {"your-secret-key", "secret", "changeme", "password"}


def _comma_list(value: object) -> object:
    return (
        [part.strip() for part in value.split(",") if part.strip()]
        if isinstance(value, str)
        else value
    )


def _mongodb_url(value: str) -> str:
    if not re.match(r"^mongodb(\+srv)?://", value):
        raise ValueError("must start with mongodb:// or mongodb+srv://")
    return value


class Settings(BaseSettings):
    model_config = SettingsConfigDict(
        env_file=".env", env_ignore_empty=True, extra="ignore", case_sensitive=False
    )

    # --- the specification's own names ---
    mongodb_url: Annotated[str, AfterValidator(_mongodb_url)] = (
        "mongodb://localhost:27017/jewelry_store"
    )
    jwt_secret_key: SecretStr = SecretStr("")
    jwt_algorithm: Literal["HS256", "HS384", "HS512"] = "HS256"
    jwt_access_token_expire_minutes: int = Field(default=30, ge=1, le=1440)
    jwt_refresh_token_expire_days: int = Field(default=7, ge=1, le=90)
    aws_access_key_id: SecretStr | None = None
    aws_secret_access_key: SecretStr | None = None
    aws_s3_bucket: str | None = None
    aws_region: str | None = None
    razorpay_key_id: str | None = None
    razorpay_key_secret: SecretStr | None = None
    smtp_host: str | None = None
    smtp_port: int = Field(default=587, ge=1, le=65535)
    smtp_username: str | None = None
    smtp_password: SecretStr | None = None
    debug: bool = False
    allowed_hosts: Annotated[list[str], NoDecode] = Field(default=["localhost", "127.0.0.1"])
    cors_origins: Annotated[list[str], NoDecode] = Field(default=["http://localhost:5173"])

    # --- ours ---
    app_env: Literal["development", "test", "production"] = "development"
    port: int = Field(default=8000, ge=0, le=65535)
    data_dir: Path = Path(".data")
    models_dir: Path = Path(".models")
    public_base_url: str = "http://localhost:8000"
    nats_url: str = "nats://localhost:4222"
    nats_stream: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,32}$")] = "EVENTS"
    nats_replicas: int = Field(default=1, ge=1, le=5)
    redis_url: str | None = None
    master_key: SecretStr = SecretStr("")
    """32 bytes as 64 hexadecimal characters: wraps every person's key, and keys the claims."""
    razorpay_webhook_secret: SecretStr | None = None
    razorpay_webhook_secret_previous: SecretStr | None = None
    razorpay_base_url: str = "https://api.razorpay.com"
    s3_endpoint_url: str | None = None
    s3_server_side_encryption: Literal["AES256", "aws:kms", "none"] | None = None
    """Asked for at every write. Not set: AES256 at Amazon, none at servers of other makers."""
    s3_kms_key_id: str | None = None
    smtp_from: str = "Kundan <shop@example.com>"
    smtp_starttls: bool = True
    smtp_per_second: float = Field(default=20.0, gt=0, le=1_000)
    admin_email: str | None = None
    admin_password: SecretStr | None = None
    reservation_minutes: int = Field(default=30, ge=1, le=1440)
    max_upload_mb: int = Field(default=10, ge=1, le=50)
    max_import_mb: int = Field(default=20, ge=1, le=100)
    import_sync_seconds: float = Field(default=5.0, ge=0, le=60)
    consistency_wait_seconds: float = Field(default=2.0, gt=0, le=30)
    imaging_processes: int = Field(default=1, ge=1, le=32)
    photo_days: int = Field(default=30, ge=1, le=3650)
    rate_limits: bool = True
    fetch_catalogue_pictures: bool = False
    """Fetch the first picture of each new piece, to cut its overlay out by itself. Staff may always ask."""
    fetch_plain_http: bool = False
    """Also from http:// at port 80; else https:// at port 443 only."""
    fetch_allowed_networks: Annotated[list[IPvAnyNetwork], NoDecode] = Field(default=[])
    """Of the shop's own: from there any port and plain http may be fetched, though it is not public."""
    demo_catalogue: bool = False
    """Import the demo's products once; `make run` sets it."""
    worker_metrics_port: int = Field(default=0, ge=0, le=65535)
    """Prometheus on loopback; 0 takes a free port, and the log says which."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @model_validator(mode="before")
    @classmethod
    def _lists(cls, values: dict[str, object]) -> dict[str, object]:
        for name in ("allowed_hosts", "cors_origins", "fetch_allowed_networks"):
            if name in values:
                values[name] = _comma_list(values[name])
        return values

    @model_validator(mode="after")
    def _safe(self) -> Self:
        secret = self.jwt_secret_key.get_secret_value()
        if secret in WEAK_SECRETS or len(secret.encode()) < 32:
            raise ValueError("JWT_SECRET_KEY must be at least 32 random bytes, and not an example")
        if not re.fullmatch(r"[0-9a-fA-F]{64}", self.master_key.get_secret_value()):
            raise ValueError("MASTER_KEY must be 64 hexadecimal characters (32 random bytes)")
        if self.s3_kms_key_id is not None and self.s3_server_side_encryption != "aws:kms":
            raise ValueError("S3_KMS_KEY_ID needs S3_SERVER_SIDE_ENCRYPTION=aws:kms")
        if self.app_env == "production":
            self._production()
        if self.debug and "log_level" not in self.model_fields_set:
            self.log_level = "DEBUG"  # never more than words in the log: no client sees a traceback
        return self

    def _production(self) -> None:
        if "*" in self.cors_origins or "*" in self.allowed_hosts:
            raise ValueError("CORS_ORIGINS and ALLOWED_HOSTS may not be * in production")
        if self.debug:
            raise ValueError("DEBUG must be false in production")
        if not self.razorpay_base_url.startswith("https://"):
            raise ValueError("RAZORPAY_BASE_URL must be https:// in production")


class SettingsError(SystemExit):
    """The start stops with one sentence that names the variable."""


def load_settings() -> Settings:
    """The settings, or SettingsError with one sentence for the first fault."""
    try:
        return Settings()
    except ValidationError as e:
        fault = e.errors()[0]
        name = str(fault["loc"][0]).upper() if fault["loc"] else ""
        message = str(fault["msg"]).removeprefix("Value error, ")
        raise SettingsError(f"Settings: {name + ': ' if name else ''}{message}") from None
