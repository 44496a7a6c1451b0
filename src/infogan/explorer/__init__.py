"""The codes of a trained model in a browser: `Explorer` answers requests, `serve` speaks HTTP."""

from infogan.explorer.explorer import Explorer
from infogan.explorer.gallery import Gallery
from infogan.explorer.keeper import Keeper
from infogan.explorer.server import serve

__all__ = ["Explorer", "Gallery", "Keeper", "serve"]
