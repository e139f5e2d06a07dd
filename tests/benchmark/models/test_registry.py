"""Models by name."""

import pytest

import baselines
from benchmark.cli import main
from benchmark.models.registry import adapter_names, find_adapter, missing_library, untrained_names
from benchmark.studies.study import matching_models
from datasets.errors import InputError


def test_models_without_training_are_said_to_be_so():
    installed = [name for name in adapter_names() if not missing_library(name)]
    assert untrained_names() == [name for name in installed if not find_adapter(name).presets]


@pytest.fixture
def lacking(tmp_path, monkeypatch):
    """A registered model whose library is not installed."""
    package = tmp_path / "lacking_a_library"
    package.mkdir()
    (package / "__init__.py").write_text("raise ModuleNotFoundError('found no library x, expected the group y')")
    (package / "adapter.py").write_text("raise AssertionError('the adapter is not imported')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(baselines.ADAPTERS, "lacking", "lacking_a_library.adapter:Model")
    yield "lacking"
    missing_library.cache_clear()


def test_a_model_without_its_library_says_so_in_one_line(lacking, capsys):
    said = "found no library x, expected the group y"
    with pytest.raises(InputError, match=f"^model 'lacking': {said}$"):
        find_adapter(lacking)
    assert main(["train", lacking, "--preset", "smoke"]) == 2 == main(["check", lacking])
    assert capsys.readouterr().err.splitlines() == [f"error: model 'lacking': {said}"] * 2
    assert main(["models"]) == 0
    assert f"lacking  (lacking_a_library.adapter:Model)\n    not installed: {said}" in capsys.readouterr().out


def test_a_pattern_of_models_leaves_it_out_and_says_so(lacking, capsys):
    assert "lacking" not in matching_models("l*") and "layered-embedding" in matching_models("l*")
    assert "model lacking is left out of l*: found no library x" in capsys.readouterr().err
