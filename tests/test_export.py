"""Models as ONNX graphs and as one HTML page: the same numbers, and nothing else in them."""

import base64
import io
import json
import re
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from command import infogan
from PIL import Image, ImageCms

from infogan import InfoGAN, export
from infogan.codes import Categorical
from infogan.config import NetConfig
from infogan.errors import InfoganError, MissingExtraError
from infogan.export import graphs
from infogan.groups import Groups
from infogan.pictures import Form, decode

ROOT = Path(__file__).parents[1]
SMALL = {"widths": (8, 16), "fc": 32}
MODELS = {
    "of every kind of code": ("z5 + cat:cat3 + 2u + g2 + bern2", (1, 14, 14), SMALL),
    "of one code and no z": ("sigmoid:cat4", (3, 8, 8), SMALL | {"up": "nearest"}),
    "spectral norm, tanh": (
        "z3 + kind:cat5(0.1, 0.2, 0.3, 0.2, 0.2) + u",
        (1, 9, 11),
        SMALL | {"norm": "spectral", "output": "tanh"},
    ),
    "resnet": ("z4 + u2", (3, 16, 16), {"kind": "resnet", "widths": (8, 16)}),
    "vectors": ("2u", (3, 1, 1), {"kind": "mlp", "widths": (16, 8), "output": "linear"}),
}


def made(which):
    codes, shape, net = MODELS[which]
    model = InfoGAN(codes, shape, NetConfig(**net), seed=1).eval()
    if model.vectors:
        model.measure(3 * torch.randn(50, 3, 1, 1, generator=torch.Generator().manual_seed(0)) + 1)
    with torch.no_grad():
        for p in model.parameters():  # wide enough that images and readings differ
            p.mul_(2)
    return model


def run(graph, given):
    session = onnxruntime.InferenceSession(graph.SerializeToString())
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, {k: v.numpy() for k, v in given.items()})))


@pytest.mark.parametrize("which", MODELS)
def test_graphs_are_the_model(which):
    model = made(which)
    if "kind" in [code.name for code in model.prior]:
        model.groups["kind"] = Groups((0, 1, 1, 0, 2))
    z, c = model.prior.sample(7, torch.Generator().manual_seed(3))
    x = model.decode(z, c)
    x = x.flatten(1) if model.vectors else x
    given = ({"z": z} if model.prior.noise else {}) | c
    graph, reader = export.generator(model), export.encoder(model)
    onnx.checker.check_model(graph, full_check=True)
    onnx.checker.check_model(reader, full_check=True)
    np.testing.assert_allclose(run(graph, given)["x"], x, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(run(graphs.halved(graph), given)["x"], x, rtol=1e-2, atol=4e-3)

    q, read = model.infer(x), run(reader, {"x": x})
    wanted = {}
    for code in model.prior:
        if isinstance(code, Categorical):
            wanted[f"{code.name}.p"] = q[code.name].probs
        elif code.name == "bern":
            wanted["bern.p"] = q["bern"].mean
        else:
            wanted[f"{code.name}.mean"] = q[code.name].mean
            wanted[f"{code.name}.sd"] = q[code.name].stddev
        if code.name in model.groups:
            wanted["kind_group.p"] = model.groups["kind"].probs(q["kind"])
    assert set(read) == set(wanted)
    for name, values in wanted.items():
        np.testing.assert_allclose(read[name], values, rtol=1e-4, atol=1e-5)

    # neither places of this machine nor lines of code
    for content in (graph.SerializeToString(), reader.SerializeToString()):
        for private in (str(ROOT), "site-packages", ".py"):
            assert private.encode() not in content


def test_a_graph_that_is_not_the_model_is_not_written(monkeypatch):
    model = made("of one code and no z")
    whole = graphs._rename

    def spoilt(graph, *names):
        whole(graph, *names)
        for weight in graph.initializer:
            weight.CopyFrom(
                onnx.numpy_helper.from_array(
                    1.5 * onnx.numpy_helper.to_array(weight)
                    if weight.data_type == onnx.TensorProto.FLOAT
                    else onnx.numpy_helper.to_array(weight),
                    weight.name,
                )
            )

    monkeypatch.setattr(graphs, "_rename", spoilt)
    with pytest.raises(InfoganError, match="differs from the model's by"):
        export.generator(model)


@pytest.fixture(scope="module")
def named(tmp_path_factory):
    """A model of grey images with a name and a kept P(c), in a folder."""
    model = InfoGAN("z6 + digit:cat4 + tilt:u", (1, 12, 12), NetConfig(**SMALL), seed=1).eval()
    with torch.no_grad():
        for p in model.parameters():
            p.mul_(2)
    model.names = {"digit=2": "</script><b>two", "tilt": "leaning"}
    folder = tmp_path_factory.mktemp("exported") / "digits"
    model.save_pretrained(folder)
    return folder


def test_a_folder_holds_both_graphs_and_what_they_mean(named, tmp_path, capsys):
    out = tmp_path / "deep" / "onnx"
    assert infogan("export", named, "--out", out) == 0
    assert {file.name for file in out.iterdir()} == {"generator.onnx", "encoder.onnx", "card.json"}
    card = json.loads((out / "card.json").read_text())
    assert card["prior"] == "z6 + digit:cat4 + tilt:u1"
    assert card["names"]["tilt"] == "leaning"
    assert card["codes"][1] | {"low": -1.0, "high": 1.0} == card["codes"][1]
    graph = onnx.load(out / "generator.onnx")
    assert {p.key: json.loads(p.value) for p in graph.metadata_props} == {"infogan": card}
    assert [value.name for value in graph.graph.input] == ["z", "digit", "tilt"]
    assert infogan("export", named, "--out", out) == 2  # and what is there stays
    assert "exists already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("args", "rule"),
    [
        (["nowhere", "--out", "x"], "no model at nowhere"),
        (["MODEL", "--out", "g.onnx"], "two graphs; give a folder for them, e.g. --out g"),
        (["MODEL", "--out", "x", "--title", "mine"], "--title is a page's"),
        (["MODEL", "--out", "HERE.html"], "is a folder; choose another"),
        (["MODEL", "--out", "REPORT.html"], "is there and is no exported page"),
        (["VECTORS", "--out", "x.html"], "shows grey images"),
        (["MODEL"], "required"),
    ],
)
def test_mistakes_are_one_line(named, tmp_path, capsys, monkeypatch, args, rule):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "HERE.html").mkdir()
    (tmp_path / "REPORT.html").write_text("<h1>mine</h1>")
    made("vectors").save_pretrained(tmp_path / "VECTORS")
    assert infogan("export", *(named if arg == "MODEL" else arg for arg in args)) == 2
    assert re.search(rule, " ".join(capsys.readouterr().err.split()))
    assert not (tmp_path / "x").exists()


