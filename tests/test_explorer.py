"""What the explorer answers, without HTTP."""

import base64
import contextlib
import io
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from infogan import InfoGAN, InfoganError
from infogan.config import NetConfig
from infogan.data import Dataset
from infogan.explorer import Explorer, Gallery
from infogan.pictures import Form

CODES = "z3 + kind:cat4 + u + pose:u2(0, 4) + g + bern2"
START = {"kind": 0, "u": 0, "pose[0]": 2, "pose[1]": 2, "g": 0, "bern[0]": 0, "bern[1]": 0}
SET = START | {"kind": 2, "u": -0.3, "pose[1]": 3.5, "bern[0]": 1}


@pytest.fixture(scope="module")
def model():
    return InfoGAN(CODES, (3, 8, 8), NetConfig(widths=(4, 8), fc=8), seed=1).eval()


@pytest.fixture(scope="module")
def data():
    images = torch.randint(256, (300, 3, 8, 8), generator=torch.Generator().manual_seed(0))
    return Dataset("noise", "all", images.byte(), names=[f"{i}.png" for i in range(300)])


@pytest.fixture(scope="module")
def gallery(model, data):
    gallery = Gallery(model, data)
    gallery.start()
    gallery.wait()
    return gallery


@pytest.fixture
def explorer(model, gallery):
    model.names, model.groups = {}, {}
    return Explorer(model, "runs/x", gallery, Form(8, 3), lambda key, text: {key: text})


def pixels(address):
    """An image that the page is given, (C, H, W) bytes."""
    png = base64.b64decode(address.removeprefix("data:image/png;base64,"))
    return torch.tensor(np.asarray(Image.open(io.BytesIO(png)))).permute(2, 0, 1)


def as_bytes(x):
    return (255 * x).round().byte()


def test_the_page_is_told_what_there_is_to_set(explorer):
    facts = explorer.render({"show": "facts"})
    assert facts["start"] == START
    assert [c["name"] for c in facts["controls"]] == list(START)
    u, pose = facts["controls"][1], facts["controls"][2]
    assert (u["low"], u["high"], u["trained"]) == (-2, 2, [-1, 1])
    assert (pose["low"], pose["high"], pose["trained"]) == (-2, 6, [0, 4])
    assert facts["gallery"] == {"read": 300, "of": 300, "all": 300}
    json.dumps(facts)


def test_the_picture_is_what_its_line_of_python_makes(explorer, model):
    answer = explorer.render({"show": "draw", "set": SET, "seed": 7})
    x = eval(answer["python"], {"model": model})
    assert torch.equal(pixels(answer["picture"]), as_bytes(x[0]))
    assert answer["python"] == (
        "model.generate(kind=2, u=-0.3, pose=[2, 3.5], g=0, bern=[1, 0], seed=7)"
    )
    assert answer["shell"] == ""  # --set cannot say pose


def test_code_names_that_python_has_taken_are_said_so_that_it_runs():
    net = NetConfig(widths=(4, 8), fc=8)
    model = InfoGAN("z3 + class:cat4 + picture:u + draws:u", (3, 8, 8), net).eval()
    answer = Explorer(model, "x").render({"show": "draw", "set": {"class": 2}, "seed": 5})
    assert answer["strips"].keys() == {"class", "picture", "draws"}
    assert len(answer["draws"]) == 24
    x = eval(answer["python"], {"model": model})
    assert torch.equal(pixels(answer["picture"]), as_bytes(x[0]))


def test_what_is_far_from_every_image_still_has_an_order(explorer):
    answer = explorer.render({"show": "real", "set": {"u": 1e30}})
    assert len(answer["images"]) == 24
    json.dumps(answer, allow_nan=False)


