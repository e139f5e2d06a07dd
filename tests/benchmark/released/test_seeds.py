"""The mean of what is known of runs that differ in their seed alone."""

from benchmark.released.seeds import mean_of


def test_mean_of_json_values():
    a = {"AP": 0.5, "errors": {"missed": 3}, "recall": [1.0, None], "source": "depth order", "only": 1, "none": None}
    b = {"AP": 1.0, "errors": {"missed": 4}, "recall": [0.0, 0.5], "source": "depth order", "none": 2.0}
    expected = {"AP": 0.75, "errors": {"missed": 3.5}, "recall": [0.5, None], "source": "depth order"}
    assert mean_of([a, b]) == expected | {"only": None, "none": None}
    assert mean_of([a]) is a and mean_of([{"AP": {}}, {"AP": None}])["AP"] is None
