"""What imaging costs: processor time of its three steps on one core, and memory of who does them."""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from benchmarks.phone import Phone
from imaging import models, pipeline
from imaging.encode import encode_png
from imaging.pipeline import OverlaySpec

OVERLAYS = Path(__file__).parents[1] / "demo" / "overlays"
SIDE = 1280
PRODUCT_SIDE = 1000
ROUNDS = 9


def processor_ms() -> dict[str, list[float]]:
    """Of this thread; the first of each, which loads the nets, is left out."""
    models.fetch(Path(".models"))
    pipeline.warm_up()
    phone = Phone(SIDE)
    found: dict[str, list[float]] = {"analyse": [], "re-render": [], "cut-out": [], "prepare": []}
    overlay = OverlaySpec((OVERLAYS / "kundan-bib.png").read_bytes(), "necklace")
    product = _product()
    for number in range(ROUNDS + 1):
        photo = phone.photograph()
        found["prepare"].append(_ms(partial(pipeline.prepare_photo, photo)))
        stored = pipeline.prepare_photo(photo).original_jpeg
        found["analyse"].append(_ms(partial(pipeline.analyse_photo, stored)))
        analysis = pipeline.analyse_photo(stored)
        render = partial(pipeline.render, stored, analysis, [overlay], max_side=SIDE)
        render(adjustments={})  # masks and cut-out are kept from now on
        found["re-render"].append(_ms(partial(render, adjustments={"dy": number + 1.0})))
        found["cut-out"].append(_ms(partial(pipeline.prepare_overlay, product)))
    return {name: costs[1:] for name, costs in found.items()}


def _ms(work: Callable[[], object]) -> float:
    begin = time.thread_time()
    work()
    return (time.thread_time() - begin) * 1e3


def _product() -> bytes:
    """A catalogue picture: the demo's bib on an off-white sheet, 1000 pixels wide and high."""
    piece = Image.open(OVERLAYS / "kundan-bib.png").convert("RGBA")
    piece.thumbnail((PRODUCT_SIDE * 4 // 5, PRODUCT_SIDE * 4 // 5))
    sheet = Image.new("RGB", (PRODUCT_SIDE, PRODUCT_SIDE), (246, 245, 242))
    at = ((PRODUCT_SIDE - piece.width) // 2, (PRODUCT_SIDE - piece.height) // 2)
    sheet.paste(piece, at, piece)
    soft = cv2.GaussianBlur(np.asarray(sheet), (3, 3), 0.6)
    return encode_png(soft.astype(np.uint8))


def memory(pid: int) -> tuple[float, float]:
    """Resident now, and at most so far, in MB (Linux)."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    fields = dict(line.split(":", 1) for line in lines if ":" in line)
    return int(fields["VmRSS"].split()[0]) / 1024, int(fields["VmHWM"].split()[0]) / 1024
