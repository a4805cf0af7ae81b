"""The contract without a server: `python -m contract.offline > openapi.json`."""

import json
import sys
from typing import Any

from contract.document import describe
from main import create_app
from settings import Settings

NOWHERE = {
    "mongodb_url": "mongodb://localhost/contract",
    "nats_url": "nats://localhost",
    "jwt_secret_key": "contract" * 8,
    "master_key": "0" * 64,
}


def document() -> dict[str, Any]:
    """Of an application that is never started."""
    return describe(create_app(Settings.model_validate(NOWHERE)))


if __name__ == "__main__":
    json.dump(document(), sys.stdout, indent=1, ensure_ascii=False)
    sys.stdout.write("\n")