def test_the_command_says_what_is_set():
    model = InfoGAN("z3 + kind:cat4 + u", (1, 8, 8), NetConfig(widths=(4, 8), fc=8)).eval()
    answer = Explorer(model, "my runs/x").render({"show": "draw", "set": {"kind": 1, "u": 0.25}})
    shell = "infogan generate 'my runs/x' --n 1000 --set kind=1 u=0.25 --out fakes"
    assert answer["shell"] == shell
    free = {"show": "draw", "set": {"kind": 1}, "free": ["u"]}
    shell = "infogan generate runs/x --n 1000 --set kind=1 --out fakes"
    assert Explorer(model, "runs/x").render(free)["shell"] == shell


def test_along_a_strip_one_number_moves(explorer, model):
    answer = explorer.render({"show": "draw", "set": SET, "seed": 7})
    assert answer["strips"].keys() == START.keys()
    for name, strip in answer["strips"].items():
        for value, image in zip(strip["values"], strip["images"], strict=True):
            one = explorer.render({"show": "draw", "set": SET | {name: value}, "seed": 7})
            far = (pixels(image).int() - pixels(one["picture"]).int()).abs().max()
            assert far <= 1, (name, value)  # batches of other sizes round otherwise
    assert answer["strips"]["u"]["values"] == [-2, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2]
    assert answer["strips"]["kind"]["values"] == [0, 1, 2, 3]
    assert answer["strips"]["bern[1]"]["values"] == [0, 1]


def test_while_one_drags_the_picture_alone_is_made(explorer):
    answer = explorer.render({"show": "draw", "set": SET, "only": True})
    assert answer["picture"] == explorer.render({"show": "draw", "set": SET})["picture"]
    assert answer["strips"] == {}
    assert answer["draws"] == []


def test_of_many_categories_those_around_the_one_that_is_set_are_shown():
    model = InfoGAN("z3 + kind:cat90", (1, 8, 8), NetConfig(widths=(4, 8), fc=8)).eval()
    explorer = Explorer(model, "x")
    for k, shown in ((0, range(40)), (41, range(40, 80)), (89, range(80, 90))):
        strip = explorer.render({"show": "draw", "set": {"kind": k}})["strips"]["kind"]
        assert strip["values"] == list(shown)


def test_draws_keep_what_is_set_and_draw_what_is_free(explorer, model, monkeypatch):
    seen = []
    decode = model.decode
    monkeypatch.setattr(model, "decode", lambda z, c: seen.append((z, c)) or decode(z, c))
    explorer.render({"show": "draw", "set": SET, "free": ["u", "pose[0]", "kind"]})
    z, c = seen[0][0][-24:], {name: value[-24:] for name, value in seen[0][1].items()}
    assert len(z.unique(dim=0)) == 24
    assert c["pose"][:, 1].unique().tolist() == [3.5]
    assert c["bern"].unique(dim=0).tolist() == [[1, 0]]
    assert c["g"].unique().tolist() == [0]
    assert len(c["u"].unique()) == len(c["pose"][:, 0].unique()) == 24
    assert c["u"].abs().max() <= 1
    assert 0 <= c["pose"][:, 0].min() <= c["pose"][:, 0].max() <= 4
    assert len(c["kind"].unique()) > 1


def test_a_table_has_one_code_down_and_one_across(explorer, model):
    asked = {"show": "table", "set": SET, "seed": 7, "rows": "kind", "columns": "pose[1]"}
    answer = explorer.render(asked)
    assert (answer["rows"], answer["columns"]) == ([0, 1, 2, 3], [-2, -1, 0, 1, 2, 3, 4, 5, 6])
    table = pixels(answer["picture"])
    assert table.shape == (3, 4 * 9 - 1, 9 * 9 - 1)
    x = model.generate(kind=1, u=-0.3, pose=[2, 4], g=0, bern=[1, 0], seed=7)[0]
    cell = table[:, 9:17, 6 * 9 : 6 * 9 + 8]
    assert (cell.int() - as_bytes(x).int()).abs().max() <= 1


