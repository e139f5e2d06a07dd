"""Annotation files of one format written in another."""

from pathlib import Path

from datasets.files import write_compact_json
from datasets.formats import FORMATS
from datasets.formats.instances import Instances
from datasets.formats.on_grid import on_grid
from datasets.table import load_json


def convert(source: str, target: str, annotations: Path, out: Path, *, grid: bool = False) -> Instances:
    """Read `annotations`, .json or .json.gz in format `source`, and write them to `out` in format `target`.

    source, target: keys of `FORMATS`. grid: write the masks on the 64x64 grid that models draw on. Returns what was
    written. Raises InputError for the first fault.
    """
    document, name = load_json(annotations, f"{source} annotations")
    instances = FORMATS[source].read(document, name)
    if grid:
        instances = on_grid(instances)
    write_compact_json(out, FORMATS[target].write(instances))
    return instances
