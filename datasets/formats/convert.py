"""Annotation files of one format written in another."""

from pathlib import Path

from datasets.files import write_compact_json
from datasets.formats import FORMATS
from datasets.formats.instances import Instances
from datasets.table import load_json


def convert(source: str, target: str, annotations: Path, out: Path) -> Instances:
    """Read `annotations`, .json or .json.gz in format `source`, and write them to `out` in format `target`.

    source, target: keys of `FORMATS`. Returns what was written. Raises InputError for the first fault.
    """
    document, name = load_json(annotations, f"{source} annotations")
    instances = FORMATS[source].read(document, name)
    write_compact_json(out, FORMATS[target].write(instances))
    return instances