def test_real_images_are_ordered_by_ln_q(explorer, model, data):
    answer = explorer.render({"show": "real", "set": SET, "free": ["g", "pose[1]"]})
    q = model.infer(data.images)
    score = q["kind"].log_prob(torch.full((300,), 2)) + q["u"].log_prob(torch.full((300, 1), -0.3))
    score = score + q["bern"].log_prob(torch.tensor([[1.0, 0.0]]).expand(300, 2))
    best = score.argsort(descending=True)[:24].tolist()
    assert [each["name"] for each in answer["images"]] == [f"{i}.png" for i in best]
    for each, i in zip(answer["images"], best, strict=True):
        assert each["score"] == pytest.approx(score[i].item(), abs=1e-4)
        assert torch.equal(pixels(each["image"]), data.images[i])
    assert answer["count"] == 300
    second = explorer.render({"show": "real", "set": SET, "free": ["g", "pose[1]"], "at": 24})
    assert not {e["id"] for e in answer["images"]} & {e["id"] for e in second["images"]}


def test_the_surest_of_a_category_come_first_or_last(explorer, model, data):
    p, k = model.infer(data.images)["kind"].probs.max(1)
    present = k.mode().values.item()
    members = (k == present).nonzero()[:, 0]
    by_p = members[p[members].argsort(descending=True)].tolist()
    asked = {"show": "real", "set": {"kind": present}, "by": "kind", "free": ["kind"]}
    surest = explorer.render(asked | {"order": "surest"})
    unsurest = explorer.render(asked | {"order": "unsurest"})
    assert [e["name"] for e in surest["images"]] == [f"{i}.png" for i in by_p[:24]]
    assert unsurest["images"][0]["name"] == f"{by_p[-1]}.png"
    assert surest["count"] == unsurest["count"] == len(by_p)
    shares = (k.bincount(minlength=4) / 300).tolist()
    assert surest["shares"]["kind"] == pytest.approx(shares)


def test_a_picture_from_outside_is_read_as_q_reads_it(explorer, model, data):
    x = data.images[5]
    file = io.BytesIO()
    large = Image.fromarray(x.permute(1, 2, 0).numpy()).resize((32, 32), Image.Resampling.NEAREST)
    large.save(file, "PNG")
    answer = explorer.render({"show": "read", "file": base64.b64encode(file.getvalue()).decode()})
    assert torch.equal(pixels(answer["image"]), x)
    q = model.infer(x[None])
    assert answer["set"]["kind"] == q["kind"].probs.argmax().item()
    assert answer["set"]["pose[1]"] == pytest.approx(q["pose"].mean[0, 1].item(), rel=6e-4)
    assert answer["sd"]["u"] == pytest.approx(q["u"].stddev.item())
    assert answer["set"]["bern[0]"] == float(q["bern"].mean[0, 0] > 0.5)
    assert sum(p for _, p in answer["likely"]["kind"]) == pytest.approx(1)
    assert answer["likely"]["kind"][0][0] == answer["set"]["kind"]
    explorer.render({"show": "draw", "set": answer["set"]})  # it can be set


def test_a_real_image_is_read_by_its_number(explorer, gallery, data):
    answer = explorer.render({"show": "read", "id": 4})
    i = int(gallery.which[4])
    assert answer["name"] == f"{i}.png"
    assert torch.equal(pixels(answer["image"]), data.images[i])


def test_all_is_drawn_from_the_prior():
    codes = "z3 + kind:cat3(0.8, 0.1, 0.1) + g"
    model = InfoGAN(codes, (1, 8, 8), NetConfig(widths=(4, 8), fc=8)).eval()
    explorer = Explorer(model, "x")
    drawn = [explorer.render({"show": "random", "seed": i})["set"] for i in range(400)]
    # standard errors 0.02, 0.05
    assert np.mean([each["kind"] == 0 for each in drawn]) == pytest.approx(0.8, abs=0.08)
    assert np.std([each["g"] for each in drawn]) == pytest.approx(1, abs=0.15)
    explorer.render({"show": "draw", "set": drawn[0]})


