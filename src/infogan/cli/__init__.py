"""The `infogan` command: one short function per command, each calling one function elsewhere."""

import atexit
import gc
import os
import sys
import textwrap
from collections.abc import Sequence
from importlib import import_module

from infogan.errors import InfoganError
from infogan.registry import unknown

USAGE = """\
usage: infogan COMMAND [ARGUMENTS]

InfoGAN: interpretable latent codes from unlabelled images (Chen et al. 2016).

  data SOURCE                   look at images before training: what they are, what is broken
  train [SOURCE] --out RUN      train, measure, and write a report; SOURCE is a folder, a file,
                                hf:OWNER/NAME, or a recipe:
{recipes}
  evaluate RUN [--json]         measure a run on the held-out split
  report RUN                    write the run's report.html and figures/
  merge RUN                     take categories that are one thing together, as groups
  select RUN RUN RUN …          which run to keep, without labels
  explore RUN [SOURCE]          drive the codes in a browser, browse real images, give names
  encode RUN [SOURCE]           images to codes: a table, a row for each image
  sort RUN [SOURCE] --out DIR   pictures into folders by their categories
  generate RUN --out FOLDER     codes to images: an array and its codes
  export RUN --out FILE.html    one page that runs the model in a browser; FOLDER: ONNX files
  figure1 RUN_INFOGAN RUN_GAN   draw the paper's Figure 1 from two runs
  sheet RUN_INFOGAN RUN_GAN     draw what their codes read over the unrolled swiss roll

infogan COMMAND --help tells more; infogan --version prints the version.
"""

# the module of this folder that holds it; imported only when it is asked for
COMMANDS = {
    "data": "data",
    "train": "train",
    "evaluate": "runs",
    "report": "runs",
    "merge": "merge",
    "encode": "batch",
    "sort": "batch",
    "generate": "batch",
    "explore": "explore",
    "select": "select",
    "export": "export",
    "figure1": "runs",
    "sheet": "runs",
}


def main(argv: Sequence[str] | None = None) -> None:
    """Run one command; a user's mistake is one line on standard error and exit code 2."""
    args = list(sys.argv[1:] if argv is None else argv)
    atexit.register(gc.freeze)  # else Python looks for cycles among all that was imported
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        sys.exit(_code(args))
    from infogan import processes

    if processes.rank():
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115  (the first process speaks for all)
    processes.leave(_code(args))


def _code(args: list[str]) -> int:
    """Run one command; its exit code."""
    try:
        return _dispatch(args)
    except InfoganError as e:
        _complain(" ".join(str(e).split()))
        return 2
    except KeyboardInterrupt:
        return 130
    except PermissionError as e:
        _complain(f"no permission for {e.filename}; choose another place")
        return 2
    except BrokenPipeError:  # `infogan … | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except SystemExit as e:  # --help
        return e.code if isinstance(e.code, int) else 0


def _complain(text: str) -> None:
    """One line on standard error, said once by many processes."""
    processes = sys.modules.get("infogan.processes")
    if processes is None:
        print(f"infogan: {text}", file=sys.stderr)
    elif processes.speaks():
        print(f"infogan: {text}", file=sys.stderr)
        processes.tell_launcher(text)


def _dispatch(args: list[str]) -> int:
    if not args or args[0] in ("-h", "--help", "help"):
        from importlib import resources

        files = resources.files("infogan").joinpath("recipes").iterdir()
        names = sorted(f.name.removesuffix(".yaml") for f in files)
        lines = textwrap.wrap(", ".join(names), 68, break_on_hyphens=False)
        print(USAGE.format(recipes=textwrap.indent("\n".join(lines), " " * 32)), end="")
        return 0 if args else 2
    if args[0] == "--version":
        from infogan import __version__

        print(__version__)
        return 0
    if args[0] != "train" and int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise InfoganError(f"{args[0]} is work for one process; leave torchrun out")
    if args[0] not in COMMANDS:
        raise InfoganError(unknown("command", args[0], list(COMMANDS)))
    command = getattr(import_module(f"infogan.cli.{COMMANDS[args[0]]}"), args[0])
    code: int = command(args[1:])
    return code
