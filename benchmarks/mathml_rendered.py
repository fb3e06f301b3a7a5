r"""MathML → LaTeX judged by how it looks: both sides typeset by MathJax, the trees compared.

    npm install --prefix FOLDER mathjax-full@3
    python benchmarks/mathml_rendered.py --mathjax FOLDER [--peer PYTHON] [--show N]

The pairs are those of `mathml.py`. Its comparison is of strings, which parts `\frac` from `\tfrac` and
`\overset{a}{\overbrace{b}}` from `\overbrace{b}^{a}`; here MathJax turns the expected TeX and each
converter's into MathML, and the two count as equal when their trees are, without spacing, styles,
weights of letters, and grouping; an accent counts as the sign it sets over its letter. A formula whose expected TeX MathJax cannot typeset counts for none.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import unicodedata
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
for folder in (REPOSITORY, REPOSITORY / "benchmarks"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

import mathml as pairs_of  # noqa: E402

from infimm_spark.extract.formulas.readers.element import Element, from_lexbor  # noqa: E402
from infimm_spark.extract.formulas.readers.mathml import (  # noqa: E402
    ConversionError,
    mathml_to_latex,
    parse_mathml,
)

_TO_MATHML = REPOSITORY / "benchmarks" / "renderers" / "to_mathml.cjs"


def typeset(formulas: list[str], mathjax: str) -> list[str]:
    """MathML of each formula, "" where MathJax cannot typeset it."""
    fed = "".join(json.dumps(tex) + "\n" for tex in formulas)
    done = subprocess.run(
        ["node", str(_TO_MATHML), mathjax], input=fed, capture_output=True, text=True, check=True
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def shape(mathml: str) -> str:
    """The tree of a formula in one line, without spacing, styles, weights and grouping."""
    if not mathml:
        return ""
    return _shape(from_lexbor(parse_mathml(mathml)))


_GROUPS = frozenset({"mrow", "mstyle", "mpadded", "math", "semantics", "TeXAtom", "texatom"})
_ROWS = frozenset({"mtd", "msqrt", "menclose", "mphantom", "merror"})  # their content is one row
_NOTHING = frozenset({"mspace", "mphantom", "-comment", "none"})
# Limits and scripts differ by the style of the formula around them.
_SCRIPTS = {
    "munder": "_",
    "mover": "^",
    "munderover": "_^",
    "msub": "_",
    "msup": "^",
    "msubsup": "_^",
}
_ACCENT_SIGNS = {"―": "¯", "‾": "¯", "ˉ": "¯", "_": "¯", "⃗": "→", "⇀": "→", "~": "∼", "˜": "∼", "^": "ˆ",
                 "°": "∘", "˚": "∘", ".": "˙", "..": "¨"}  # fmt: skip
_INVISIBLE = str.maketrans("", "", "\u2061\u2062\u2063\u2064\u00a0\u200b \n\t")
_SAME = str.maketrans(
    {"−": "-", "‐": "-", "‑": "-", "∗": "*", "′": "'", "∣": "|", "∥": "‖", "⋅": "·", "⟶": "→",
     "⟹": "⇒", "⟵": "←", "⟸": "⇐", "⟺": "⇔", "⟷": "↔", "⟼": "↦", "◻": "□", "◼": "■", "“": '"', "”": '"', "∙": "·"}
)  # fmt: skip
_ALPHABETS = ("double-struck", "script", "fraktur")


def _shape(element: Element) -> str:
    if element.tag in _NOTHING:
        return ""
    if not element.kids:
        text = element.text.translate(_INVISIBLE).translate(_SAME)
        variant = element.attrs.get("mathvariant") or ""
        alphabet = next((name for name in _ALPHABETS if name in variant), "")
        return "".join(_letter(char, alphabet) for char in text)
    kids = [_shape(kid) for kid in element.kids]
    if element.tag in _GROUPS:
        return "".join(kids)
    if element.tag in _SCRIPTS:
        base, scripts = _scripts(element)
        return base + "".join(sorted(scripts))
    if element.tag in _ROWS:
        return f"({element.tag} [{''.join(kids)}])"
    if element.tag in ("mtable", "mtr"):
        while kids and kids[-1] in ("", "(mtd [])"):
            kids.pop()
        kids = [kid or "(mtd [])" for kid in kids]
    return f"({element.tag} {' '.join(f'[{kid}]' for kid in kids)})"


def _scripts(element: Element) -> tuple[str, list[str]]:
    """What stands on the line, and the scripts at it, whatever groups and order they were set in."""
    if element.tag in _GROUPS and len(element.kids) == 1:
        return _scripts(element.kids[0])
    marks = _SCRIPTS.get(element.tag)
    if marks is None or not element.kids:
        return _shape(element), []
    base, scripts = _scripts(element.kids[0])
    for mark, kid in zip(marks, map(_shape, element.kids[1:]), strict=False):
        kid = kid[2:-1] if kid.startswith(("^[", "_[")) else kid
        if kid:
            scripts.append(f"{mark}[{_ACCENT_SIGNS.get(kid, kid)}]")
    return base, scripts


def _letter(char: str, variant: str) -> str:
    """A letter with its alphabet, without its weight and slant."""
    plain = unicodedata.normalize("NFKC", char)
    if plain != char and char.isalnum() and len(plain) == 1:
        name = unicodedata.name(char, "").lower()
        alphabet = next((alphabet for alphabet in _ALPHABETS if alphabet in name), variant)
        return f"{alphabet}<{plain}>" if alphabet else plain
    return f"{variant}<{char}>" if variant and char.isalnum() else char


def ours(mathml: str) -> str:
    try:
        return mathml_to_latex(parse_mathml(mathml))
    except ConversionError:
        return ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mathjax", required=True, help="folder with node_modules/mathjax-full")
    parser.add_argument("--peer", default=sys.executable, help="an interpreter with the peers")
    parser.add_argument("--show", type=int, default=0, help="print N misses")
    arguments = parser.parse_args()
    if not pairs_of.PAIRS.is_file():
        sys.exit(f"{pairs_of.PAIRS} is absent: nothing to measure")
    pairs = [json.loads(line) for line in pairs_of.PAIRS.read_text("utf-8").split("\n") if line]
    sources = [pair["mathml"] for pair in pairs]
    expected = list(
        map(shape, typeset([pairs_of.expected_tex(pair) for pair in pairs], arguments.mathjax))
    )
    counted = sum(bool(one) for one in expected)
    print(f"{'MathML to LaTeX, typeset by MathJax':44} {counted:6} of {len(pairs)} pairs")
    converters = {
        "ours": [ours(source) for source in sources],
        **pairs_of.peers(arguments.peer, sources),
    }
    for name, formulas in converters.items():
        shapes = list(map(shape, typeset(formulas, arguments.mathjax)))
        same = sum(a == b for a, b in zip(shapes, expected, strict=True) if b)
        print(f"{name:44} {same:6} {same / counted:7.1%}")
        misses = [
            (pair["id"], tex, a, b)
            for pair, tex, a, b in zip(pairs, formulas, shapes, expected, strict=True)
            if b and a != b
        ]
        if name == "ours":
            for one in misses[: arguments.show]:
                print("  ", *(str(part)[:300] for part in one), sep="\n   ")


if __name__ == "__main__":
    main()
