"""A model for other places than Python: ONNX graphs, and one HTML file that runs in a browser."""

from infogan.export.folder import write
from infogan.export.graphs import card, encoder, generator
from infogan.export.page import is_page, page

__all__ = ["card", "encoder", "generator", "is_page", "page", "write"]
