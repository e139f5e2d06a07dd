"""JSON documents with one long list, which is read block by block, so that it never stands in memory as a whole."""

import codecs
import gzip
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, cast

from datasets.table import MAX_UNPACKED_RATIO, Source, reading_json, unpacked_limit

BLOCK = 10_000
"""Entries of the long list that are handed over at a time."""

CHUNK = 2**20
"""Bytes that are read from a file at a time."""

REMEMBERED = 2**25
"""Characters of the long list up to which its blocks stay in memory, so that they are read once alone."""

_decode = json.JSONDecoder().raw_decode
_MAY_GO_ON = ("", ".", "e", "E")
"""What follows the first part of a number that is cut in two."""

_CUT = 16
"""Characters at the end of what has been read so far in which a value may look wrong because it is cut in two."""

_blanks = re.compile(r"[ \t\n\r]*")


class Document:
    """A JSON document on disk, plain or gzipped, or in memory.

    key: of the long list, None where the document itself is that list. name: what to call the document in messages.
    outline: the document without the entries of the long list, complete when `blocks` has come to its end.
    """

    def __init__(self, source: Source, what: str, key: str | None):
        self.source, self.what, self.key = source, what, key
        self.name = str(source) if isinstance(source, str | Path) else what
        self.outline: Any = None
        self._blocks: list[list] | None = None
        if not isinstance(source, str | Path):
            self.outline, entries = _split(source, key)
            self._blocks = [entries[start : start + BLOCK] for start in range(0, len(entries), BLOCK)]

    def blocks(self) -> Iterator[list]:
        """The entries of the long list, at most `BLOCK` at a time; none where there is no such list.

        Reads the file again each time, unless the list is short. Raises InputError where the file cannot be read.
        """
        if self._blocks is not None:
            yield from self._blocks
            return
        remembered: list[list] | None = []
        with reading_json(self.name, self.what), open(self.name, "rb") as file:
            text = _Text(file)
            for block in self._stream(text):
                if remembered is not None and text.passed + text.at < REMEMBERED:
                    remembered.append(block)
                else:
                    remembered = None
                yield block
            text.end()
        self._blocks = remembered

    def _stream(self, text: "_Text") -> Iterator[list]:
        if self.key is None and text.next() == "[":
            self.outline = []
            yield from text.entries()
        elif self.key is not None and text.next() == "{":
            self.outline = {}
            for key in text.members():
                if key == self.key and text.next() == "[":
                    if key in self.outline:
                        raise ValueError(f"it has {key} twice")
                    self.outline[key] = []
                    yield from text.entries()
                else:
                    self.outline[key] = text.value()
        else:
            self.outline = text.value()


def _split(document: Any, key: str | None) -> tuple[Any, list]:
    """A document in memory without the entries of its long list, and these."""
    if key is None:
        return ([], document) if isinstance(document, list) else (document, [])
    if isinstance(document, dict) and isinstance(document.get(key), list):
        return {**document, key: []}, document[key]
    return document, []


class _Text:
    """The text of a file from a place on, read as far as needed. Raises JSONDecodeError, with the place in the file."""

    def __init__(self, file: IO[bytes]):
        packed = file.read(2) == b"\x1f\x8b"
        self._left = unpacked_limit(file.seek(0, os.SEEK_END)) if packed else None
        file.seek(0)
        self._file = cast(IO[bytes], gzip.GzipFile(fileobj=file)) if packed else file
        self._decoder: codecs.IncrementalDecoder | None = None
        self._ended = False
        self._line, self._column = 1, 1
        self.text, self.at, self.passed = "", 0, 0

    def next(self) -> str:
        """The next character that is not blank, which is not taken; "" at the end."""
        while True:
            self.at = cast(re.Match, _blanks.match(self.text, self.at)).end()
            if self.at < len(self.text) or not self._more():
                return self.text[self.at : self.at + 1]

    def value(self) -> Any:
        """The next value, which is taken."""
        self.next()
        while True:
            try:
                value, end = _decode(self.text, self.at)
                cut = self.text[end : end + 1] in _MAY_GO_ON and end + _CUT > len(self.text)
                if not cut or not self._more():
                    self.at = end
                    return value
            except json.JSONDecodeError as error:
                cut = error.msg.startswith("Unterminated string") or error.pos + _CUT > len(self.text)
                if not cut or not self._more():  # the rest of a file is not read for a fault that is one already
                    raise self._fault(error.msg, error.pos) from None

    def entries(self) -> Iterator[list]:
        """The entries of the list that begins here, which is taken, `BLOCK` at a time."""
        self.at += 1
        block: list = []
        if self.next() == "]":
            self.at += 1
            return
        while True:
            block.append(self.value())
            if len(block) == BLOCK:
                yield block
                block = []
            if not self._separated("]"):
                break
        if block:
            yield block

    def members(self) -> Iterator[str]:
        """The keys of the object that begins here; who asks takes the value of each before the next."""
        self.at += 1
        if self.next() == "}":
            self.at += 1
            return
        while True:
            if self.next() != '"':
                raise self._fault("Expecting property name enclosed in double quotes", self.at)
            key = self.value()
            if self.next() != ":":
                raise self._fault("Expecting ':' delimiter", self.at)
            self.at += 1
            yield key
            if not self._separated("}"):
                return

    def end(self) -> None:
        """Check that nothing follows."""
        if self.next():
            raise self._fault("Extra data", self.at)

    def _separated(self, closing: str) -> bool:
        """Take the comma before a further item, True, or what closes a list or object, False."""
        found = self.next()
        if found not in (",", closing):
            raise self._fault("Expecting ',' delimiter", self.at)
        self.at += 1
        return found == ","

    def _more(self) -> bool:
        """Drop what has been taken and read on, as much again as is left; False at the end of the file."""
        if self._ended:
            return False
        taken = self.text[: self.at]
        if "\n" in taken:
            self._line += taken.count("\n")
            self._column = len(taken) - taken.rindex("\n")
        else:
            self._column += len(taken)
        content = self._file.read(max(CHUNK, len(self.text) - self.at))
        if self._left is not None:
            self._left -= len(content)
            if self._left < 0:
                raise ValueError(f"it unpacks to more than {MAX_UNPACKED_RATIO} times its size")
        if self._decoder is None:
            self._decoder = codecs.getincrementaldecoder(json.detect_encoding(content))("surrogatepass")
        self._ended = not content
        self.passed += self.at
        self.text, self.at = self.text[self.at :] + self._decoder.decode(content, self._ended), 0
        return True

    def _fault(self, message: str, position: int) -> json.JSONDecodeError:
        error = json.JSONDecodeError(message, self.text, position)
        if error.lineno == 1:
            error.colno += self._column - 1
        error.lineno += self._line - 1
        return error
