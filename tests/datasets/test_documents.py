"""Documents read block by block say the same as documents read as a whole, faults included."""

import codecs
import gzip
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datasets import documents
from datasets.documents import Document
from datasets.errors import InputError
from datasets.table import load_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@pytest.fixture(autouse=True)
def small_steps(monkeypatch):
    """Files of a few bytes are then read in many pieces."""
    monkeypatch.setattr(documents, "BLOCK", 3)
    monkeypatch.setattr(documents, "CHUNK", 5)
    monkeypatch.setattr(documents, "REMEMBERED", 40)


def entries(document):
    return [entry for block in document.blocks() for entry in block]


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(VALUES, max_size=12), VALUES, st.sampled_from([None, 1]), st.booleans())
def test_a_document_in_pieces_is_the_document(tmp_path, listed, rest, indent, packed):
    for key, content in ((None, listed), ("long", {"a": rest, "long": listed, "b": [rest]}), ("long", rest)):
        text = json.dumps(content, indent=indent).encode()
        path = tmp_path / "x.json"
        path.write_bytes(gzip.compress(text) if packed else text)
        document = Document(path, "things", key)
        expected = content if key is None else content.get("long", []) if isinstance(content, dict) else []
        for _ in range(2):
            assert entries(document) == (expected if isinstance(expected, list) else [])
        if not isinstance(content, str):  # which names a file
            assert document.outline == Document(content, "things", key).outline


@pytest.mark.parametrize("head", [b"", codecs.BOM_UTF8])
def test_characters_of_several_bytes_may_be_cut_in_two(tmp_path, head):
    (tmp_path / "x.json").write_bytes(head + json.dumps(["äöü€😀" * 5] * 7, ensure_ascii=False).encode())
    assert entries(Document(tmp_path / "x.json", "things", None)) == ["äöü€😀" * 5] * 7


@pytest.mark.parametrize(
    "text",
    ['[1, 2, {"a": 1}\n, 3 4]', "[1,\n2,\n", "[1,,2]", "[1]x", '["a', '{"a" 1}', '{"a": 1,}', "{1: 2}", "", "tru",
     "[\n\n  nul]"],
)  # fmt: skip
def test_malformed_documents_are_faulted_where_they_are_when_read_as_a_whole(tmp_path, text):
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(InputError) as whole:
        load_json(path, "things")
    with pytest.raises(InputError) as pieces:
        entries(Document(path, "things", None if text.startswith("[") else "long"))
    assert str(pieces.value).partition("(")[0] == str(whole.value).partition("(")[0]


@pytest.mark.parametrize("fault", ["[1, nul, ", "[1., ", '[{"a" 1}, ', "[1, {1: 2}, "])
def test_no_more_of_a_file_is_read_for_a_fault_at_its_beginning(tmp_path, monkeypatch, fault):
    pieces = []
    more = documents._Text._more
    monkeypatch.setattr(documents._Text, "_more", lambda text: pieces.append(1) or more(text))
    (tmp_path / "x.json").write_text(fault + "0, " * 1000 + "0]")
    with pytest.raises(InputError, match="line 1 column"):
        entries(Document(tmp_path / "x.json", "things", None))
    assert len(pieces) < 10
