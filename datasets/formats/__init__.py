"""Annotation files of amodal data sets, each format with `read` and `write`.

`read(document, name)` takes what a JSON file holds and returns `Instances`; `write(instances)` is its reverse.
"""

from datasets.formats import benchmark, coco, cocoa, kins

FORMATS = {"benchmark": benchmark, "coco": coco, "cocoa": cocoa, "kins": kins}
