"""What commands write: whole, or not there."""

import pytest

from infogan import outputs
from infogan.errors import InfoganError


def test_a_folder_appears_when_it_is_whole(tmp_path):
    place = tmp_path / "above" / "made"
    with outputs.folder(place) as partial:
        (partial / "one").write_text("1")
        assert not place.exists()
    assert [file.name for file in place.iterdir()] == ["one"]
    assert [file.name for file in place.parent.iterdir()] == ["made"]
    with pytest.raises(InfoganError, match="exists already"), outputs.folder(place):
        raise AssertionError


def test_a_folder_that_could_not_be_filled_is_not_there(tmp_path):
    place = tmp_path / "made"

    def interrupted():
        with outputs.folder(place) as partial:
            (partial / "one").write_text("1")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not list(tmp_path.iterdir())
    (tmp_path / "file").write_text("")
    with pytest.raises(InfoganError, match="cannot write"), outputs.folder(tmp_path / "file" / "x"):
        raise AssertionError


def test_a_file_takes_the_place_of_another(tmp_path):
    place = tmp_path / "above" / "page.html"
    outputs.file(place, "σ")
    outputs.file(place, "λ")
    assert place.read_text("utf-8") == "λ"
    assert [file.name for file in place.parent.iterdir()] == ["page.html"]
    with pytest.raises(InfoganError, match="is a folder"):
        outputs.file(tmp_path / "above", "λ")
    with pytest.raises(InfoganError, match="cannot write .*page.html/x"):
        outputs.file(place / "x", "λ")
    assert place.read_text("utf-8") == "λ"
