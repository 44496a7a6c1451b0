"""What README and docs show runs as it stands."""

import re
import shlex
import shutil
from pathlib import Path

import pytest
from pictures_of_all_kinds import folder_of

from infogan.cli import main

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(page, language):
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)


def test_python_snippets_run(finished, tmp_path, monkeypatch):
    shutil.copytree(finished.path, tmp_path / "runs" / "mnist")
    monkeypatch.chdir(tmp_path)
    snippets = [code for page in PAGES for code in blocks(page, "python")]
    assert snippets
    for code in snippets:
        short = "n_sliders=2, settings={'train.updates': 3, 'loss.votes': 0})"  # else it is minutes
        exec(compile(code.replace("n_sliders=2)", short), "README", "exec"), {})


def commands():
    for page in PAGES:
        for block in blocks(page, "(?:bash|sh)"):
            for line in block.replace("\\\n", " ").splitlines():
                words = shlex.split(line, comments=True)
                if words[:2] == ["infogan", "train"] and not {"SOURCE", "FOLDER"} & set(words):
                    yield tuple(words[1:])


@pytest.mark.parametrize("command", sorted(set(commands())), ids=" ".join)
def test_commands_are_understood(command, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    folder_of(tmp_path / "photos", 30)
    with pytest.raises(SystemExit) as done:
        main([*command, "--dry-run"])
    assert done.value.code == 0, capsys.readouterr().err


def test_links_and_pictures_are_there():
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#]+)\)|src=\"([^\"]+)\"", page.read_text()):
            link = "".join(target)
            if not link.startswith("http"):
                assert (page.parent / link).exists(), f"{page.name}: {link}"


def test_make_test_is_what_ci_runs():
    assert "make test" in (ROOT / "README.md").read_text()
    assert "make test" in (ROOT / ".ci" / "run").read_text()
