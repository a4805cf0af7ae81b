"""Prepare a server for `docker compose up`: `python -m deploy.prepare shop.example.com`.

Writes `.env` with fresh secrets, and `.data/deploy/` with MongoDB's key file and a self-signed
certificate that you replace with a real one. Never overwrites anything.
"""

import datetime as dt
import os
import secrets
import sys
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

OWNER_ONLY = 0o600
READ_ONLY = 0o444  # read by the containers' own users; the directory above shuts others out
CERTIFICATE_DAYS = 90


def environment(domain: str) -> str:
    """NATS reads its passwords as configuration values: they start with a letter, so that no
    value looks like a number.
    """
    own = {
        "APP_ENV": "production",
        "PUBLIC_BASE_URL": f"https://{domain}",
        "ALLOWED_HOSTS": f"{domain},127.0.0.1",  # the second for the container's health check
        "CORS_ORIGINS": f"https://{domain}",
        "JWT_SECRET_KEY": secrets.token_urlsafe(48),
        "MASTER_KEY": secrets.token_hex(32),
        "MONGO_ADMIN_PASSWORD": secrets.token_hex(24),
        "MONGO_PASSWORD": secrets.token_hex(24),
        "NATS_PASSWORD": f"n{secrets.token_hex(24)}",
        "NATS_ANALYTICS_PASSWORD": f"n{secrets.token_hex(24)}",
        "VALKEY_PASSWORD": secrets.token_hex(24),
        "ADMIN_EMAIL": f"admin@{domain}",
        "ADMIN_PASSWORD": secrets.token_urlsafe(15),
        "RAZORPAY_WEBHOOK_SECRET": secrets.token_urlsafe(24),
    }
    gateway = ("RAZORPAY_KEY_ID", "RAZORPAY_KEY_SECRET")
    mail = ("SMTP_HOST", "SMTP_USERNAME", "SMTP_PASSWORD", "SMTP_FROM")
    lines = [f"{name}={value}" for name, value in own.items()]
    return "\n".join([*lines, *(f"# {name}=" for name in gateway + mail)]) + "\n"


def certificate(domain: str) -> tuple[bytes, bytes]:
    """A self-signed certificate and its key, both PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, domain)])
    now = dt.datetime.now(dt.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + dt.timedelta(days=CERTIFICATE_DAYS))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(domain)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return signed.public_bytes(serialization.Encoding.PEM), private


def write_new(file: Path, content: bytes, *, mode: int) -> bool:
    """False when it is there already: it is left as it is."""
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
    except FileExistsError:
        return False
    with open(descriptor, "wb") as written:  # noqa: PTH123 # opened above, privately
        written.write(content)
    file.chmod(mode)
    return True


def prepare(root: Path, domain: str) -> list[Path]:
    """The files that were missing and are written now."""
    directory = root / ".data" / "deploy"
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(0o700)
    signed, private = certificate(domain)
    wanted = [
        (root / ".env", environment(domain).encode(), OWNER_ONLY),
        (directory / "mongo_keyfile", secrets.token_urlsafe(500).encode(), READ_ONLY),
    ]
    if not (directory / "fullchain.pem").exists():  # a pair belongs together
        wanted.append((directory / "fullchain.pem", signed, READ_ONLY))
        wanted.append((directory / "privkey.pem", private, READ_ONLY))
    return [file for file, content, mode in wanted if write_new(file, content, mode=mode)]


def main(words: list[str]) -> int:
    if len(words) != 1 or "." not in words[0]:
        sys.stderr.write("Say the shop's domain: python -m deploy.prepare shop.example.com\n")
        return 2
    written = prepare(Path.cwd(), words[0])
    sys.stdout.write("".join(f"wrote {file}\n" for file in written) or "all was there already\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
