"""The registered models as parameters of a test; one whose optional library is not installed is skipped."""

from collections.abc import Collection

import pytest

from benchmark.models.registry import adapter_names, missing_library


def registered(besides: Collection[str] = (), slow: Collection[str] = ()) -> list:
    """A parameter for each registered model that is not among `besides`; those of `slow` are marked so."""
    return [
        pytest.param(
            name,
            marks=[
                pytest.mark.skipif(reason is not None, reason=str(reason)),
                *([pytest.mark.slow] if name in slow else []),
            ],
        )
        for name in adapter_names()
        if name not in besides
        for reason in [missing_library(name)]
    ]
