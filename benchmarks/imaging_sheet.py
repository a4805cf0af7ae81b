"""A contact sheet of composites to look at: `python -m benchmarks.imaging_sheet OUT.png`.

    --photos FOLDER   photographs (*.jpg); default: those of the tests
    --pieces a,b      demo pieces on every photograph; default: one after the other
    --side N          long side of the renders, pixels; default 1280

Prints, for each composite and in all, what composing took (ms, one thread, warm caches).
"""

import argparse
import io
import json
import time
from itertools import cycle
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw

from imaging import pipeline
from imaging.analyse import with_hands
from imaging.decode import decode
from imaging.errors import ImageRefused
from imaging.types import Adjustments, Analysis, Point, Rgb
from imaging.wearing import FINGER_TYPES, HAND_TYPES

ROOT = Path(__file__).parents[1]
TILE = 420
WEARABLE = ("necklace", "pendant", "mangalsutra", "earrings", "set", "ring", "bangle")


def main() -> None:
    arguments = _arguments()
    cv2.setNumThreads(1)
    specs = demo_pieces()
    wanted = arguments.pieces.split(",") if arguments.pieces else None
    turns = cycle(specs)
    tiles, times = [], []
    for path in sorted(arguments.photos.glob("*.jpg")):
        for name in wanted or [next(turns)]:
            made = composite(path, specs[name], side=arguments.side)
            if isinstance(made, str):
                print(f"{path.stem:24} {name:20} {made}")
                continue
            picture, analysis, milliseconds = made
            times.append(milliseconds)
            print(f"{path.stem:24} {name:20} {milliseconds:6.0f} ms")
            seen_at = _middle(analysis, specs[name].product_type)
            tiles.append(tile(picture, analysis, seen_at, f"{path.stem} · {name}"))
    print(f"composing: median {np.median(times):.0f} ms, p95 {np.percentile(times, 95):.0f} ms")
    sheet(tiles).save(arguments.out)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--photos", type=Path, default=ROOT / "tests" / "imaging" / "photos")
    parser.add_argument("--pieces", default="")
    parser.add_argument("--side", type=int, default=1280)
    return parser.parse_args()


def demo_pieces() -> dict[str, pipeline.OverlaySpec]:
    overlays = json.loads((ROOT / "demo" / "overlays.json").read_text(encoding="utf-8"))
    return {
        name: pipeline.OverlaySpec(
            png=(ROOT / "demo" / "overlays" / f"{name}.png").read_bytes(),
            product_type=overlay["product_type"],
            width_mm=overlay["width_mm"],
            anchors=overlay["anchors"],
        )
        for name, overlay in overlays.items()
        if overlay["product_type"] in WEARABLE
    }


def composite(
    path: Path, piece: pipeline.OverlaySpec, *, side: int
) -> tuple[Rgb, Analysis, float] | str:
    """The picture at its side, the analysis in its pixels and the warm time; or why there is none."""
    photo = pipeline.prepare_photo(path.read_bytes())
    found = pipeline.analyse_photo(photo.original_jpeg)
    if piece.product_type in HAND_TYPES:
        rgb = decode(photo.original_jpeg).rgb
        found = with_hands(rgb, Analysis.from_dict(found)).to_dict()
    auto = Adjustments().to_dict()
    try:
        pipeline.render(photo.original_jpeg, found, [piece], auto, max_side=side)
    except ImageRefused as refused:
        return refused.message
    start = time.perf_counter()
    jpeg = pipeline.render(photo.original_jpeg, found, [piece], auto, max_side=side)
    milliseconds = (time.perf_counter() - start) * 1000
    picture = np.asarray(Image.open(io.BytesIO(jpeg)))
    return picture, Analysis.from_dict(found), milliseconds


def _middle(analysis: Analysis, product_type: str) -> tuple[Point, float] | None:
    """What the tile is about, and a length to crop by, in the analysis' pixels."""
    if product_type in HAND_TYPES and analysis.hands:
        hand = analysis.hands[0]
        seat = hand.finger if product_type in FINGER_TYPES else hand.wrist
        return seat.middle, 1.5 * seat.width
    return (analysis.neck.notch, analysis.neck.width) if analysis.neck else None


def tile(
    picture: Rgb, analysis: Analysis, seen_at: tuple[Point, float] | None, title: str
) -> Image.Image:
    """The wearer's head and chest, or hand, with a title."""
    scale = picture.shape[1] / analysis.width
    canvas = Image.new("RGB", (TILE, TILE + 16), "white")
    whole = Image.fromarray(picture)
    if seen_at is not None:
        middle, width = seen_at
        x, y, unit = middle.x * scale, middle.y * scale, width * scale
        box = (x - 1.7 * unit, y - 2.1 * unit, x + 1.7 * unit, y + 1.7 * unit)
        whole = whole.crop((
            max(0, round(box[0])), max(0, round(box[1])),
            min(whole.width, round(box[2])), min(whole.height, round(box[3])),
        ))  # fmt: skip
    factor = TILE / max(whole.size)
    size = (max(1, round(whole.width * factor)), max(1, round(whole.height * factor)))
    canvas.paste(whole.resize(size, Image.Resampling.LANCZOS), (0, 16))
    ImageDraw.Draw(canvas).text((3, 2), title, fill=(160, 0, 0))
    return canvas


def sheet(tiles: list[Image.Image], *, columns: int = 4) -> Image.Image:
    rows = -(-len(tiles) // columns)
    whole = Image.new("RGB", (columns * (TILE + 4), max(1, rows) * (TILE + 20)), "white")
    for number, each in enumerate(tiles):
        whole.paste(each, (number % columns * (TILE + 4), number // columns * (TILE + 20)))
    return whole


if __name__ == "__main__":
    main()
