"""The data directory of a local shop: one owner at a time, small JSON files written whole."""

import fcntl
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from embedded.errors import DataDirectoryInUseError, EmbeddedError
from embedded.ports import free_port, is_free

PRIVATE_FILE = 0o600
PRIVATE_DIRECTORY = 0o700


@contextmanager
def sole_owner(data_dir: Path) -> Iterator[None]:
    """Hold the directory's lock; the kernel lets go of it when this process ends, however it ends.

    Raise DataDirectoryInUseError while another supervisor holds it.
    """
    data_dir.mkdir(parents=True, exist_ok=True, mode=PRIVATE_DIRECTORY)
    with (data_dir / "lock").open("a+", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise DataDirectoryInUseError(
                f"{data_dir} is in use by process {lock.read().strip()}: stop that one, "
                "or set DATA_DIR and PORT for a second shop."
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def write_json(file: Path, content: Mapping[str, object]) -> None:
    """Whole or not at all, readable by its owner only."""
    unfinished = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
    with open(descriptor, "w", encoding="utf-8") as text:  # noqa: PTH123 # it has no path yet
        json.dump(content, text, indent=2)
        text.write("\n")
        text.flush()
        os.fsync(text.fileno())
    unfinished.replace(file)


def read_json(file: Path) -> dict[str, str]:
    """Empty when there is no such file. Raise EmbeddedError when it is not ours."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise EmbeddedError(
            f"{file} is not readable ({error}): restore it from a backup, or remove it to begin anew."
        ) from error
    if not isinstance(content, dict):
        raise EmbeddedError(f"{file} does not hold an object: restore it from a backup.")
    return {str(key): str(value) for key, value in content.items()}


def local_secrets(data_dir: Path) -> dict[str, str]:
    """Made once and kept: without MASTER_KEY nobody's personal data can be read again."""
    file = data_dir / "secrets.json"
    kept = read_json(file)
    fresh = {
        "JWT_SECRET_KEY": secrets.token_urlsafe(48),
        "MASTER_KEY": secrets.token_hex(32),
        "RAZORPAY_KEY_ID": f"rzp_test_{secrets.token_hex(7)}",
        "RAZORPAY_KEY_SECRET": secrets.token_urlsafe(24),
        "RAZORPAY_WEBHOOK_SECRET": secrets.token_urlsafe(24),
        "ADMIN_PASSWORD": secrets.token_urlsafe(12),
    }
    if fresh.keys() - kept.keys():
        kept = fresh | kept
        write_json(file, kept)
    return kept


class Ports:
    """Free ports that stay the same from one start to the next, as long as they are free."""

    def __init__(self, data_dir: Path) -> None:
        self._file = data_dir / "ports.json"
        self._known = read_json(self._file)

    def of(self, name: str) -> int:
        remembered = self._known.get(name, "")
        if remembered.isdecimal() and is_free(int(remembered)):
            return int(remembered)
        port = free_port()
        self._known[name] = str(port)
        write_json(self._file, self._known)
        return port
