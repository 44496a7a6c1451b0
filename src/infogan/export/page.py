"""A model as one HTML file that makes its images, and reads pictures, in the browser alone."""

import base64
import gzip
import html
import json
import keyword
import re
from importlib import resources
from typing import Any

from infogan.explorer import Explorer
from infogan.export.graphs import card, encoder, generator, halved
from infogan.model import InfoGAN
from infogan.pictures import Form

SCRIPTS = (("explorer", "state.js"), ("export", "here.js"), ("explorer", "controls.js"),
           ("explorer", "page.js"))  # fmt: skip
RUNTIME = {"ort": "ort.wasm.bundle.min.mjs", "wasm": "ort-wasm-simd-threaded.wasm.gz"}
# nothing comes from anywhere else, and nothing goes there
POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' blob: 'wasm-unsafe-eval'; "
    "style-src 'unsafe-inline'; img-src data: blob:; connect-src data: blob:; base-uri 'none'; "
    "form-action 'none'"
)
HELD = '<script type="application/json" id="facts">'
IMPORT, EXPORT = re.compile(r"^import .*\n", re.MULTILINE), re.compile(r"^export ", re.MULTILINE)


def page(model: InfoGAN, title: str, form: Form | None = None) -> str:
    """The explorer's page, answered by G and Q as ONNX graphs in the page, and all they need.

    Weights are in 16 bits; the browser computes in 32. The image of a seed is the one that
    `InfoGAN.generate` makes of it, to a 255th or two.

    Args:
        model: Of grey or colour images.
        title: What the page calls it.
        form: What becomes of a picture before Q reads it; None: the page reads none, and has no Q.

    Raises:
        InfoganError: the model makes vectors, or images that no page shows.
    """
    facts = json.dumps(_facts(model, title, form)).replace("<", "\\u003c")  # first: it may refuse
    parts = {"G": halved(generator(model)).SerializeToString()}
    if form:
        parts["Q"] = halved(encoder(model)).SerializeToString()
    held = "".join(_held(name, gzip.compress(part, mtime=0)) for name, part in parts.items())
    held += "".join(_held(name, _runtime(file)) for name, file in RUNTIME.items())
    held += f"{HELD}{facts}</script>\n"
    text = _file("explorer", "page.html").decode()
    style = f"<style>\n{_file('explorer', 'page.css').decode()}</style>"
    policy = f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    for old, new in {
        '<meta charset="utf-8">': f'<meta charset="utf-8">\n{policy}',
        "<title>infogan</title>": f"<title>{html.escape(title)}</title>",
        '<link rel="stylesheet" href="page.css">': style,
        '<script type="module" src="page.js"></script>\n': "",
        "</body>": f"<!-- {_file('export', 'ort/LICENSE.txt').decode()} -->\n"
        f'{held}<script type="module">\n{_script()}</script>\n</body>',
    }.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


def is_page(text: str) -> bool:
    """Whether a file's text is such a page."""
    return HELD in text


def _facts(model: InfoGAN, title: str, form: Form | None) -> dict[str, Any]:
    """What the page is made from, and what its answers need beside."""
    explorer = Explorer(model, title)
    facts, about = explorer.facts({}), card(model)
    for control, drawn in zip(explorer.controls.values(), facts["controls"], strict=True):
        drawn["values"] = control.values.tolist()
    reads = {"fit": form.fit, "background": list(form.background)} if form else None
    coded = [code | {"keyword": keyword.iskeyword(code["name"])} for code in about["codes"]]
    return facts | {"noise": about["z"], "reads": reads, "coded": coded}


def _script() -> str:
    """The page's modules as one."""
    return "".join(EXPORT.sub("", IMPORT.sub("", _file(*name).decode())) for name in SCRIPTS)


def _held(name: str, packed: bytes) -> str:
    """Bytes, packed by gzip, in the page; a script of a kind that no browser runs."""
    return f'<script type="text/plain" id="{name}">{base64.b64encode(packed).decode()}</script>\n'


def _runtime(file: str) -> bytes:
    """A part of ONNX Runtime Web, packed by gzip."""
    content = resources.files("infogan.export").joinpath("ort", file).read_bytes()
    return content if file.endswith(".gz") else gzip.compress(content, mtime=0)


def _file(place: str, name: str) -> bytes:
    return resources.files(f"infogan.{place}").joinpath(name).read_bytes()
