"""A contact sheet of composites to look at: `python -m benchmarks.imaging_sheet OUT.png`.

    --photos FOLDER   photographs (*.jpg); default: those of the tests
    --pieces a,b+c    demo pieces on every photograph, b and c worn together; default: one after the other
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
from imaging.types import Adjustments, Analysis, Box, Rgb, Seat
from imaging.wearing import FACE_TYPES, FINGER_TYPES, HAND_TYPES

ROOT = Path(__file__).parents[1]
TILE = 420
WEARABLE = (
    *("necklace", "pendant", "mangalsutra", "earrings", "set"),
    *("nose_pin", "maang_tikka", "ring", "bracelet", "bangle"),
)


def main() -> None:
    arguments = _arguments()
    cv2.setNumThreads(1)
    specs = demo_pieces()
    wanted = arguments.pieces.split(",") if arguments.pieces else None
    turns = cycle(specs)
    tiles, times = [], []
    for path in sorted(arguments.photos.glob("*.jpg")):
        for name in wanted or [next(turns)]:
            made = composite(path, [specs[each] for each in name.split("+")], side=arguments.side)
            if isinstance(made, str):
                print(f"{path.stem:24} {name:20} {made}")
                continue
            picture, analysis, milliseconds = made
            times.append(milliseconds)
            print(f"{path.stem:24} {name:20} {milliseconds:6.0f} ms")
            box = looked_at(analysis, [specs[each].product_type for each in name.split("+")])
            tiles.append(tile(picture, analysis, f"{path.stem} · {name}", box))
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
    path: Path, pieces: list[pipeline.OverlaySpec], *, side: int
) -> tuple[Rgb, Analysis, float] | str:
    """The picture at its side, the analysis in its pixels and the warm time; or why there is none."""
    photo = pipeline.prepare_photo(path.read_bytes())
    found = pipeline.analyse_photo(photo.original_jpeg)
    if HAND_TYPES & {piece.product_type for piece in pieces}:
        rgb = decode(photo.original_jpeg).rgb
        found = with_hands(rgb, Analysis.from_dict(found)).to_dict()
    auto = Adjustments().to_dict()
    try:
        pipeline.render(photo.original_jpeg, found, pieces, auto, max_side=side)
    except ImageRefused as refused:
        return refused.message
    start = time.perf_counter()
    jpeg = pipeline.render(photo.original_jpeg, found, pieces, auto, max_side=side)
    milliseconds = (time.perf_counter() - start) * 1000
    picture = np.asarray(Image.open(io.BytesIO(jpeg)))
    return picture, Analysis.from_dict(found), milliseconds


def looked_at(analysis: Analysis, types: list[str]) -> Box:
    """The wearer's head and chest, the head for pieces on it, or both; pixels of the analysis."""
    neck, face = analysis.neck, analysis.primary_face
    whole = Box(0, 0, analysis.width, analysis.height)
    if analysis.hands and set(types) <= HAND_TYPES:
        hand = analysis.hands[0]
        return _round(hand.finger if FINGER_TYPES.issuperset(types) else hand.wrist)
    head = face and Box(
        face.box.centre.x - 0.9 * face.box.width, face.box.y - 0.7 * face.box.height,
        1.8 * face.box.width, 2.1 * face.box.height,
    )  # fmt: skip
    chest = neck and Box(
        neck.notch.x - 1.7 * neck.width, neck.notch.y - 2.1 * neck.width,
        3.4 * neck.width, 3.8 * neck.width,
    )  # fmt: skip
    on_face = [kind in FACE_TYPES for kind in types]
    if head and chest and any(on_face) and not all(on_face):
        return Box(chest.x, min(head.y, chest.y), chest.width, chest.y + chest.height - head.y)
    return (head if all(on_face) else chest) or whole


def _round(seat: Seat) -> Box:
    """A hand, as seen from its ring or bracelet."""
    reach = 2.8 * seat.width
    return Box(seat.middle.x - reach, seat.middle.y - reach, 2 * reach, 2 * reach)


def tile(picture: Rgb, analysis: Analysis, title: str, box: Box) -> Image.Image:
    """A part of the picture, with a title."""
    scale = picture.shape[1] / analysis.width
    canvas = Image.new("RGB", (TILE, TILE + 16), "white")
    whole = Image.fromarray(picture)
    whole = whole.crop((
        max(0, round(box.x * scale)), max(0, round(box.y * scale)),
        min(whole.width, round((box.x + box.width) * scale)),
        min(whole.height, round((box.y + box.height) * scale)),
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