def test_without_its_packages_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "onnxscript", None)
    with pytest.raises(MissingExtraError, match=r"onnxscript .*infogan\[export\]"):
        export.generator(made("of one code and no z"))


def test_a_model_is_exported_as_it_is_and_stays_so():
    """In training, in another format, or broken."""
    model = made("of one code and no z").train()
    before = [module.training for module in model.modules()]
    export.encoder(model)
    assert [module.training for module in model.modules()] == before
    export.generator(model.double())
    assert next(model.parameters()).dtype == torch.float64
    with torch.no_grad():
        next(model.float().G.parameters()).fill_(torch.nan)
    with pytest.raises(InfoganError, match="not finite"):
        export.generator(model)


def test_a_page_shows_only_what_can_be_shown():
    with pytest.raises(InfoganError, match="vectors of 3"):
        export.page(made("vectors"), "roll")


def pixels(address):
    content = base64.b64decode(address.partition(",")[2])
    return np.asarray(Image.open(io.BytesIO(content)).convert("L")).astype(int)


def reads_pictures(page, model, tmp_path):
    """Pictures are cut to their middle square, brought to 12 pixels, and read."""
    from playwright.sync_api import expect

    rng = np.random.default_rng(0)
    for name, shape in {"wide.png": (36, 50), "odd.png": (31, 29), "small.png": (7, 9)}.items():
        content = io.BytesIO()
        smooth = Image.fromarray(rng.integers(256, size=(5, 5, 3), dtype=np.uint8))
        smooth.resize(shape[::-1], Image.Resampling.BICUBIC).save(content, "PNG")
        (tmp_path / name).write_bytes(content.getvalue())
        page.locator("#file").set_input_files(tmp_path / name)
        expect(page.locator("#read figcaption")).to_have_text(name)
        seen = pixels(page.locator("#read img").get_attribute("src"))
        x, _ = decode(content.getvalue(), Form(12, 1))
        close = {"wide.png": 1, "odd.png": 12, "small.png": 24}[name]  # of 255; filters differ
        assert np.abs(seen - x[0].astype(int)).max() <= close, name
        q = model.infer(torch.tensor(seen / 255, dtype=torch.float32)[None, None])
        p = page.locator("#read tr").first.locator("td").last.inner_text()
        assert abs(float(p.split()[0]) / 100 - q["digit"].probs.max().item()) < 0.01
        mean, sd = (page.locator("#read tr").last.locator("td").nth(i).inner_text() for i in (1, 2))
        assert abs(float(mean) - q["tilt"].mean.item()) < 0.02
        assert abs(float(sd.removeprefix("± ")) - q["tilt"].stddev.item()) < 0.02


