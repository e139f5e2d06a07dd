"""Models by name."""

from benchmark.models.registry import adapter_names, find_adapter, untrained_names


def test_models_without_training_are_said_to_be_so():
    assert untrained_names() == [name for name in adapter_names() if not find_adapter(name).presets]


def test_readings_are_of_variants():
    """What an adapter says of a variant that it does not have would be said of nothing."""
    for name in adapter_names():
        adapter = find_adapter(name)
        assert set(adapter.readings) <= set(adapter.variants), name
