"""Models by name."""

from benchmark.models.registry import adapter_names, find_adapter, untrained_names


def test_models_without_training_are_said_to_be_so():
    assert untrained_names() == [name for name in adapter_names() if not find_adapter(name).presets]