def test_the_page_makes_and_reads_images_by_itself(browser, named, tmp_path):
    from playwright.sync_api import expect

    expect.set_options(timeout=60_000)  # of a busy machine
    file = tmp_path / "page.html"
    assert infogan("export", named, "--out", file, "--title", "<my> digits") == 0
    model = InfoGAN.from_pretrained(named)
    page = browser.new_page()
    page.set_default_timeout(60_000)
    wrong: list[str] = []
    asked: list[str] = []
    page.on("pageerror", lambda e: wrong.append(str(e)))
    page.on("console", lambda m: wrong.append(m.text))
    page.on("request", lambda r: asked.append(r.url))
    page.goto(file.as_uri())
    page.wait_for_selector("#c-digit .pick >> nth=3")
    assert page.title() == page.locator("#title").inner_text() == "<my> digits"
    assert page.get_by_label("what digit=2 is").input_value() == "</script><b>two"
    expect(page.get_by_label("what digit=1 is")).to_be_hidden()  # nobody can name it here
    for seed in (0, 7, 2**32 + 5):
        page.goto(f"{file.as_uri()}#digit=2&tilt=-1.5&~seed={seed}")
        call = f"model.generate(digit=2, tilt=-1.5, seed={seed})"
        expect(page.locator("#python")).to_have_text(call, use_inner_text=False)
        made_here = pixels(page.locator("#picture").get_attribute("src"))
        wanted = 255 * eval(call, {"model": model})[0, 0].numpy()
        assert np.abs(made_here - wanted).max() < 2
    first = page.locator("#draws img").first.get_attribute("src")
    assert first == page.locator("#picture").get_attribute("src")
    strip = [image.get_attribute("src") for image in page.locator("#c-digit .pick img").all()]
    columns = model.generate(digit=[0, 1, 2, 3], tilt=-1.5, z=model.draw(
        1, torch.Generator().manual_seed(seed), {})[0].numpy())  # fmt: skip
    for src, x in zip(strip, columns, strict=True):
        assert np.abs(pixels(src) - 255 * x[0].numpy()).max() < 2
    table = pixels(page.locator("#table").get_attribute("src"))
    assert table.shape == (4 * 13 - 1, 9 * 13 - 1)
    assert np.abs(table[26:38, 13:25] - made_here).max() < 2  # digit=2, tilt=-1.5

    reads_pictures(page, model, tmp_path)
    bright = Image.new("RGB", (12, 12), (200, 30, 90))
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes()
    bright.save(tmp_path / "profile.png", icc_profile=profile)
    page.locator("#file").set_input_files(tmp_path / "profile.png")  # as encode, which knows none
    expect(page.locator("#read figcaption")).to_have_text("profile.png")
    seen = pixels(page.locator("#read img").get_attribute("src"))
    assert np.abs(seen - np.asarray(bright.convert("L"), int)).max() <= 1
    (tmp_path / "no.png").write_bytes(b"no picture")
    page.locator("#file").set_input_files(tmp_path / "no.png")
    expect(page.locator("#status")).to_contain_text("cannot be read")
    page.keyboard.press("r")
    page.wait_for_url(re.compile(f"seed=(?!{seed}&)"))
    assert not wrong
    assert {url.partition(":")[0] for url in asked} <= {"file", "blob", "data"}
    assert {url.partition("#")[0] for url in asked if url.startswith("file")} == {file.as_uri()}
    page.close()


def test_draws_of_the_page_follow_the_prior(browser, tmp_path):
    model = InfoGAN("z2 + kind:cat3(0.6, 0.3, 0.1) + u(0, 4) + g + bern", (1, 8, 8),
                    NetConfig(**SMALL)).eval()  # fmt: skip
    file = tmp_path / "page.html"
    file.write_text(export.page(model, "small"))
    page = browser.new_page()
    page.set_default_timeout(60_000)
    page.goto(file.as_uri())
    page.wait_for_selector("#c-kind .pick >> nth=2")
    assert page.locator("#reading").is_hidden()  # no Form: it reads none, and has no Q
    assert page.locator("#Q").count() == 0
    text = (ROOT / "src/infogan/export/here.js").read_text()
    rand = re.search(r"^function uniform.*?^}", text, re.DOTALL | re.MULTILINE)[0]
    drawn = re.search(r"^function drawn.*?^}", text, re.DOTALL | re.MULTILINE)[0]
    many = "const rand = uniform(5); return Array.from({length: 20000}, () => codes.map((code) => "
    many += "drawn(code, rand)[0][1]));"
    codes = "const codes = JSON.parse(document.getElementById('facts').textContent).coded;"
    rows = page.evaluate(f"() => {{ {rand} {drawn} {codes} {many} }}")
    kind, u, g, bern = np.array(rows).T
    np.testing.assert_allclose([np.mean(kind == k) for k in range(3)], [0.6, 0.3, 0.1], atol=0.015)
    np.testing.assert_allclose([u.mean(), u.std(), u.min(), u.max()], [2, 1.155, 0, 4], atol=0.03)
    np.testing.assert_allclose([g.mean(), g.std(), bern.mean()], [0, 1, 0.5], atol=0.03)
    numbers = page.evaluate(f"() => {{ {rand} const r = uniform(11); return [r(), r(), r()]; }}")
    assert numbers == torch.rand(3, generator=torch.Generator().manual_seed(11)).tolist()
    page.close()
