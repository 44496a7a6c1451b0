"""The house: imports point one way, files stay short, no grab-bags."""

import ast
from pathlib import Path

from mutants import DEFECTS

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "infogan"

# a module imports only from those before it
ORDER = [
    "errors", "registry", "inputs", "outputs", "table", "pictures", "config", "processes",
    "precision", "codes", "prior", "groups", "names", "weights", "networks", "model",
    "recalibration", "memory", "workers", "encode", "sorting", "generate", "adversarial", "alone",
    "contrast", "pairs", "components", "joining", "merging", "objective", "data", "batches",
    "votes", "vat", "diffaugment", "recording", "run", "progress", "state", "descent", "moves",
    "update", "step", "restarts", "scout", "lessons", "scouting", "guards", "training", "fitting",
    "estimator", "metrics", "selection", "figures", "scatter", "supposed", "report", "explorer",
    "export", "cli",
]  # fmt: skip


def imports(file):
    """Top-level modules of the package that a file imports, with `from infogan import x` too."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("infogan"):
            parts = node.module.split(".")
            if len(parts) > 1:
                yield parts[1]
            else:
                yield from (alias.name for alias in node.names if alias.name != "__version__")


def home(file):
    return file.relative_to(SOURCE).parts[0].removesuffix(".py")


def test_imports_point_one_way():
    seen = set()
    for file in SOURCE.rglob("*.py"):
        here = home(file)
        if here.startswith("__"):
            continue
        seen.add(here)
        for other in imports(file):
            assert other == here or ORDER.index(other) < ORDER.index(here), f"{here} → {other}"
    assert seen == set(ORDER)


def test_files_are_short_and_named_for_one_idea():
    for folder in ("src", "tests", "benchmarks"):
        for file in (ROOT / folder).rglob("*.py"):
            assert len(file.read_text().splitlines()) <= 350, file
            assert file.stem not in ("utils", "common", "helpers", "misc"), file
    for file in SOURCE.rglob("*.js"):
        assert len(file.read_text().splitlines()) <= 350, file


def test_nothing_is_unpickled():
    for file in SOURCE.rglob("*.py"):
        text = file.read_text()
        assert "torch.load" not in text
        assert "pickle" not in text


def test_every_module_has_a_test_file():
    tested = {file.stem.removeprefix("test_") for file in (ROOT / "tests").glob("test_*.py")}
    assert set(ORDER) - {"errors"} <= tested  # it is tested through cli


def test_each_defect_can_still_be_written_into_the_source():
    for defect in DEFECTS:
        assert (SOURCE / defect.file).read_text().count(defect.right) == 1, defect.name
