"""Ten capital letters, A to J, in every Latin font that Debian's packages put on this machine.

    apt-get install -y --no-install-recommends $(python benchmarks/letters.py --packages)
    python benchmarks/letters.py DIR [--fonts /usr/share/fonts] [--renderings 3] [--seed 0]
    infogan train DIR/train.npz

Makes DIR/train.npz and DIR/test.npz: images (N, 28, 28), bright ink on black, and labels to measure
with; DIR/colours-train.npz and DIR/colours-test.npz, the same letters (N, 32, 32, 3) with ink and
paper of any hue, the ink the brighter one; DIR/fonts.json, which fonts are in which; DIR/sheet.png
to look at. A letter is drawn with its middle in the middle, eight times too large and averaged
down; each rendering has its own height, 16 to 20 pixels for an H, and place, up to 1½ pixels off.
One family of fonts in five, with all its faces, is in test.npz, so that no font of it was learnt
from.

Left out: fonts without these letters (blank, a box, two alike), fonts of which fewer than six of
the ten letters look more like themselves than like another in the mean of all fonts (symbols,
pictures), fonts that are the same as one before, and more than four faces of one family.
"""

import argparse
import colorsys
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

LETTERS = "ABCDEFGHIJ"
FEWEST = 200  # fonts
FACES = 4  # of one family at most
READ = 6  # of ten letters at least that look like themselves
SAME = 2.0  # mean difference of pixels, of 255, below which two fonts are one
ONE_IN = 5  # families is for the test
SIDE, FINE = 28, 8  # pixels of an image, and how many times finer it is drawn
HEIGHTS = (16.0, 20.0)  # pixels of an H
OFF = 1.5  # pixels off the middle at most
MARGIN = 2  # pixels more on each side in colour
LUMINANCE = (0.3, 0.59, 0.11)  # of red, green and blue
BRIGHTER = 0.25  # luminance of ink than of paper, of 1
WIDEST = 26.0  # pixels; what is wider is drawn smaller
PACKAGES = """
3270 adf-accanthis adf-baskervald adf-berenis adf-gillius adf-ikarius adf-irianis adf-libris
adf-mekanus adf-oldania adf-romande adf-solothurn adf-switzera adf-tribun adf-universalis adf-verana
allerta anonymous-pro arapey averia-gwf averia-sans-gwf averia-serif-gwf b612 beteckna breip bwht
cabin cantarell cardo century-catalogue clear-sans cmu comfortaa comic-neue courier-prime
crosextra-caladea crosextra-carlito croscore dancingscript dejavu-core dejavu-extra dkg-handwriting
dosis dustin ebgaramond essays1743 eurofurence fanwood femkeklaver firacode freefont-ttf
georgewilliams gfs-artemisia gfs-didot gfs-neohellenic go goudybookletter hack inconsolata inter
isabella junction junicode jura karla karmilla kaushanscript lato league-mono league-spartan
liberation2 lindenhill linuxlibertine lmodern lobster lobstertwo manrope monofur mononoki
national-park noto-core noto-mono oldstandard open-sans opendin opendyslexic oxygen paratype play
prociono quattrocento quicksand roadgeek roboto-slab roboto-unhinted rufscript sil-andika sil-charis
sil-gentium-basic sora stix texgyre tiresias tuffy urw-base35 vollkorn yanone-kaffeesatz yrsa-rasa
"""

Grey = NDArray[np.uint8]


@dataclass(frozen=True)
class Font:
    """A face whose ten letters can be drawn.

    Args:
        file: Where it lies.
        family: That it belongs to.
        style: Regular, Bold, …
        height: Of its H at size 100, in pixels.
        shapes: The letters without their places, each stretched to a square (10, 16, 16).
    """

    file: Path
    family: str
    style: str
    height: float
    shapes: Grey


