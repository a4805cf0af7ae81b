"""Fuzzing of the way from a stranger's bytes to a stored picture: `make fuzz`, ARGS="--seconds 60".

Guided by the coverage of our code and of Pillow's Python; its libraries in C are run, but not
instrumented. A finding is any error but ImageRefused, a call of over ten seconds, or 1.5 GB of memory;
libFuzzer then keeps the input in .fuzz. Every second input is changed piece by piece (`pieces`).
"""

import argparse
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import atheris

READERS = ("Avif", "Jpeg", "Mpo", "Png", "Tiff", "WebP")
"""Pillow imports them when it first needs them, which would be too late."""

with atheris.instrument_imports(include=["PIL", "imaging"]):
    for reader in READERS:
        importlib.import_module(f"PIL.{reader}ImagePlugin")
    from imaging.decode import decode, decode_rgba
    from imaging.encode import encode_jpeg, encode_png, sizes
    from imaging.errors import ImageRefused

from tests.fuzz.pieces import changed  # noqa: E402 # instrumented modules come first
from tests.imaging.hostile import BOMBS, DAMAGED, FOREIGN, truncated  # noqa: E402
from tests.imaging.odd import CLEANED, LARGE  # noqa: E402

MAX_BYTES = 60_000
MAX_PIXELS = 250_000
"""Small, so that many are tried: what size costs is measured by the tests."""

WORDS = (
    *(b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"iCCP", b"eXIf", b"tEXt", b"zTXt", b"iTXt"),
    *(b"gAMA", b"cHRM", b"sRGB", b"cICP", b"acTL", b"fcTL", b"fdAT", b"pHYs", b"sBIT", b"tIME"),
    *(b"RIFF", b"WEBP", b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP", b"EXIF"),
    *(b"ftyp", b"meta", b"iloc", b"iinf", b"iprp", b"ispe", b"pixi", b"av1C", b"colr", b"mdhd"),
    *(b"stsz", b"stco", b"stts", b"trak", b"moov", b"mdat", b"irot", b"imir", b"auxC", b"grid"),
    *(b"Exif\0\0", b"II*\0", b"MM\0*", b"\x01\x12\0\x03", b"MPF\0", b"Adobe", b"JFIF\0", b"8BIM"),
    *(b"ICC_PROFILE\0", b"acsp", b"mft1", b"mft2", b"curv", b"para", b"XYZ ", b"CMYK", b"GRAY"),
    *(b"\xff\xc0", b"\xff\xc2", b"\xff\xc4", b"\xff\xda", b"\xff\xdb", b"\xff\xdd", b"\xff\xd9"),
)


def try_bytes(data: bytes) -> None:
    """Both ways in, and what is made of the picture, or a refusal."""
    try:
        rgb = decode(data, max_pixels=MAX_PIXELS).rgb
        rgba = decode_rgba(data, max_pixels=MAX_PIXELS)
    except ImageRefused:
        return
    assert rgb.shape[:2] == rgba.shape[:2]
    for picture in (rgb, *sizes(rgb).values()):
        assert encode_jpeg(picture).startswith(b"\xff\xd8")
    assert encode_png(rgba).startswith(b"\x89PNG")


def mutated(data: bytes, max_size: int, seed: int) -> bytes:
    if seed % 2:
        data = changed(data, seed, lambda part: bytes(atheris.Mutate(part, len(part) + 64)))
        if len(data) <= max_size:
            return data
    return bytes(atheris.Mutate(data[:max_size], max_size))


def seeds() -> Iterator[bytes]:
    makers = [make for files in (CLEANED, BOMBS, DAMAGED, FOREIGN) for make in files.values()]
    large = set(LARGE.values())
    yield from (data for make in makers if make not in large and len(data := make()) < MAX_BYTES)
    yield from truncated().values()


def prepare(folder: Path) -> None:
    """Seeds and dictionary; what an earlier run has learned stays."""
    corpus = folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(seeds()):
        (corpus / f"seed-{number:03}").write_bytes(data)
    lines = ("".join(f"\\x{byte:02x}" for byte in word) for word in WORDS)
    (folder / "words.dict").write_text("".join(f'"{line}"\n' for line in lines), encoding="ascii")


def main() -> None:
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--folder", type=Path, default=Path(".fuzz"))
    given = parser.parse_args()
    prepare(given.folder)
    libfuzzer = [
        *(sys.argv[0], str(given.folder / "corpus"), f"-dict={given.folder / 'words.dict'}"),
        *(f"-max_total_time={given.seconds}", f"-max_len={MAX_BYTES}", "-print_final_stats=1"),
        *("-timeout=10", "-rss_limit_mb=1500", f"-artifact_prefix={given.folder}/finding-"),
    ]
    atheris.Setup(libfuzzer, try_bytes, custom_mutator=mutated)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
