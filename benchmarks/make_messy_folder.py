"""Makes a folder as people have them: 3,000 images of mixed size, mode and format, 5 % broken.

    python benchmarks/make_messy_folder.py DIR [--broken FILE]
    infogan data DIR

The broken ones and why are printed, or written to FILE as JSON, outside of DIR; the same seed makes
the same files. Beside them lie files that were never images.
"""

import argparse
import io
import json
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

IMAGES, BROKEN = 3000, 0.05
FOLDERS = ("", "holiday 2019", "Ähnliche/très bien", "scans/old/first", "猫", "new\nline")
PALETTE = 256


def picture(rng: np.random.Generator, mode: str = "RGB") -> Image.Image:
    """Something photo-like: soft colours, a few shapes, some grain."""
    w, h = (int(s) for s in np.exp(rng.uniform(np.log(24), np.log(700), 2)))
    w, h = max(w, h // 3), max(h, w // 3)
    soft = Image.fromarray(rng.integers(0, 256, (4, 4, 3), np.uint8)).resize((w, h), 3)
    draw = ImageDraw.Draw(soft)
    for _ in range(4):
        x, y, r = rng.uniform(0, w), rng.uniform(0, h), rng.uniform(0.05, 0.3) * min(w, h)
        colour = tuple(int(c) for c in rng.integers(0, 256, 3))
        shape = draw.ellipse if rng.random() < 0.5 else draw.rectangle
        shape((x - r, y - r, x + r, y + r), fill=colour)
    grain = rng.normal(0, 4, (h, w, 1))
    noisy = np.asarray(soft.filter(ImageFilter.GaussianBlur(0.7))) + grain
    image = Image.fromarray(noisy.clip(0, 255).astype(np.uint8))
    if mode in ("RGBA", "LA"):
        alpha = Image.fromarray((255 * np.tri(h, w, (w - h) // 2)).astype(np.uint8))
        image.putalpha(alpha)
    return image if image.mode == mode else image.convert(mode)


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def turned(rng: np.random.Generator) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = int(rng.integers(1, 9))
    return saved(picture(rng), "JPEG", quality=85, exif=exif)


def deep(rng: np.random.Generator, kind: str) -> bytes:
    """16 bits of grey."""
    grey = np.asarray(picture(rng, "L"), np.uint16)
    return saved(Image.fromarray(grey * 257), kind)


def see_through_palette(rng: np.random.Generator) -> bytes:
    image = picture(rng).quantize(PALETTE)
    return saved(image, "PNG", transparency=int(rng.integers(0, PALETTE)))


def moving(rng: np.random.Generator, kind: str) -> bytes:
    first, size = picture(rng), (90, 70)
    frames = [first.resize(size), picture(rng).resize(size)]
    return saved(frames[0], kind, save_all=True, append_images=frames[1:])


GOOD: list[tuple[str, Callable[[np.random.Generator], bytes]]] = [
    ("a.jpg", lambda r: saved(picture(r), "JPEG", quality=85)),
    ("b.JPEG", lambda r: saved(picture(r), "JPEG", quality=70, progressive=True)),
    ("grey.jpg", lambda r: saved(picture(r, "L"), "JPEG")),
    ("print.jpg", lambda r: saved(picture(r, "CMYK"), "JPEG")),
    ("turned.jpg", turned),
    ("c.png", lambda r: saved(picture(r), "PNG", compress_level=1)),
    ("grey.png", lambda r: saved(picture(r, "L"), "PNG")),
    ("alpha.png", lambda r: saved(picture(r, "RGBA"), "PNG", compress_level=1)),
    ("grey alpha.png", lambda r: saved(picture(r, "LA"), "PNG")),
    ("palette.png", lambda r: saved(picture(r).quantize(32), "PNG")),
    ("see-through.png", see_through_palette),
    ("bits.png", lambda r: saved(picture(r, "1"), "PNG")),
    ("deep.png", lambda r: deep(r, "PNG")),
    ("d.webp", lambda r: saved(picture(r), "WEBP", quality=80, method=0)),
    ("alpha.webp", lambda r: saved(picture(r, "RGBA"), "WEBP", quality=80, method=0)),
    ("moving.webp", lambda r: moving(r, "WEBP")),
    ("e.gif", lambda r: saved(picture(r), "GIF")),
    ("moving.gif", lambda r: moving(r, "GIF")),
    ("f.tif", lambda r: saved(picture(r), "TIFF")),
    ("lzw.tiff", lambda r: saved(picture(r), "TIFF", compression="tiff_lzw")),
    ("deep.tif", lambda r: deep(r, "TIFF")),
    ("print.tif", lambda r: saved(picture(r, "CMYK"), "TIFF")),
    ("g.bmp", lambda r: saved(picture(r), "BMP")),
    ("a picture without a suffix", lambda r: saved(picture(r), "JPEG")),
]


def bomb(side: int = 40_000) -> bytes:
    """A PNG of 40,000×40,000 grey pixels in a few hundred bytes of file."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        )

    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    rows = zlib.compress(bytes(100_000), 9)  # a part is enough: nobody should get that far
    start = b"\x89PNG\r\n\x1a\n"
    return start + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def cut(make: Callable[[np.random.Generator], bytes]) -> Callable[[np.random.Generator], bytes]:
    def half(rng: np.random.Generator) -> bytes:
        whole = make(rng)
        return whole[: int(len(whole) * rng.uniform(0.4, 0.7))]

    return half


GOOD_BY_NAME = dict(GOOD)
BAD: list[tuple[str, str, Callable[[np.random.Generator], bytes]]] = [
    *(
        (name, "truncated", cut(GOOD_BY_NAME[name]))
        for name in ("a.jpg", "b.JPEG", "c.png", "d.webp", "e.gif", "f.tif", "lzw.tiff", "g.bmp")
    ),
    ("nothing.png", "empty", lambda _: b""),
    ("nothing.jpg", "empty", lambda _: b""),
    ("bomb.png", "too large", lambda _: bomb()),
    ("text.png", "not an image", lambda _: b"These are words.\n" * 20),
    ("page.jpg", "not an image", lambda _: b"<!DOCTYPE html><html><body>404</body></html>"),
    ("noise.webp", "not an image", lambda r: r.bytes(3000)),
    ("start.jpg", "truncated", lambda r: saved(picture(r), "JPEG")[:12]),
    ("start.png", "truncated", lambda r: saved(picture(r), "PNG")[:20]),
]
OTHERS = {
    "README.txt": b"My pictures.\n",
    ".DS_Store": b"\0\0\0\1Bud1",
    "scans/Thumbs.db": b"\xd0\xcf\x11\xe0",
    "holiday 2019/notes.json": b"{}",
    "holiday 2019/._a.jpg": b"\0\5\x16\7",
}


def make(folder: Path, images: int = IMAGES, seed: int = 0) -> dict[str, str]:
    """Fill a folder; the names of the broken files with what is wrong with each."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    n_bad = round(images * BROKEN)
    places = np.sort(rng.choice(images, n_bad, replace=False)).tolist()
    broken: dict[str, str] = {}
    for i in range(images):
        inner = FOLDERS[int(rng.integers(len(FOLDERS)))]
        if i in places:
            name, why, content = BAD[places.index(i) % len(BAD)]
        else:
            name, content = GOOD[i % len(GOOD)]
            why = ""
        path = Path(inner) / f"{i:04d} {name}"
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content(rng))
        if why:
            broken[path.as_posix()] = why
    for other, body in OTHERS.items():
        (folder / other).parent.mkdir(parents=True, exist_ok=True)
        (folder / other).write_bytes(body)
    return broken


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--images", type=int, default=IMAGES)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--broken", type=Path, help="JSON file for the list of broken files")
    args = parser.parse_args()
    listed = json.dumps(make(args.folder, args.images, args.seed), indent=1, ensure_ascii=False)
    if args.broken:
        args.broken.write_text(listed, "utf-8")
    else:
        print(listed)
