"""Draw the demo shop: `python -m demo.render [FOLDER]`.

Writes overlays/<name>.png (transparent), overlays.json (what the try-on needs to know of each)
and catalogue.csv (the import file of the specification). The same program draws the same bytes.
"""

import csv
import json
import sys
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from demo.canvas import Canvas
from demo.shop import PIECES, Piece
from demo.studio import Array

HERE = Path(__file__).parent
MEDIA = "/media/demo"
MARGIN_PX = 2


@dataclass(frozen=True, slots=True)
class Overlay:
    """anchors: the chain's ends, or the hooks of the earrings, in overlay pixels; width_mm: the
    distance between a necklace's ends, or the width of the whole picture for other kinds.
    """

    image: str
    product_type: str
    anchors: dict[str, dict[str, float]] | None
    width_mm: float
    px_per_mm: float
    width: int
    height: int


def main(folder: Path = HERE) -> None:
    """Write the whole demo shop under the folder."""
    (folder / "overlays").mkdir(parents=True, exist_ok=True)
    overlays = {}
    for piece in PIECES:
        rgba, overlay = drawn(piece)
        (folder / "overlays" / f"{piece.file}.png").write_bytes(png(rgba))
        overlays[piece.file] = asdict(overlay)
    text = json.dumps(overlays, indent=2, ensure_ascii=False) + "\n"
    (folder / "overlays.json").write_text(text, encoding="utf-8")
    _write_catalogue(folder / "catalogue.csv")


def drawn(piece: Piece) -> tuple[Array, Overlay]:
    """The overlay, (H, W, 4) uint8 with straight alpha, cropped to what is drawn."""
    frame = piece.frame
    canvas = Canvas(frame.width, frame.height, top=frame.top, px_per_mm=frame.px_per_mm)
    piece.draw(canvas)
    whole = canvas.finished()
    rows, columns = np.nonzero(whole[..., 3] > 1 / 255)
    top, left = rows.min() - MARGIN_PX, columns.min() - MARGIN_PX
    cropped = whole[max(0, top) : rows.max() + MARGIN_PX, max(0, left) : columns.max() + MARGIN_PX]
    rgba = straight_srgb(cropped)
    origin = max(0, left), max(0, top)
    return rgba, _overlay(piece, rgba, origin)


def _overlay(piece: Piece, rgba: Array, origin: tuple[float, float]) -> Overlay:
    frame, (height, width) = piece.frame, rgba.shape[:2]
    row = -frame.top * frame.px_per_mm - origin[1]
    anchors = piece.ends and {
        side: {
            "x": round((sign * piece.ends + frame.width / 2) * frame.px_per_mm - origin[0], 1),
            "y": round(row, 1),
        }
        for side, sign in (("left", -1), ("right", 1))
    }
    return Overlay(
        image=f"{MEDIA}/{piece.file}.png",
        product_type=piece.listing.product_type,
        anchors=anchors or None,
        width_mm=2 * piece.ends if piece.ends else round(width / frame.px_per_mm, 1),
        px_per_mm=frame.px_per_mm,
        width=width,
        height=height,
    )


def straight_srgb(premultiplied: Array) -> Array:
    """Linear premultiplied 0..1 to what a PNG holds."""
    alpha = premultiplied[..., 3:]
    colour = np.clip(premultiplied[..., :3] / np.maximum(alpha, 1e-4), 0.0, 1.0)
    encoded = np.where(colour <= 0.0031308, 12.92 * colour, 1.055 * colour ** (1 / 2.4) - 0.055)
    whole = np.dstack([np.where(alpha > 0, encoded, 0.0), alpha])
    return np.asarray(np.round(whole * 255), np.uint8)


def png(rgba: Array, *, max_bytes: int = 200_000) -> bytes:
    """Colours lose their lowest bits until the file is small enough."""
    for step in (1, 2, 4, 6, 8, 12, 16):
        coarse = rgba.copy()
        coarse[..., :3] = np.minimum(255, (rgba[..., :3].astype(int) + step // 2) // step * step)
        coarse[rgba[..., 3] == 0] = 0
        stream = BytesIO()
        Image.fromarray(coarse).save(stream, "PNG", optimize=True)
        if stream.tell() <= max_bytes:
            return stream.getvalue()
    raise ValueError(f"the overlay stays above {max_bytes} bytes")


COLUMNS = (
    "description", "price", "availability", "image", "category", "specifications",
    "sku", "name", "product_type", "quantity", "width_mm",
)  # fmt: skip


def _write_catalogue(path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        table.writeheader()
        table.writerows(_row(piece) for piece in PIECES)


def _row(piece: Piece) -> dict[str, Any]:
    row = asdict(piece.listing)
    width = 2 * piece.ends if piece.ends else ""
    return row | {"image": f"{MEDIA}/{piece.file}.png", "width_mm": width}


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))