def opened(file: Path) -> Font | None:
    """A font, or None where it cannot be read or has no such letters."""
    try:
        font = ImageFont.truetype(str(file), 100)
        family, style = font.getname()
        drawn = [ink(font, letter) for letter in LETTERS]
        missing = ink(font, "\uffff")  # what is drawn for what no font has
        H = ink(font, "H")
    except (OSError, ValueError):
        return None
    if H is None or any(d is None for d in drawn):
        return None
    shapes = np.stack([square(d) for d in drawn if d is not None])
    boxes = 0 if missing is None else int((shapes == square(missing)).all((1, 2)).sum())
    if boxes or len(np.unique(shapes, axis=0)) < len(LETTERS):
        return None
    return Font(file, family or file.stem, style or "", float(H.shape[0]), shapes)


def ink(font: ImageFont.FreeTypeFont, text: str) -> Grey | None:
    """What a text leaves on the paper, cut out; None where that is nothing."""
    left, top, right, bottom = font.getbbox(text, anchor="ls")
    if right <= left or bottom <= top:
        return None
    image = Image.new("L", (int(right - left), int(bottom - top)))
    ImageDraw.Draw(image).text((-left, -top), text, fill=255, font=font, anchor="ls")
    box = image.getbbox()
    return np.asarray(image.crop(box)) if box else None


def square(drawn: Grey) -> Grey:
    return np.asarray(Image.fromarray(drawn).resize((16, 16), Image.Resampling.BOX))


def chosen(fonts: Sequence[Font]) -> tuple[list[Font], dict[str, int]]:
    """The fonts that are taken, and how many were left out for what."""
    left = {"letters that look like others": 0, "the same as another": 0, "a fifth face": 0}
    legible = readable(np.stack([font.shapes for font in fonts]))
    taken: list[Font] = []
    faces: dict[str, int] = {}
    for font in sorted((f for f, ok in zip(fonts, legible) if ok), key=_plain_first):
        if any(same(font, other) for other in taken):
            left["the same as another"] += 1
        elif faces.get(font.family, 0) == FACES:
            left["a fifth face"] += 1
        else:
            faces[font.family] = faces.get(font.family, 0) + 1
            taken.append(font)
    left["letters that look like others"] = int(len(fonts) - legible.sum())
    return taken, left


def readable(shapes: Grey) -> NDArray[np.bool_]:
    """Of which fonts (n, 10, 16, 16) at least six letters are nearest to their own mean."""
    x = shapes.reshape(*shapes.shape[:2], -1).astype(np.float64)
    x -= x.mean(2, keepdims=True)
    x /= np.linalg.norm(x, axis=2, keepdims=True).clip(1e-9)
    nearest = (x @ x.mean(0).T).argmax(2)  # (n, 10)
    return (nearest == np.arange(len(LETTERS))).sum(1) >= READ


def same(a: Font, b: Font) -> bool:
    return float(np.abs(a.shapes.astype(int) - b.shapes).mean()) < SAME


def _plain_first(font: Font) -> tuple[str, int, str, str]:
    order = ("regular", "bold", "italic", "bold italic")
    style = font.style.lower()
    rank = order.index(style) if style in order else len(order)
    return font.family, rank, font.style, str(font.file)


def image(font: Font, letter: str, height: float, off: tuple[float, float]) -> Grey:
    """One letter, SIDE×SIDE.

    Args:
        font: Its face.
        letter: Which.
        height: Of the font's H, in pixels of the image.
        off: Pixels to the right and down.
    """
    size = 100 * FINE * height / font.height
    drawn = ink(ImageFont.truetype(str(font.file), size), letter)
    assert drawn is not None  # it was drawn before
    most = int(WIDEST * FINE)
    picture = Image.fromarray(drawn)
    if max(picture.size) > most:
        picture.thumbnail((most, most), Image.Resampling.BOX)
    canvas = Image.new("L", (SIDE * FINE, SIDE * FINE))
    at = [round((SIDE * FINE - s) / 2 + FINE * o) for s, o in zip(picture.size, off)]
    canvas.paste(picture, (at[0], at[1]))
    return np.asarray(canvas.reduce(FINE))


def rendered(
    fonts: Sequence[Font], renderings: int, rng: np.random.Generator
) -> Iterator[tuple[Grey, int]]:
    """Every letter of every font, so many times, with its label."""
    for font in fonts:
        for label, letter in enumerate(LETTERS):
            for _ in range(renderings):
                off = rng.uniform(-OFF, OFF, 2)
                yield image(font, letter, rng.uniform(*HEIGHTS), (off[0], off[1])), label


