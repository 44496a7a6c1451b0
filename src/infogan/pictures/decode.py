"""One picture, whatever its format and mode, as bytes of a given size and number of channels."""

import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from infogan.pictures.modes import in_plain_mode

Pixels = NDArray[np.uint8]
Content = Path | bytes | NDArray[Any]  # a file, a file's bytes, or pixels (H, W) or (H, W, C)

SUFFIXES = frozenset({
    ".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".webp", ".gif", ".tif", ".tiff",
    ".bmp", ".dib", ".ppm", ".pgm", ".pbm", ".pnm", ".jp2", ".avif",
})  # fmt: skip
# not all that Pillow opens: EPS and others start programs
FORMATS = ("PNG", "JPEG", "MPO", "WEBP", "GIF", "TIFF", "BMP", "DIB", "PPM", "JPEG2000", "AVIF")
MAGIC = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"II*\0", b"MM\0*", b"\0\0\0\x0cjP")
MOST_PIXELS = 89_478_485  # a quarter of a GiB as RGB; Pillow's own limit
GAP = 3.0  # plain means, and JPEG's own, bring a picture to no less than so many times its size
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # by EXIF's Orientation
ORIENTATION = 0x0112


class Refusal(Exception):
    """A picture that cannot be used, and why, in a few words."""


@dataclass(frozen=True)
class Form:
    """What every picture becomes.

    Args:
        size: Side of the square, pixels.
        channels: 1 or 3.
        fit: crop takes the middle square, pad keeps all and adds a border.
        background: Behind transparent pixels and in the border, (R, G, B).
    """

    size: int
    channels: int
    fit: str = "crop"
    background: tuple[int, int, int] = (255, 255, 255)


@dataclass(frozen=True)
class Seen:
    """What a picture was before: its format, Pillow's mode, width and height upright."""

    format: str
    mode: str
    width: int
    height: int


def decode(content: Content, form: Form) -> tuple[Pixels, Seen]:
    """A picture as (C, S, S) bytes.

    Shrinking averages: exactly over areas where the size divides, else with a Hamming filter,
    whose weights are never negative. Growing is bicubic.

    Args:
        content: A file, its bytes, or pixels: bytes, booleans, or floats in [0, 1].
        form: What it becomes.

    Raises:
        Refusal: it is no picture, broken, or too large.
    """
    with _refusing(content), _opened(content) as image:
        mode, full = image.mode, image.size
        by = _shrunk_by_jpeg(image, form) if image.format in ("JPEG", "MPO") else 1
        image.load()
        if by == 1:
            full = image.size  # TIFF turns upright by itself
        way = _orientation(image)
        small = _sized(in_plain_mode(image), form, full, by)
        if way in UPRIGHT:
            small = small.transpose(UPRIGHT[way])
        small = _bordered(small, form)
        pixels = np.asarray(small)
        pixels = pixels[None] if form.channels == 1 else pixels.transpose(2, 0, 1)
        w, h = reversed(full) if way in (5, 6, 7, 8) else full
        return np.ascontiguousarray(pixels), Seen(image.format or "array", mode, w, h)


def look(content: Content) -> Seen:
    """What a picture is, from its header alone.

    Raises:
        Refusal: it has none.
    """
    with _refusing(content), _opened(content) as image:
        return Seen(image.format or "array", image.mode, *image.size)


def looks_like_picture(head: bytes) -> bool:
    """Whether a file that begins so is of one of the usual formats."""
    return head.startswith(MAGIC) or head[8:12] == b"WEBP" or head[4:12] == b"ftypavif"


