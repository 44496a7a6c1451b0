"""A trained model for other places than Python: `infogan export`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from infogan.cli.arguments import parse
from infogan.cli.images import form_of
from infogan.errors import InfoganError

PAGES = (".html", ".htm")


def export(argv: list[str]) -> int:
    """Write a model as one HTML page that runs it, or as ONNX files."""
    import tyro
    from tyro.conf import arg

    @dataclass(frozen=True)
    class Export:
        """A model for other places than Python. FILE.html: one page to keep or send, that makes
        images and reads pictures in the browser alone, with no server and no network.
        FOLDER: generator.onnx, the codes by their names to x; encoder.onnx, x to Q(c|x); and
        card.json, what their numbers mean."""

        model: Annotated[Path, tyro.conf.Positional, arg(metavar="RUN")]
        """Run directory, or a saved model's folder."""
        out: Annotated[Path, arg(metavar="FILE.html|FOLDER")]
        """What to write: a page, where it ends in .html, else a folder to make."""
        title: str = ""
        """What the page calls it; the run's own name where nothing is said."""

    args = parse(Export, argv, "export")
    name = args.out.name.lower()
    if name.endswith(".onnx"):
        raise InfoganError(
            f"--out {args.out}: G and Q are two graphs; give a folder for them, e.g. --out "
            f"{args.out.with_suffix('')}"
        )
    from infogan import outputs
    from infogan.export import is_page, page, write
    from infogan.model import InfoGAN

    model = InfoGAN.from_pretrained(args.model)
    if name.endswith(PAGES):
        if args.out.is_file() and not is_page(args.out.read_text("utf-8", "replace")):
            raise InfoganError(f"{args.out} is there and is no exported page; choose another --out")
        outputs.check_file(args.out)
        title = args.title or args.model.resolve().name
        outputs.file(args.out, page(model, title, form_of(args.model, model)))
        print(f"{args.out}  {args.out.stat().st_size / 1e6:.1f} MB; open it in any browser")
        return 0
    if args.title:
        raise InfoganError("--title is a page's; give --out FILE.html, or leave it out")
    write(model, args.out)
    print(args.out)
    return 0
