"""`infogan data`: what a source holds, before anything is trained on it."""

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

from infogan.cli.arguments import parse
from infogan.cli.runs import check_png
from infogan.cli.source import check_out, note_namesake
from infogan.config import DataConfig
from infogan.errors import InfoganError


def data(argv: list[str]) -> int:
    """Look at a source, or empty the cache of packed sets."""
    import tyro
    from tyro.conf import FlagCreatePairsOff, arg

    @dataclass(frozen=True)
    class Data:
        """Look at a source before training: how many pictures of which formats and sizes, what
        cannot be read and why, what they become, the room that takes, and a sheet of some of them;
        of a table its columns. Pictures are packed on the way, so that training begins at once."""

        source: Annotated[str | None, tyro.conf.Positional, arg(metavar="[SOURCE]")] = None
        """A folder, a file, hf:OWNER/NAME, or a built-in name."""
        out: Path = Path("sheet.png")
        """PNG file for the contact sheet."""
        json: FlagCreatePairsOff[bool] = False
        """Print JSON, in which every refused file is."""
        clear: FlagCreatePairsOff[bool] = False
        """Empty the cache of packed sets."""
        data: DataConfig = field(default_factory=DataConfig)

    args = parse(Data, argv, "data")
    if args.clear:
        from infogan.data import cache

        freed, left = cache.clear()
        kept = f"; {left} that are being packed are left" if left else ""
        print(f"{cache.root()}: {cache.in_bytes(freed)} freed{kept}")
        return 0
    if args.source is None:
        raise InfoganError("data looks at a SOURCE: a folder, a file, hf:OWNER/NAME, or mnist")
    from infogan.data import is_built_in
    from infogan.data.sheet import as_text, facts, sheet

    note_namesake(args.source, "built-in set", is_built_in(args.source))

    check_png(args.out)
    check_out(args.out, args.source)
    # all that is bad is to be seen, so none of it stops
    settings = replace(args.data, source=args.source, on_bad="skip", max_bad=1.0)
    found, images = facts(settings)
    if "columns" not in found:  # vectors have no pictures
        try:
            args.out.write_bytes(sheet(images))
        except OSError as e:
            reason = f"cannot write {args.out}: {e.strerror}"
            raise InfoganError(f"{reason}; choose another --out") from None
        found["sheet"] = str(args.out)
    print(json.dumps(found, indent=1) if args.json else as_text(found))
    return 0