def _shrunk_by_jpeg(image: Image.Image, form: Form) -> int:
    """Have JPEG's transform give an eighth, a quarter or half of the size, where that will do."""
    w, h = image.size
    side = (min if form.fit == "crop" else max)(w, h)
    wanted = [max(1, -(-int(GAP) * form.size * s // side)) for s in (w, h)]
    image.draft("L" if form.channels == 1 else "RGB", (wanted[0], wanted[1]))
    return next(by for by in (1, 2, 4, 8) if -(-w // by) == image.width)


def _sized(image: Image.Image, form: Form, full: tuple[int, int], by: int) -> Image.Image:
    """A picture in mode L, LA, RGB or RGBA as an L or RGB one of the size that it will have: a
    square, or what is to be padded to one.

    Args:
        image: It, at 1/by of its size, its sides rounded up.
        form: What it becomes.
        full: Its full width and height.
        by: What it was shrunk by already.
    """
    w, h = full
    S = form.size
    if form.fit == "crop":
        side = min(w, h)
        left, top = (w - side) // 2, (h - side) // 2
        cut, size = (left, top, left + side, top + side), (S, S)
    else:
        side = max(w, h)
        cut = (0, 0, w, h)
        size = (max(1, round(w * S / side)), max(1, round(h * S / side)))
    box = (cut[0] / by, cut[1] / by, cut[2] / by, cut[3] / by)
    inner = (box[2] - box[0], box[3] - box[1])
    if size != inner:
        if side < S:
            how, gap = Image.Resampling.BICUBIC, None
        elif inner[0] % size[0] == 0 and inner[1] % size[1] == 0:
            how, gap = Image.Resampling.BOX, None
        else:
            how, gap = Image.Resampling.HAMMING, GAP
        image = image.resize(size, how, box, gap)  # modes with alpha: weighted by it
    elif image.size != size:
        image = image.crop(cut)
    mode = "L" if form.channels == 1 else "RGB"
    if image.mode in ("LA", "RGBA"):
        behind = Image.new("RGBA", size, (*form.background, 255))
        image = Image.alpha_composite(behind, image.convert("RGBA"))
    return image.convert(mode)


def _bordered(image: Image.Image, form: Form) -> Image.Image:
    """An upright picture in the middle of a square."""
    S = form.size
    if image.size == (S, S):
        return image
    border = Image.new("RGB", (S, S), form.background).convert(image.mode)
    border.paste(image, ((S - image.width) // 2, (S - image.height) // 2))
    return border


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(ORIENTATION, 1))
    except Exception:  # damaged EXIF is no reason to refuse the picture
        return 1


@contextmanager
def _opened(content: Content) -> Iterator[Image.Image]:
    """The picture, not decoded yet; Pillow's warnings are silent but for that of a bomb."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        if isinstance(content, np.ndarray):
            yield Image.fromarray(_as_bytes(content))
            return
        file = io.BytesIO(content) if isinstance(content, bytes) else content
        with Image.open(file, formats=_formats()) as image:
            if image.width * image.height > MOST_PIXELS:  # where Pillow's limit was moved
                raise Image.DecompressionBombWarning(f"({image.width * image.height} pixels)")
            yield image


@lru_cache(maxsize=1)
def _formats() -> tuple[str, ...]:
    """Those of FORMATS that this Pillow was built with."""
    Image.init()
    return tuple(name for name in FORMATS if name in Image.OPEN)


def _as_bytes(pixels: NDArray[Any]) -> Pixels:
    """An array's picture as bytes (H, W), (H, W, 3) or (H, W, 4)."""
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[:, :, 0]
    if pixels.dtype == bool:
        return pixels.astype(np.uint8) * 255
    if pixels.dtype.kind == "f":
        low, high = float(pixels.min()), float(pixels.max())
        if not (low >= 0 and high <= 1):
            raise Refusal(f"floats from {low:g} to {high:g}, expected [0, 1]: rescale them")
        return np.rint(pixels.astype(np.float32) * 255).astype(np.uint8)
    if pixels.dtype != np.uint8:
        raise Refusal(f"{pixels.dtype}, expected bytes (uint8) or floats in [0, 1]")
    return np.ascontiguousarray(pixels)


@contextmanager
def _refusing(content: Content) -> Iterator[None]:
    """One bad picture never ends the work on the others, whatever it makes a decoder raise."""
    try:
        yield
    except Refusal:
        raise
    except UnidentifiedImageError:
        head = _head(content)
        if not head:
            raise Refusal("empty file (0 bytes)") from None
        if not looks_like_picture(head):
            raise Refusal("not an image, whatever its name says") from None
        raise Refusal("truncated or damaged: no whole header") from None
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as e:
        pixels = int((re.findall(r"\((\d+) pixels", str(e)) or ["0"])[0])
        raise Refusal(
            f"too large: {pixels:,} pixels, at most {MOST_PIXELS:,} (decompression bomb?)"
        ) from None
    except Exception as e:
        said = str(e).splitlines()[0] if str(e) else type(e).__name__
        if isinstance(e, OSError) and e.strerror:
            raise Refusal(e.strerror) from None
        cut = isinstance(e, EOFError) or "truncated" in said.lower() or _is_short_riff(content)
        raise Refusal("truncated: it ends too soon" if cut else f"damaged: {said}") from None


def _is_short_riff(content: Content) -> bool:
    """Whether a WebP file is shorter than it says; its decoder does not tell."""
    head = _head(content)
    length = content.stat().st_size if isinstance(content, Path) else len(content)
    return head[:4] == b"RIFF" and int.from_bytes(head[4:8], "little") + 8 > length


def _head(content: Content) -> bytes:
    if isinstance(content, Path):
        with content.open("rb") as f:
            return f.read(16)
    return content[:16] if isinstance(content, bytes) else b"array"
