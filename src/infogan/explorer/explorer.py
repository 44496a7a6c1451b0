"""What the explorer's page asks, answered: codes to images, images to codes, names; no HTTP."""

import base64
import keyword
import shlex
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from infogan import figures
from infogan.codes import Bernoulli, Categorical, probs
from infogan.data import to_float
from infogan.errors import InfoganError
from infogan.explorer.controls import WINDOW, Control, controls, drawn, moved, one, settings
from infogan.explorer.gallery import Gallery
from infogan.inputs import checked_seed
from infogan.model import InfoGAN
from infogan.names import LONGEST
from infogan.pictures import Form, Refusal, decode

PICTURE, MANY = ".picture", ".draws"  # beside the coordinates' names, none of which is so
DRAWS = 24  # images with the same codes
PAGE = 24  # real images
LIKELIEST = 5  # categories of a reading
MOST_BYTES = 50_000_000  # of a picture that is read


class Explorer:
    """A trained model, answering `render(request) → response`; both are what JSON can say.

    A request's "show" says what: `facts`, `draw`, `random`, `table`, `real`, `read` or `name`; a
    method of that name says what else it holds and what comes back. It keeps no state but names:
    each request says all.

    Args:
        model: Makes images.
        title: What the run is called, as a command line names it.
        gallery: Real images, where there are some.
        form: What becomes of a picture from outside before Q reads it; None: such are not read.
        keep: Keeps a name, as `Keeper.keep`; None: none is kept.

    Raises:
        InfoganError: the model makes vectors, or images that no page shows.
    """

    def __init__(
        self,
        model: InfoGAN,
        title: str,
        gallery: Gallery | None = None,
        form: Form | None = None,
        keep: Callable[[str, str], dict[str, str]] | None = None,
    ) -> None:
        if model.vectors or model.shape[0] not in (1, 3):
            what = f"vectors of {model.shape[0]}" if model.vectors else f"images {model.shape}"
            raise InfoganError(
                f"a page shows grey images and those of three colours, {title} makes {what}; take "
                "infogan report, generate, or export to a folder"
            )
        self.model, self.title, self.gallery, self.form = model, title, gallery, form
        self.keep = keep
        self.controls = controls(model)

    def render(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to one request.

        Raises:
            InfoganError: it asks for what there is not.
        """
        answers = {
            "facts": self.facts,
            "draw": self.draw,
            "random": self.random,
            "table": self.table,
            "real": self.real,
            "read": self.read,
            "name": self.name,
        }
        show = str(request.get("show"))
        if show not in answers:
            raise InfoganError(f"show {show!r}: a request asks for {', '.join(answers)}")
        return answers[show](request)

    def facts(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """What the page is made from, once."""
        return {
            "title": self.title,
            "codes": str(self.model.prior),
            "shape": list(self.model.shape),
            "controls": [control.facts() for control in self.controls.values()],
            "start": settings(self.model.prior, one(self.model, {})),
            "names": self.model.names,
            "keeps_names": self.keep is not None,
            "reads": self.form is not None,
            "gallery": self.gallery.facts() if self.gallery else None,
            "page": PAGE,
            "window": WINDOW,
            "longest_name": LONGEST,
        }

    def draw(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """G(z, c) of the settings, a strip of images for each control, and more draws.

        Request: "set" {coordinate: number}, "seed" of z; "free" [coordinate] are drawn too in
        "draws"; "only" true leaves out strips and draws.
        """
        c, seed, free = self._set(request), _seed(request), self._free(request)
        z = self._noise(seed)
        parts: dict[str, tuple[Tensor, dict[str, Tensor]]] = {PICTURE: (z, c)}
        shown: dict[str, list[float]] = {}
        if not request.get("only"):
            for control in self.controls.values():
                values = control.shown(settings(self.model.prior, c)[control.name])
                shown[control.name] = values.tolist()
                parts[control.name] = (z.expand(len(values), -1), moved(c, control, values))
            parts[MANY] = drawn(self.model, c, free, DRAWS, torch.Generator().manual_seed(seed))
        images = self._decoded(parts)
        return {
            "picture": images[PICTURE][0],
            "draws": images.get(MANY, []),
            "strips": {name: {"values": shown[name], "images": images[name]} for name in shown},
            "python": self._python(c, seed),
            "shell": self._shell(c, free),
        }

    def random(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """What to set for c ~ P(c). Request: "seed"."""
        generator = torch.Generator().manual_seed(_seed(request))
        _, c = self.model.prior.sample(1, generator)
        drawn = settings(self.model.prior, c)
        return {"set": {name: _short(value) for name, value in drawn.items()}}

    def table(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """One control along the rows, another along the columns: the paper's Figure 2 as one PNG.

        Request: "set" and "seed" as of `draw`, "rows" and "columns" the two coordinates.
        """
        c, z = self._set(request), self._noise(_seed(request))
        down, across = self._control(request, "rows"), self._control(request, "columns")
        if down == across:
            raise InfoganError(f"rows and columns are both {down.name}; choose two")
        now = settings(self.model.prior, c)
        rows, columns = down.shown(now[down.name]), across.shown(now[across.name])
        both = moved(
            moved(c, down, rows.repeat_interleave(len(columns))), across, columns.repeat(len(rows))
        )
        images = self.model.decode(z.expand(len(rows) * len(columns), -1), both)
        picture = _data(figures.png(figures.grid(images, len(columns))))
        return {"picture": picture, "rows": rows.tolist(), "columns": columns.tolist()}

    def real(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Real images in an order, as `Gallery.ordered` has it.

        Request: "set" and "free" as of `draw` (a code of which a coordinate is free has no part),
        "order", "by" a categorical code, "at" the first that is wanted.
        """
        if self.gallery is None:
            raise InfoganError(f"{self.title} has no real images here; name a SOURCE of some")
        free = {self.controls[name].code.name for name in self._free(request)}
        c = self._set(request)
        order, by = str(request.get("order", "like")), str(request.get("by", ""))
        c = {name: v for name, v in c.items() if name not in free or name == by}
        had = self.gallery.facts()  # before: more may be read meanwhile
        first, score = self.gallery.ordered(c, order, by)
        at = request.get("at", 0)
        if type(at) is not int or at < 0:
            raise InfoganError(f"at {at!r}: expected the number of an image, from 0")
        page = first[at : at + PAGE].tolist()
        return {
            "images": [
                {
                    "id": i,
                    "name": self.gallery.called(i),
                    "image": _png(self.gallery.image(i)),
                    "score": s,
                }
                for i, s in zip(page, score[at : at + PAGE].tolist())
            ],
            "count": len(first),
            "shares": self.gallery.shares(),
            "gallery": had,
        }

    def read(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Q(c|x) of a picture: what to set, how sure, and the picture as the model sees it.

        Request: "id" of a real image, or "file", a picture's bytes in base64.
        """
        if "id" in request:
            if self.gallery is None or type(request["id"]) is not int:
                raise InfoganError(f"there is no real image {request['id']!r}")
            x, name = self.gallery.image(request["id"]), self.gallery.called(request["id"])
        else:
            x, name = self._outside(request.get("file")), str(request.get("name", ""))
        values: dict[str, float] = {}
        likely: dict[str, list[list[float]]] = {}
        sd: dict[str, float] = {}
        for code_name, q in self.model.infer(x).items():
            code = self.model.prior[code_name]
            if isinstance(code, Categorical):
                p, k = probs(q)[0].topk(min(LIKELIEST, code.k))
                likely[code_name] = [[*pair] for pair in zip(k.tolist(), p.tolist())]
                values[code_name] = k[0].item()
                continue
            means = q.mean[0].round() if isinstance(code, Bernoulli) else q.mean[0]
            values |= dict(zip(code.coordinates, map(_short, means.tolist())))
            sd |= dict(zip(code.coordinates, q.stddev[0].tolist()))
        return {"name": name, "image": _png(x), "set": values, "likely": likely, "sd": sd}

    def name(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Call a category or a slider by a name, "" by none.

        Request: "key" as `InfoGAN.names` has it, "text".
        """
        if self.keep is None:
            raise InfoganError(
                f"names are kept in a run or a saved model's folder, not {self.title}"
            )
        key, text = request.get("key"), request.get("text")
        return {"names": self.keep(str(key), text if isinstance(text, str) else "")}

    def _outside(self, file: Any) -> Tensor:
        """A picture's bytes as the model sees it, (1, C, H, W)."""
        if self.form is None:
            raise InfoganError(f"{self.title} reads no pictures from outside: {self.model.shape}")
        if not isinstance(file, str) or len(file) > MOST_BYTES * 4 / 3:
            raise InfoganError(f"file: expected a picture of up to {MOST_BYTES // 10**6} MB")
        try:
            pixels, _ = decode(base64.b64decode(file, validate=True), self.form)
        except (Refusal, ValueError) as e:
            raise InfoganError(f"this picture cannot be read: {e}") from None
        return torch.tensor(pixels)[None]

    def _control(self, request: Mapping[str, Any], what: str) -> Control:
        name = str(request.get(what))
        if name not in self.controls:
            raise InfoganError(f"{what} {name!r}: there are {', '.join(self.controls)}")
        return self.controls[name]

    def _set(self, request: Mapping[str, Any]) -> dict[str, Tensor]:
        """c of what is set, {code: (1, …)}."""
        given = request.get("set", {})
        if not isinstance(given, dict):
            raise InfoganError(f"set {given!r}: expected a value for each code, by its name")
        return one(self.model, given)

    def _noise(self, seed: int) -> Tensor:
        """z of one image, as `InfoGAN.generate` draws it from the seed."""
        z, _ = self.model.draw(1, torch.Generator().manual_seed(seed), {})
        return z

    def _free(self, request: Mapping[str, Any]) -> set[str]:
        given = request.get("free", [])
        if not isinstance(given, list):
            raise InfoganError(f"free {given!r}: expected a list of what is drawn")
        free = set(map(str, given))
        if unknown := free - set(self.controls):
            raise InfoganError(f"there is no {unknown.pop()!r} to draw")
        return free

    def _decoded(
        self, parts: Mapping[str, tuple[Tensor, dict[str, Tensor]]]
    ) -> dict[str, list[str]]:
        """The images of several z and c, made at once."""
        z = torch.cat([z for z, _ in parts.values()])
        c = {
            code.name: torch.cat([c[code.name] for _, c in parts.values()])
            for code in self.model.prior
        }
        images = torch.split(self.model.decode(z, c), [len(z) for z, _ in parts.values()])
        return {name: [_png(x) for x in torch.split(part, 1)] for name, part in zip(parts, images)}

    def _python(self, c: Mapping[str, Tensor], seed: int) -> str:
        """The call that makes the picture."""
        given = [
            f"**{{'{name}': {value}}}" if keyword.iskeyword(name) else f"{name}={value}"
            for name, value in ((name, _value(value[0].tolist())) for name, value in c.items())
        ]
        return f"model.generate({', '.join([*given, f'seed={seed}'])})"

    def _shell(self, c: Mapping[str, Tensor], free: set[str]) -> str:
        """The command that makes many images like the draws; "" where it cannot say so."""
        fixed = {
            name: value.flatten().tolist()
            for name, value in c.items()
            if not free.issuperset(self.model.prior[name].coordinates)
        }
        if any(len(values) > 1 for values in fixed.values()):
            return ""  # --set gives all dimensions of a code one value
        given = "".join(f" {name}={_value(values[0])}" for name, values in fixed.items())
        words = f"infogan generate {shlex.quote(self.title)} --n 1000"
        return f"{words}{' --set' * bool(given)}{given} --out fakes"


def _seed(request: Mapping[str, Any]) -> int:
    seed = request.get("seed", 0)
    return checked_seed(seed if not isinstance(seed, bool) else -1)


def _value(value: float | list[float]) -> str:
    """In as few digits as float32 needs to be the same again."""
    if isinstance(value, list):
        return _value(value[0]) if len(value) == 1 else f"[{', '.join(map(_value, value))}]"
    return str(value if isinstance(value, int) else np.float32(value)).removesuffix(".0")


def _short(value: float) -> float:
    """A value in four digits, as a page shows and a person copies it."""
    return float(f"{value:.4g}")


def _png(x: Tensor) -> str:
    """One image (1, C, H, W), bytes or in [0, 1], as the address of a PNG."""
    return _data(figures.png(figures.grid(to_float(x), 1)))


def _data(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"
