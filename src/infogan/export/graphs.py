"""G and Q as ONNX graphs, whose inputs and outputs are the codes by their names."""

import copy
import json
import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from infogan.codes import Bernoulli, Categorical, Gaussian, Uniform, probs
from infogan.errors import InfoganError, MissingExtraError
from infogan.groups import SUFFIX, to_card
from infogan.model import InfoGAN

if TYPE_CHECKING:
    import onnx

FORMAT = 1
OPSET = 18
ROWS, TRACED = 11, 7  # draws that a graph is compared on, and traced with: like no size of an image
SAME = 1e-3  # by which it may differ; most by 1e-6
HALF_FROM = 256  # numbers of a weight that is worth keeping in 16 bits


class Generator(nn.Module):
    """z and the codes, in the prior's order, to x = G(z, c); no z where the prior has none."""

    def __init__(self, model: InfoGAN) -> None:
        super().__init__()
        self.G, self.prior, self.vectors = model.G, model.prior, model.vectors

    def forward(self, *given: Tensor) -> Tensor:
        c = dict(zip([code.name for code in self.prior], given[-len(self.prior.codes) :]))
        # not len: torch.export would take it for a number that never changes
        z = given[0] if self.prior.noise else torch.empty(given[0].shape[0], 0)
        x: Tensor = self.G(self.prior.embed(z, c))
        return x.flatten(1) if self.vectors else x


class Encoder(nn.Module):
    """x to what Q says of each code: probabilities, or mean and standard deviation."""

    def __init__(self, model: InfoGAN) -> None:
        super().__init__()
        self.trunk, self.Q, self.prior = model.trunk, model.Q, model.prior
        self.groups, self.vectors = model.groups, model.vectors

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, ...]:
        if self.vectors:
            x = x[:, :, None, None]
        q = self.prior.q(self.Q(self.trunk(x)))
        found: list[Tensor] = []
        for code in self.prior:
            if isinstance(code, Uniform | Gaussian):
                found += [q[code.name].mean, q[code.name].stddev]
                continue
            found.append(q[code.name].mean if isinstance(code, Bernoulli) else probs(q[code.name]))
            if code.name in self.groups:
                found.append(self.groups[code.name].probs(q[code.name]))
        return tuple(found) if len(found) > 1 else found[0]


def generator(model: InfoGAN) -> "onnx.ModelProto":
    """G: inputs z (n, noise) in [-1, 1] and each code by its name, categories (n,) int64, the
    others (n, d) floats; output x (n, C, H, W) in [0, 1], or vectors (n, d)."""
    z, c = model.prior.sample(ROWS, torch.Generator().manual_seed(0))
    given = ({"z": z} if model.prior.noise else {}) | c
    return _graph(Generator(model), given, ["x"], model)


def encoder(model: InfoGAN) -> "onnx.ModelProto":
    """Trunk and Q: input x as G gives it; outputs NAME.p, the probabilities of each category (n, K)
    or of each coin (n, d), and NAME_group.p, of groups; NAME.mean and NAME.sd (n, d) of the others.
    """
    x = model.generate(ROWS, seed=0).float()
    return _graph(Encoder(model), {"x": x}, readings(model), model)


def readings(model: InfoGAN) -> list[str]:
    """The encoder's outputs, in order."""
    found: list[str] = []
    for code in model.prior:
        continuous = isinstance(code, Uniform | Gaussian)
        found += [f"{code.name}.{of}" for of in (("mean", "sd") if continuous else ("p",))]
        found += [f"{code.name}{SUFFIX}.p"] if code.name in model.groups else []
    return found


def card(model: InfoGAN) -> dict[str, Any]:
    """What the graphs' numbers mean, as JSON says it: the codes, their ranges, names and groups."""
    codes: list[dict[str, Any]] = []
    for code in model.prior:
        about: dict[str, Any] = {"name": code.name, "kind": type(code).__name__.lower()}
        about["coordinates"] = list(code.coordinates)
        if isinstance(code, Categorical):
            about |= {"K": code.k, "P": code.probabilities.tolist()}
        if isinstance(code, Uniform):
            about |= {"low": code.low, "high": code.high}
        codes.append(about)
    return {
        "format": FORMAT,
        "library": "infogan",
        "prior": str(model.prior),
        "x": [model.shape[0]] if model.vectors else list(model.shape),
        "z": model.prior.noise,
        "codes": codes,
        "groups": to_card(model.groups),
        "names": model.names,
    }