@pytest.mark.parametrize(
    ("request_", "rule"),
    [
        ({}, "asks for facts, draw"),
        ({"show": "draw", "set": {"tilt": 1}}, "no 'tilt' to set; there are kind, u"),
        ({"show": "draw", "set": {"kind": 4}}, "integers 0 to 3"),
        ({"show": "draw", "set": {"u": "x"}}, "u: expected a number"),
        ({"show": "draw", "seed": -1}, "seed: expected an integer"),
        ({"show": "draw", "free": ["tilt"]}, "no 'tilt' to draw"),
        ({"show": "table", "rows": "u", "columns": "u"}, "choose two"),
        ({"show": "table", "rows": "u"}, "columns 'None': there are"),
        ({"show": "real", "order": "best"}, "there are like, surest, unsurest"),
        ({"show": "real", "order": "surest", "by": "u"}, "'u' is none of kind"),
        ({"show": "real", "at": -1}, "from 0"),
        ({"show": "read", "id": 300}, "no image 300"),
        ({"show": "read", "file": "????"}, "cannot be read"),
        ({"show": "read", "file": "aGVsbG8="}, "not an image"),
        ({"show": "read", "file": "é"}, "cannot be read"),
        ({"show": "read"}, "expected a picture of up to 50 MB"),
    ],
)
def test_what_cannot_be_is_said(explorer, request_, rule):
    with pytest.raises(InfoganError, match=rule):
        explorer.render(request_)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)
SETTINGS = st.dictionaries(st.sampled_from([*START, "x"]), JSON, max_size=3)
REQUEST = st.fixed_dictionaries(
    {"show": st.sampled_from(["draw", "random", "table", "real", "read", "name"])},
    optional={
        "set": SETTINGS | JSON, "seed": JSON, "free": JSON, "rows": JSON, "columns": JSON,
        "order": JSON, "by": JSON, "at": JSON, "id": JSON, "file": JSON, "key": JSON, "text": JSON,
        "only": JSON,
    },
)  # fmt: skip


@given(REQUEST)
@settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_any_request_has_an_answer_or_a_sentence(explorer, request_):
    with contextlib.suppress(InfoganError):
        json.dumps(explorer.render(request_), allow_nan=False)


def test_what_has_no_images_has_no_page(model, data):
    vectors = InfoGAN("z3 + u", (2, 1, 1), NetConfig(kind="mlp", output="linear", widths=(8,)))
    with pytest.raises(InfoganError, match="runs/v makes vectors of 2"):
        Explorer(vectors, "runs/v")
    alone = Explorer(model, "x")
    facts = alone.render({"show": "facts"})
    assert (facts["gallery"], facts["reads"], facts["keeps_names"]) == (None, False, False)
    with pytest.raises(InfoganError, match="name a SOURCE"):
        alone.render({"show": "real"})
    with pytest.raises(InfoganError, match="no pictures from outside"):
        alone.render({"show": "read", "file": "aGVsbG8="})


def test_a_gallery_reads_evenly_and_can_be_stopped(model, data):
    some = Gallery(model, data, most=7)
    assert sorted(some.which.tolist()) == [0, 50, 100, 150, 199, 249, 299]
    assert some.shares() == {}
    explorer = Explorer(model, "x", some)
    assert explorer.render({"show": "real"})["images"] == []  # before it has begun
    some.close()
    some.start()
    some.wait()
    assert explorer.render({"show": "real"})["gallery"] == {"read": 7, "of": 7, "all": 300}
    unnamed = Gallery(model, replace(data, names=None), most=7)
    unnamed.start()
    unnamed.wait()
    assert unnamed.called(0) == f"{int(unnamed.which[0])}"
    unnamed.close()
