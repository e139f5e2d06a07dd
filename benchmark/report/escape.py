"""Names as text in any format: models, runs and presets are called whatever people like, with `$`, `<` and newlines.

HTML is escaped by the page's templates (`benchmark.report.page`), which take `one_line` for the rest.
"""

import re

_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_SURROGATES = re.compile("[\ud800-\udfff]")
_MARKDOWN_SPECIAL = re.compile(r"([\\`*|<>$\[\]~])|(?<![A-Za-z0-9])(_)|(_)(?![A-Za-z0-9])")
_LATEX_SPECIAL = str.maketrans(
    {c: f"\\{c}" for c in "&%$#_{}"}
    | {
        "–": "--",
        "−": "$-$",
        "×": r"$\times$",
        "≤": r"$\le$",
        "≥": r"$\ge$",
        "\u202f": r"\,",
        "\u00a0": "~",
        "\u2011": "-",
        "’": "'",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "\\": r"\textbackslash{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
        '"': "''",
        "±": r"$\pm$",
        "\ufffd": "?",
    }
)


def one_line(text: str) -> str:
    """The text with a space for each run of control characters, and without what UTF-8 cannot hold."""
    return _SURROGATES.sub("\ufffd", _UNPRINTABLE.sub(" ", text))


def markdown(text: str) -> str:
    """Text that GitHub shows as it stands, in a table's cell too."""
    return _MARKDOWN_SPECIAL.sub(lambda found: f"\\{found[0]}", one_line(text))


def latex(text: str) -> str:
    """Text that LaTeX prints as it stands (in any font encoding, with UTF-8 input)."""
    return one_line(text).translate(_LATEX_SPECIAL)


def plot(text: str) -> str:
    """A label for matplotlib, whose legends leave out what begins with "_"; `plots.STYLE` turns formulas off."""
    line = one_line(text)
    return f" {line}" if line.startswith("_") else line