def split(fonts: Sequence[Font], rng: np.random.Generator) -> dict[str, list[Font]]:
    """One family in five for the test, the others to learn from."""
    families = sorted({font.family for font in fonts})
    held = set(rng.permutation(families)[: len(families) // ONE_IN])
    parts: dict[str, list[Font]] = {"train": [], "test": []}
    for font in fonts:
        parts["test" if font.family in held else "train"].append(font)
    return parts


def coloured(images: Grey, rng: np.random.Generator) -> Grey:
    """The same letters, ink and paper each of any hue, (n, 32, 32, 3): two pixels more of paper on
    each side."""
    ink, paper = (np.empty((len(images), 3)) for _ in range(2))
    for i in range(len(images)):
        while True:
            ink[i], paper[i] = colour(rng), colour(rng)
            if (ink[i] - paper[i]) @ LUMINANCE > BRIGHTER:
                break
    share = np.pad(images, ((0, 0), (MARGIN, MARGIN), (MARGIN, MARGIN)))[..., None] / 255
    mixed = share * ink[:, None, None] + (1 - share) * paper[:, None, None]
    return np.rint(255 * mixed).astype(np.uint8)


def colour(rng: np.random.Generator) -> tuple[float, float, float]:
    """Red, green and blue of any hue, neither grey nor black."""
    return colorsys.hsv_to_rgb(rng.random(), rng.uniform(0.4, 1), rng.uniform(0.2, 1))


def sheet(images: Grey, rng: np.random.Generator, rows: int = 16, columns: int = 30) -> Image.Image:
    """Some of the images, drawn by chance."""
    picks = images[rng.permutation(len(images))[: rows * columns]]
    return Image.fromarray(
        picks.reshape(rows, columns, SIDE, SIDE).transpose(0, 2, 1, 3).reshape(rows * SIDE, -1)
    )


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dir", type=Path, nargs="?", help="where the files go")
    parser.add_argument("--fonts", type=Path, default=Path("/usr/share/fonts"))
    parser.add_argument("--renderings", type=int, default=3, help="of each letter of each font")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--packages", action="store_true", help="print Debian's packages and stop")
    args = parser.parse_args(argv)
    packages = " ".join(f"fonts-{name}" for name in PACKAGES.split())
    if args.packages:
        print(packages)
        return
    if args.dir is None:
        parser.error("give DIR, a folder for the files")
    files = sorted(p for p in args.fonts.rglob("*") if p.suffix.lower() in (".ttf", ".otf"))
    fonts = [font for font in map(opened, files) if font]
    taken, left = chosen(fonts) if fonts else ([], {})
    print(f"{len(files):,} font files in {args.fonts}, {len(fonts):,} of them have {LETTERS}")
    print("left out: " + ", ".join(f"{n:,} {why}" for why, n in left.items()))
    families = len({font.family for font in taken})
    print(f"{len(taken):,} fonts of {families:,} families remain")
    if len(taken) < FEWEST:
        parser.exit(
            2,
            f"{FEWEST} fonts are needed, {len(taken)} are there; install more:\n"
            f"  apt-get install -y --no-install-recommends {packages}\n",
        )
    args.dir.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(args.seed)
    parts = split(taken, rng)
    for name, members in parts.items():
        images, labels = map(np.array, zip(*rendered(members, args.renderings, rng)))
        np.savez_compressed(args.dir / f"{name}.npz", images=images, labels=labels)
        print(f"{args.dir / name}.npz: {len(images):,} images of {len(members):,} fonts")
        hues = coloured(images, np.random.default_rng([args.seed, len(images)]))
        np.savez_compressed(args.dir / f"colours-{name}.npz", images=hues, labels=labels)
        if name == "train":
            sheet(images, rng).save(args.dir / "sheet.png")
    listed = {name: sorted(str(f.file) for f in members) for name, members in parts.items()}
    (args.dir / "fonts.json").write_text(json.dumps(listed, indent=1) + "\n")


if __name__ == "__main__":
    main()
