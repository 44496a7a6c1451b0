"""The codes of a trained model in a browser: `infogan explore`."""

import os
import sys
import webbrowser
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Annotated

from infogan.cli.arguments import parse
from infogan.cli.images import form_of, images_for, source_of
from infogan.errors import InfoganError

if TYPE_CHECKING:
    from infogan.explorer import Gallery, Keeper
    from infogan.model import InfoGAN


def explore(argv: list[str]) -> int:
    """Drive a model's codes in a browser."""
    import tyro

    @dataclass(frozen=True)
    class Explore:
        """A page on this machine: move the codes and see what G makes of them, let Q read pictures
        of your own, browse real images by their codes, and give categories and sliders names,
        which are kept in the model. Ctrl-C ends it."""

        model: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]
        """Run directory, or a saved model's folder."""
        source: Annotated[str | None, tyro.conf.Positional, tyro.conf.arg(metavar="[SOURCE]")] = (
            None
        )
        """Real images to browse: a folder, a file or hf:OWNER/NAME; the run's own where nothing is
        said."""
        port: int | None = None
        """Port to listen at; 0: any that is free. 8420 where nothing is said and it is free."""
        host: str = "127.0.0.1"
        """Address to listen at; another than this one shows the page to other machines, which may
        then give names too."""
        browser: tyro.conf.FlagCreatePairsOff[bool] = True
        """Open no browser, only say the page's address."""

    args = parse(Explore, argv, "explore")
    if args.port is not None and not 0 <= args.port < 65536:
        raise InfoganError(f"--port {args.port}: ports are 0 to 65535; leave it out for a free one")
    from infogan.explorer import Explorer, serve
    from infogan.model import InfoGAN

    model = InfoGAN.from_pretrained(args.model)
    keeper = _keeper(args.model, model)
    keep = keeper.keep if keeper else None
    page = Explorer(model, str(args.model), None, form_of(args.model, model), keep)
    # after the page, which may refuse the model: images can take long
    page.gallery = gallery = _gallery(args.model, args.source, model)

    def ready(address: str) -> None:
        print(f"{address}  Ctrl-C ends it", flush=True)
        if args.browser and _graphical():
            Thread(target=webbrowser.open, args=(address,), daemon=True).start()

    if gallery:
        gallery.start()
    try:
        serve(page, args.host, args.port, ready)
    except KeyboardInterrupt:  # as it is meant to end
        print()
    finally:
        if gallery:
            gallery.close()
    return 0


def _gallery(path: Path, source: str | None, model: "InfoGAN") -> "Gallery | None":
    """The real images that are meant; the run's own may have gone."""
    from infogan import precision
    from infogan.explorer import Gallery
    from infogan.run import Run

    if source is None and not Run.exists(path):
        return None
    try:
        data = images_for(path, source_of(path, source), None, model)
    except InfoganError as e:
        if source is not None:
            raise
        print(f"without real images: {e}")
        return None
    return Gallery(model, data, precision.choose("auto", precision.device("cpu"))[0])


def _keeper(path: Path, model: "InfoGAN") -> "Keeper | None":
    """What keeps names beside the weights, where these are here."""
    from infogan.explorer import Keeper

    folder = next((f for f in (path / "model", path) if (f / "config.json").is_file()), None)
    return None if folder is None else Keeper(model, folder)


def _graphical() -> bool:
    """Whether a browser of its own window can open here; one in the terminal would wait for the
    page, and the page for it."""
    shown = bool({"DISPLAY", "WAYLAND_DISPLAY"} & set(os.environ))
    return shown or sys.platform in ("darwin", "win32")
