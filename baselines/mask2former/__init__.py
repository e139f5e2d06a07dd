"""Mask2Former, which needs the library `transformers`: the optional group `set-prediction` of pyproject.toml."""

from importlib.util import find_spec

if find_spec("transformers") is None:
    raise ModuleNotFoundError(
        "found no library transformers, expected the optional group set-prediction: "
        "`uv run --group set-prediction ...`, or `pip install --group set-prediction`",
        name="transformers",
    )
