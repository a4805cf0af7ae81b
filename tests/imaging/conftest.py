"""The weights, the public-domain photograph, and pictures made here."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from imaging import models
from imaging.decode import decode
from imaging.types import Rgb

PHOTOS = Path(__file__).parent / "photos"
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session", autouse=True)
def weights() -> Path:
    """Every imaging test runs from the checkout's own weights, fetched once if they are missing."""
    where = Path(os.environ.get("MODELS_DIR", ROOT / ".models")).resolve()
    models.fetch(where)
    os.environ["MODELS_DIR"] = str(where)
    return where


@pytest.fixture(scope="session")
def astronaut_bytes() -> bytes:
    return (PHOTOS / "astronaut.jpg").read_bytes()


@pytest.fixture(scope="session")
def astronaut(astronaut_bytes: bytes) -> Rgb:
    return decode(astronaut_bytes).rgb


@pytest.fixture(scope="session")
def no_person() -> Rgb:
    """Coloured shapes and a horizon: a busy picture without anyone."""
    picture = np.zeros((480, 640, 3), np.uint8)
    picture[:240] = (120, 160, 220)
    picture[240:] = (90, 120, 60)
    cv2.circle(picture, (140, 120), 60, (250, 220, 120), -1)
    cv2.rectangle(picture, (300, 180), (460, 400), (140, 90, 60), -1)
    cv2.line(picture, (0, 470), (639, 250), (40, 40, 40), 9)
    return picture
