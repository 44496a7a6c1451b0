"""The command line, as tests call it."""

import pytest

from infogan.cli import main


def infogan(*args: object) -> int | str | None:
    """`infogan ARGS`; its exit code."""
    with pytest.raises(SystemExit) as done:
        main([str(arg) for arg in args])
    return done.value.code
