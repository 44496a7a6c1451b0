"""A table of one's own and the swiss roll, from training to codes, as a user meets them."""

import csv
import json

import numpy as np
import pytest
from command import infogan

from infogan import InfoGAN

QUICK = ["--train.updates", 4, "--train.batch", 16, "--train.threads", 1, "--net.widths", 8]


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    file = tmp_path_factory.mktemp("tables") / "people.csv"
    rng = np.random.default_rng(0)
    rows = np.stack([rng.normal(170, 10, 60), rng.normal(3e4, 9e3, 60)], 1)
    np.savetxt(file, rows, delimiter=",", header="height,income", comments="")
    return file


@pytest.fixture(scope="module")
def run(table):
    out = table.with_name("run")
    assert infogan("train", table, "--out", out, *QUICK) == 0
    return out


def test_a_table_becomes_a_run_with_pictures_for_vectors(run):
    made = {file.name for file in (run / "figures").iterdir()}
    assert {"coloured-kind.png", "traversal-u1.png", "samples.png", "losses.png"} <= made
    page = (run / "report.html").read_text()
    assert "what it does to each column" in page
    metrics = json.loads((run / "metrics.json").read_text())
    assert {"information.kind.L_I", "information.u1.R2"} <= set(metrics)
    assert "n = 6 rows" in metrics["protocol.clustering"]
    assert json.loads((run / "columns.json").read_text()) == ["height", "income"]


def test_generate_and_encode_speak_the_tables_language(run, table, tmp_path):
    assert infogan("generate", run, "--n", 30, "--set", "kind=2", "--out", tmp_path / "f") == 0
    with (tmp_path / "f" / "vectors.csv").open() as f:
        head, *rows = csv.reader(f)
    assert head == ["height", "income"]
    x = np.array(rows, float)
    model = InfoGAN.from_pretrained(run)
    assert x.shape == (30, 2)
    assert abs(x[:, 1].mean() - 3e4) < 3e4  # the user's units
    for source in (table, tmp_path / "f" / "vectors.csv"):
        out = tmp_path / f"{source.stem}-codes.csv"
        assert infogan("encode", run, source, "--out", out) == 0
        with out.open() as f:
            codes = list(csv.DictReader(f))
        rows = np.loadtxt(source, delimiter=",", skiprows=1)
        assert len(codes) == len(rows)  # every row, in its order
        u = [float(code["u1"]) for code in codes]
        np.testing.assert_allclose(u, model.infer(rows)["u1"].mean[:, 0], atol=1e-4)


def test_the_sheet_of_two_runs(tmp_path, capsys):
    for name in ("infogan", "gan"):
        given = ["--objective", name, "--train.restarts", 1, "--out", tmp_path / name]
        assert infogan("train", "swissroll", *given, *QUICK) == 0
    assert "true factors followed" in capsys.readouterr().out
    out = tmp_path / "sheet.png"
    assert infogan("sheet", tmp_path / "infogan", tmp_path / "gan", "--out", out) == 0
    assert out.read_bytes()[:4] == b"\x89PNG"
    assert infogan("encode", tmp_path / "gan", "--out", tmp_path / "c.csv") == 0


@pytest.mark.parametrize(
    ("args", "rule"),
    [
        (["train", "TABLE", "--net.output", "sigmoid"], "holds vectors, and net.output is sigmoid"),
        (["train", "TABLE", "--loss.pairs", "8"], "loss.pairs and loss.alike compare images"),
        (["train", "mnist", "--net.output", "linear"], "holds images, and net.output is linear"),
        (["train", "none.csv"], "cannot read none.csv: no such file"),
        (["encode", "RUN", "WIDE", "--out", "c.csv"], "has 3 columns, the model was trained on 2"),
        (["sheet"], "sheet needs at least one RUN"),
        (["sheet", "RUN"], "has no two continuous true factors"),
    ],
)
def test_mistakes_are_one_line(run, table, tmp_path, monkeypatch, capsys, args, rule):
    monkeypatch.chdir(tmp_path)
    np.savetxt(tmp_path / "wide.csv", np.eye(3), delimiter=",")
    where = {"TABLE": table, "RUN": run, "WIDE": tmp_path / "wide.csv"}
    assert infogan(*(where.get(arg, arg) for arg in args)) == 2
    error = capsys.readouterr().err
    assert error.startswith("infogan: ")
    assert error.count("\n") == 1
    assert rule in error
