"""A command's arguments as an object, and what cannot be read as one line."""

import contextlib
import gc
import io
import re
import sys
from typing import Any, TypeVar

from infogan.errors import InfoganError

T = TypeVar("T")


def parse(
    kind: type[T], argv: list[str], command: str, default: T | None = None, helping: bool = True
) -> T:
    """Arguments as an object; what cannot be read is one line, without tyro's box around it.

    With them the command begins, so torch is imported here, after --help has had its say.
    """
    import tyro

    if not helping:
        argv = [arg for arg in argv if arg not in ("-h", "--help")]
    told = io.StringIO()
    extra: dict[str, Any] = {} if default is None else {"default": default}
    try:
        with contextlib.redirect_stderr(told):
            parsed, rest = tyro.cli(
                kind, prog=f"infogan {command}", args=argv, return_unknown_args=True, **extra
            )
    except SystemExit as e:
        if not e.code:
            raise
        lines = [
            re.sub(r"[│╭╮╰╯─]+|-{3,}", " ", line).strip() for line in told.getvalue().splitlines()
        ]
        text = " ".join(line for line in lines if line).partition("Argument helptext")[0]
        text = text.partition("For full helptext")[0].partition("For further information")[0]
        raise InfoganError(f"{text.strip()}; see infogan {command} --help") from None
    if rest:
        raise InfoganError(f"{command} has no argument {rest[0]}; see infogan {command} --help")
    if helping:
        _import_torch()
    given: T = parsed
    return given


def _import_torch() -> None:
    """Import torch, and search neither then nor ever after for cycles among all that it brings."""
    if "torch" in sys.modules:
        return
    searching = gc.isenabled()
    gc.disable()
    try:
        import torch  # noqa: F401
    finally:
        gc.freeze()
        if searching:
            gc.enable()
