"""Annotation files of amodal data sets: the benchmark's own, COCOA's and KINS's, each with `read` and `write`.

`read(document, name)` takes what a JSON file holds and returns `Instances`; `write(instances)` is its reverse.
"""

from datasets.formats import benchmark, cocoa, kins

FORMATS = {"benchmark": benchmark, "cocoa": cocoa, "kins": kins}
