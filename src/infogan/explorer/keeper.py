"""Where a model's names are kept while a page shows it."""

import json
from pathlib import Path

from infogan import names
from infogan.errors import InfoganError
from infogan.model import InfoGAN

CARD, WEIGHTS = "config.json", "model.safetensors"


class Keeper:
    """Keeps names beside the weights that were loaded: another page may name things meanwhile, but
    of a model that was merged or trained anew meanwhile nothing is named.

    Args:
        model: As it was loaded.
        folder: From where.
    """

    def __init__(self, model: InfoGAN, folder: Path) -> None:
        self.model, self.folder = model, folder
        self._loaded = self._stamp()

    def keep(self, key: str, text: str) -> dict[str, str]:
        """Call a thing by a name, "" by none.

        Returns:
            All names there are now.

        Raises:
            InfoganError: there is no such thing, the model has changed, or the disk refuses.
        """
        try:
            if self._stamp() != self._loaded:
                raise InfoganError(
                    f"{self.folder} was merged or trained anew since this page was opened; end "
                    "infogan explore and start it again"
                )
            there = json.loads((self.folder / CARD).read_text("utf-8")).get("names", {})
            new = names.checked({**there, key: text}, self.model.prior, self.model.groups)
            self.model.save_card(self.folder, new)
        except OSError as e:
            raise InfoganError(f"cannot keep the name: {e.strerror or e}: {self.folder}") from None
        except (ValueError, TypeError, AttributeError) as e:
            if isinstance(e, InfoganError):
                raise
            raise InfoganError(f"{self.folder / CARD} is damaged; save the model again") from None
        self.model.names = new
        return new

    def _stamp(self) -> tuple[int, int]:
        stat = (self.folder / WEIGHTS).stat()
        return stat.st_mtime_ns, stat.st_size
