"""A pipeline of bad jobs: what pictures from strangers may make of a process."""

import os
import signal
import sys
import time
from os import getcwd
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from imaging.errors import ImageRefused

WARM: list[str] = []
REMEMBERED: list[Path] = []


def warm_up(*words: str) -> None:
    WARM.extend(words)


def remember(pipe: str) -> None:
    """Something that is told through a named pipe when it is forgotten."""
    REMEMBERED.append(Path(pipe))


def forget() -> None:
    while REMEMBERED:
        REMEMBERED.pop().write_text("forgotten")


def add(left: int, *, right: int) -> int:
    return left + right


def warmth() -> list[str]:
    return WARM


def pid() -> int:
    return os.getpid()


def echo(data: bytes) -> bytes:
    return data


def environment() -> dict[str, str]:
    return dict(os.environ)


def refuse() -> None:
    raise ImageRefused("not-wearable-here", "no face")


def raise_opencvs_own() -> None:
    cv2.resize(np.zeros((0, 0, 3), np.uint8), (9, 9))


def divide() -> float:
    return 1 / len(REMEMBERED)


def miss() -> str:
    return {"left": "x"}["right"]


def crash() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def leave() -> None:
    sys.exit(3)


def sleep(seconds: float) -> None:
    time.sleep(seconds)


def stop() -> None:
    """Paused, as by a debugger: it reads nothing and answers nothing."""
    os.kill(os.getpid(), signal.SIGSTOP)


def burn() -> None:
    while True:
        pass


def devour() -> int:
    return len(bytearray(64 * 1024**3))


def devour_pixels() -> None:
    cv2.resize(np.zeros((9, 9, 3), np.uint8), (60_000, 60_000))


def unpicklable() -> Any:
    return lambda: getcwd


class AwkwardError(Exception):
    def __init__(self, *, word: str) -> None:
        super().__init__(word)


def raise_awkward() -> None:
    raise AwkwardError(word="sideways")


def _private() -> None:
    """Not to be called."""
