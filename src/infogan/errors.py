"""The one error that is meant for the user: it states the rule, the value met, and the fix."""


class InfoganError(ValueError):
    """A mistake in what the user asked for, or a file that cannot be used. The command line prints
    it as one line and exits with code 2."""


class MissingExtraError(InfoganError):
    """A package of an optional group is not installed."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(
            f"{package} is not installed and this needs it: run  pip install 'infogan[{extra}]'"
        )