def halved(graph: "onnx.ModelProto") -> "onnx.ModelProto":
    """The same graph with its large weights in 16 bits, half of the bytes; it computes in 32."""
    import numpy as np
    import onnx
    from onnx import helper, numpy_helper

    small = onnx.ModelProto()
    small.CopyFrom(graph)
    casts = []
    for weight in small.graph.initializer:
        values = numpy_helper.to_array(weight)
        if values.dtype != np.float32 or values.size < HALF_FROM:
            continue
        name = weight.name
        weight.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}.half"))
        casts.append(helper.make_node("Cast", [f"{name}.half"], [name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *small.graph.node]
    del small.graph.node[:]
    small.graph.node.extend(nodes)
    return small


def _graph(
    network: nn.Module, given: dict[str, Tensor], outputs: Sequence[str], model: InfoGAN
) -> "onnx.ModelProto":
    """A network's graph, of any number of rows; it carries the card.

    Raises:
        InfoganError: what it needs is not installed, or its numbers are not the network's.
    """
    try:
        import onnx
        import onnxruntime
        import onnxscript  # noqa: F401  torch's exporter writes its graphs with it
    except ImportError as e:
        raise MissingExtraError(e.name or "onnx", "export") from None
    network = copy.deepcopy(network).cpu().float().eval()  # the model stays as it is
    given = {name: value.cpu() for name, value in given.items()}
    with torch.no_grad():
        wanted = network(*given.values())
    wanted = wanted if len(outputs) > 1 else [wanted]
    if not all(value.isfinite().all() for value in wanted):
        raise InfoganError("this model's numbers are not finite; train it again")
    rows = torch.export.Dim("n")
    shapes = tuple({0: rows} for _ in given)
    with _quiet(), torch.no_grad():
        program = torch.onnx.export(
            network,
            tuple(value[:TRACED] for value in given.values()),
            dynamo=True,
            external_data=False,
            opset_version=OPSET,
            verbose=False,
            # networks whose only inputs are *given have one entry for all of them
            dynamic_shapes=(shapes,) if isinstance(network, Generator) else shapes,
        )
    assert program is not None
    made = program.model_proto
    _rename(made.graph, list(given), outputs)
    onnx.helper.set_model_props(made, {"infogan": json.dumps(card(model))})
    session = onnxruntime.InferenceSession(made.SerializeToString())
    found = session.run(list(outputs), {name: value.numpy() for name, value in given.items()})
    for name, a, b in zip(outputs, found, wanted, strict=True):
        far = float((torch.from_numpy(a) - b).abs().max() / b.abs().max().clamp_min(1))
        if not far < SAME:
            raise InfoganError(
                f"the ONNX graph's {name} differs from the model's by {far:.1e}, so nothing is "
                "written; another release of torch or onnxruntime may do better"
            )
    return made


def _rename(graph: "onnx.GraphProto", inputs: Sequence[str], outputs: Sequence[str]) -> None:
    """Call its inputs and outputs so, and the rest as no code can be called: the exporter names
    what lies between by operations, and `cat` is a code."""
    ends = dict(zip([value.name for value in graph.input], inputs, strict=True))
    ends |= dict(zip([value.name for value in graph.output], outputs, strict=True))

    def name(old: str) -> str:
        new: str = ends.get(old, f"/{old}" if old else "")  # "": an input that is left out
        return new

    # shapes, which any runtime finds by itself, and lines of code with their places on this machine
    del graph.value_info[:], graph.metadata_props[:]
    for value in [*graph.input, *graph.output, *graph.initializer]:
        value.name = name(value.name)
    for node in graph.node:
        del node.metadata_props[:]
        node.input[:] = [name(each) for each in node.input]
        node.output[:] = [name(each) for each in node.output]
    for value in [*graph.input, *graph.output]:
        value.type.tensor_type.shape.dim[0].dim_param = "n"


@contextmanager
def _quiet() -> Iterator[None]:
    """torch's exporter without what it says of itself and of libraries that are not here."""
    log = logging.getLogger("torch.onnx")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(level)
