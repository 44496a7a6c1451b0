"""A model as a folder of ONNX files, and a card that says what their numbers mean."""

import json
from pathlib import Path

from infogan import outputs
from infogan.export.graphs import card, encoder, generator
from infogan.model import InfoGAN

GENERATOR, ENCODER, CARD = "generator.onnx", "encoder.onnx", "card.json"


def write(model: InfoGAN, folder: str | Path) -> None:
    """Write `generator.onnx`, z and c to x, `encoder.onnx`, x to Q(c|x), and `card.json`.

    Each file is whole by itself; the card is in the two others' metadata too, as `infogan`.

    Raises:
        InfoganError: something is there already, or the disk refuses.
    """
    folder = Path(folder)
    outputs.check_folder(folder)
    parts = {GENERATOR: generator(model), ENCODER: encoder(model)}
    with outputs.folder(folder) as place:
        for name, graph in parts.items():
            (place / name).write_bytes(graph.SerializeToString())
        (place / CARD).write_text(json.dumps(card(model), indent=2) + "\n", "utf-8")
