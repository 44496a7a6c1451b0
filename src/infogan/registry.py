"""A dict that names its choices when a key is missing."""

import difflib
from collections.abc import Callable
from typing import TypeVar

from infogan.errors import InfoganError

T = TypeVar("T")
C = TypeVar("C")


class Registry(dict[str, T]):
    """Maps a name to an entry; an unknown name is an error that lists what there is.

    Args:
        what: What the entries are, for the error message: "adversarial loss".
    """

    def __init__(self, what: str) -> None:
        super().__init__()
        self.what = what

    def __missing__(self, key: str) -> T:
        raise InfoganError(unknown(self.what, key, list(self)))

    def register(self, name: str) -> Callable[[C], C]:
        """Enter the decorated class or function under `name`.

        Raises:
            InfoganError: the name is taken.
        """

        def enter(entry: C) -> C:
            if name in self:
                raise InfoganError(f"{self.what} {name!r} is registered twice; choose another name")
            self[name] = entry  # type: ignore[assignment]
            return entry

        return enter


def unknown(what: str, key: str, choices: list[str]) -> str:
    """The sentence for a name that is none of `choices`, with the nearest one when it is near."""
    near = difflib.get_close_matches(key, choices, n=1)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    return f"unknown {what} {key!r}{hint}; there is: {', '.join(sorted(choices)) or 'none'}"
