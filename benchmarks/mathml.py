"""How often MathML, stripped of its annotation, gives back the TeX it was made from.

    python benchmarks/mathml.py [--show N] [--half dev|test|both] [--source NAME]

reads `../shared/data/gold/mathml/pairs.jsonl` and prints, per source and for two halves (split by a
hash of the pair's id; rules were tuned on the first half only), the share of pairs that agree

- exact: the same string but for space,
- normal: the same `normal_form` (same meaning, same look),
- loose: the same after `loose_form`, which also forgets what MathML does not carry.
"""

from __future__ import annotations

import argparse
import hashlib
import html
import json
import re
import subprocess
import sys
import time
import unicodedata
from collections import defaultdict
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
if str(REPOSITORY) not in map(str, sys.path):
    sys.path.insert(0, str(REPOSITORY))

from infimm_spark.extract.formulas.readers.mathml import (  # noqa: E402
    ConversionError,
    mathml_to_latex,
    parse_mathml,
)
from infimm_spark.extract.latex import clean, normal_form  # noqa: E402

PAIRS = REPOSITORY.parent / "shared" / "data" / "gold" / "mathml" / "pairs.jsonl"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--show", type=int, default=0, help="print so many misses")
    parser.add_argument("--half", choices=["dev", "test", "both"], default="dev")
    parser.add_argument("--source", default="")
    arguments = parser.parse_args()
    if not PAIRS.is_file():
        sys.exit(f"{PAIRS} is absent: nothing to measure")
    pairs = [json.loads(line) for line in PAIRS.read_text("utf-8").split("\n") if line]

    counts: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0, 0, 0])
    misses = []
    seconds = 0.0
    for pair in pairs:
        half = half_of(pair)
        expected = expected_tex(pair)
        started = time.perf_counter()
        try:
            got = mathml_to_latex(parse_mathml(pair["mathml"]))
        except ConversionError as error:
            got, failed = "", error.reason != "empty"
        else:
            failed = False
        seconds += time.perf_counter() - started
        loose = loose_form(got) == loose_form(expected)
        for key in ((pair["source"], half), ("all", half), ("all", "both")):
            count = counts[key]
            count[0] += 1
            count[1] += "".join(got.split()) == "".join(expected.split())
            count[2] += normal_form(got) == normal_form(expected)
            count[3] += loose
            count[4] += failed
        if not loose and arguments.half in (half, "both") and arguments.source in pair["source"]:
            misses.append((pair, expected, got))
    for pair, expected, got in misses[: arguments.show]:
        print(
            f"{pair['source']} {pair['id']}\n  expected {expected[:600]!r}\n  got      "
            f"{got[:600]!r}"
        )
        print(f"  loose    {loose_form(expected)[:600]}\n           {loose_form(got)[:600]}")
    print(
        f"{'source':48} {'half':5} {'pairs':>6} {'exact':>7} {'normal':>7} {'loose':>7} "
        f"{'failed':>7}"
    )
    for (source, half), (total, exact, normal, loose, failed) in sorted(counts.items()):
        print(
            f"{source:48} {half:5} {total:6} {exact / total:7.1%} {normal / total:7.1%}"
            f" {loose / total:7.1%} {failed:7}"
        )
    print(f"conversion with parsing: {len(pairs) / seconds:,.0f} formulas/s")


# Converters on PyPI: what turns the MathML in `source` into the TeX in `tex`.
_PEERS = {
    "mathml-to-latex 1.0.0": "from mathml_to_latex import MathMLToLaTeX\nconvert = MathMLToLaTeX.convert",
    # One document for all: a process a formula would take minutes.
    "pandoc (texmath), pypandoc_binary": (
        "import pypandoc\n"
        "def all_of(sources):\n"
        "    page = ''.join(f'<div id=\"p{i}\"><p>{one}</p></div>' for i, one in "
        "enumerate(sources))\n"
        "    tree = json.loads(pypandoc.convert_text(page, 'json', format='html'))\n"
        "    found = {}\n"
        "    for block in tree['blocks']:\n"
        "        if block['t'] == 'Div':\n"
        "            todo, maths = list(block['c'][1]), []\n"
        "            while todo:\n"
        "                item = todo.pop(0)\n"
        "                if isinstance(item, dict) and item.get('t') == 'Math':\n"
        "                    maths.append(item['c'][1])\n"
        "                else:\n"
        "                    todo[:0] = item if isinstance(item, list) else [item.get('c')] if "
        "isinstance(item, dict) else []\n"
        "            found[int(block['c'][0][0][1:])] = ' '.join(maths)\n"
        "    return [found.get(i, '') for i in range(len(sources))]"
    ),
    "mathml2latex 0.2.12": (
        "from bs4 import BeautifulSoup\nfrom mathml2latex.mathml import process_mathml\n"
        "def convert(source):\n    soup = BeautifulSoup(source, 'lxml')\n    process_mathml(soup)\n"
        "    return soup.get_text().strip()"
    ),
}
_PEER = """
import json, sys
out, sys.stdout = sys.stdout, sys.stderr
{setup}
sources = [json.loads(line) for line in sys.stdin]
if "all_of" in globals():
    for tex in all_of(sources):
        print(json.dumps(tex), file=out)
    sys.exit()
for source in sources:
    try:
        tex = convert(source)
    except Exception:
        tex = ""
    print(json.dumps(tex if isinstance(tex, str) else ""), file=out)
"""


def compare(python: str) -> None:
    """Ours and the converters that the interpreter `python` has, loose match on the same pairs."""
    pairs = [json.loads(line) for line in PAIRS.read_text("utf-8").split("\n") if line]
    expected = [loose_form(expected_tex(pair)) for pair in pairs]
    print(f"\n{'MathML to LaTeX, loose match':44} {'pairs':>6} {'loose':>7}")
    ours = []
    for pair in pairs:
        try:
            ours.append(mathml_to_latex(parse_mathml(pair["mathml"])))
        except ConversionError:
            ours.append("")
    _line("ours", ours, expected)
    for name, texs in peers(python, [pair["mathml"] for pair in pairs]).items():
        _line(name, texs, expected)


def peers(python: str, sources: list[str]) -> dict[str, list[str]]:
    """What each converter that the interpreter `python` has makes of the sources, by its name."""
    fed = "".join(json.dumps(source) + "\n" for source in sources)
    converted: dict[str, list[str]] = {}
    for name, setup in _PEERS.items():
        done = subprocess.run(
            [python, "-c", _PEER.replace("{setup}", setup)],
            input=fed,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            print(f"{name:44} not measured: {done.stderr.strip().splitlines()[-1]}")
        else:
            converted[name] = [clean(json.loads(line)) for line in done.stdout.splitlines()]
    return converted


def _line(name: str, texs: list[str], expected: list[str]) -> None:
    same = sum(loose_form(tex) == wanted for tex, wanted in zip(texs, expected, strict=True))
    print(f"{name:44} {len(expected):6} {same / len(expected):7.1%}")


def half_of(pair: dict[str, str]) -> str:
    """`dev` or `test`, by the pair's id alone."""
    name = (
        re.sub(r"\d+\.test$|\.test$", "", pair["id"])
        if pair["id"].endswith(".test")
        else pair["id"]
    )
    digest = hashlib.sha256(name.encode()).digest()
    return "dev" if digest[0] % 2 else "test"


def expected_tex(pair: dict[str, str]) -> str:
    r"""The pair's TeX as the formula it stands for.

    The mhchem pairs hold the argument of ``\ce``, and one source wrote its line breaks as ``\n``.
    """
    tex = pair["tex"]
    if "Mhchem" in pair["source"]:
        return f"\\ce{{{tex}}}"
    if pair["source"] == "mathml-to-latex":
        tex = re.sub(r"\\n(?![a-z])", " ", tex)
    return clean(html.unescape(tex))


_UPRIGHT = re.compile(r"\\(?:mathrm|mathbf|boldsymbol)\{((?:[^{}]|\{[^{}]*\})*)\}")
_FONTED = re.compile(r"\\boldsymbol\{(\\math(?:cal|frak|sf)\{[^{}]*\})\}")
_CHEMISTRY = re.compile(r"\\ce\{((?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*)\}")
_SET_OVER = re.compile(
    r"\\overset\{(´|`|ˇ|˘|˙|¨|˚|\\sim|ˉ|¯|‾|⏜|\\(?:left)?rightarrow|\\leftarrow|\\hat\{\}|\\_"
    r"|\\leftharpoonup|\\rightharpoonup)\}"
)
_SET_UNDER = re.compile(r"\\underset\{(\\sim|¯|‾|⏝|\\_|\\(?:left)?rightarrow|\\leftarrow)\}")
# A script over and one under the same letter, whichever was set first: `\overset{a}{\underset{b}{x}}`.
_OVER_UNDER = re.compile(
    r"(\\(?:overset\{(?:[^{}]|\{\})*\}|[a-z]+))\{(\\(?:underset\{(?:[^{}]|\{\})*\}|under[a-z]+|utilde))"
    r"\{([^{}]*)\}\}"
)
_BRACED_SCRIPT = re.compile(
    r"\\(over|under)set\{([^{}]*)\}\{(\\\1brace\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\})\}"
)
_TABLE_IN_FONT = re.compile(
    r"\\math(bb|cal|frak|sf|tt)\{\\begin\{matrix\}((?:[^{}]|\{[^{}]*\})*)\\end\{matrix\}\}"
)
_SAME_SIGN = {
    r"\Longleftrightarrow": r"\Leftrightarrow", r"\Longrightarrow": r"\Rightarrow",
    r"\Longleftarrow": r"\Leftarrow", r"\longleftrightarrow": r"\leftrightarrow",
    r"\longrightarrow": r"\rightarrow", r"\longleftarrow": r"\leftarrow",
    r"\longmapsto": r"\mapsto", r"\backslash": r"\setminus", r"\vartriangleleft": r"\triangleleft",
    r"\vartriangleright": r"\triangleright", r"\diamond": r"\lozenge", "“": '"', "”": '"',
    r"\euro": "€", r"\geneuro": "€", r"\geneuronarrow": "€", r"\geneurowide": "€",
    r"\officialeuro": "€", r"\textvisiblespace": "␣", r"\slash": "/", r"\sqrt{}": r"\surd",
    "ˆ": r"\hat{}", "⏞": r"\overbrace{}", "⏟": r"\underbrace{}", r"\Digamma": r"\digamma",
    r"{}^{\circ}": r"\circ",
}  # fmt: skip


def loose_form(tex: str) -> str:
    r"""The normal form without the distinctions that MathML does not carry.

    Upright, bold and slanted letters are one (`\mathrm{d}x`, `dx`): converters of either direction
    disagree about weight. So are signs that differ in size only (`\longrightarrow`), an accent and
    the same sign set over a letter, and chemistry written as `\ce{H2O}` or as subscripts.
    """
    if not tex.isascii():
        tex = _ACCENTED.sub(_decomposed, tex)
    if "\\ce" in tex:
        tex = _CHEMISTRY.sub(lambda match: chemistry(match[1]), tex)
    tex = normal_form(_OPERATOR_LIMIT.sub(r"\\underset{\2}{\1}", tex))
    for pattern, replacement in ((_FONTED, r" \1"), (_UPRIGHT, r" \1 ")):
        while True:
            stripped = pattern.sub(replacement, tex)
            if stripped == tex:
                break
            tex = stripped
    tex = _TABLE_IN_FONT.sub(_font_in_cells, tex)
    tex = tex.replace("``", '"').replace("''", '"')
    tex = _SET_OVER.sub(lambda match: _ACCENTS[match[1]], tex)
    tex = _SET_UNDER.sub(lambda match: _BELOW[match[1]], tex)
    for sign, same in _SAME_SIGN.items():
        if sign in tex:
            tex = re.sub(
                re.escape(sign) + (r"(?![A-Za-z])" if sign[0] == "\\" else ""),
                lambda _, same=same: same,
                tex,
            )
    tex = _OVER_UNDER.sub(_under_first, tex)
    tex = _BRACED_SCRIPT.sub(lambda m: f"{m[3]}{'^' if m[1] == 'over' else '_'}{{{m[2]}}}", tex)
    tex = tex.replace(r"({", "({").replace("{}_", "_")
    tex = _STACK.sub(r"\\binom{\1}{\2}", normal_form(tex))
    return tex.replace(" ", "")


_OPERATOR_LIMIT = re.compile(r"\\operatorname\*\{([^{}]*)\}_\{((?:[^{}]|\{[^{}]*\})*)\}(?!\^)")
_STACK = re.compile(r"\(\{([^{}\\]*)\\atop ?([^{}\\]*)\}\)")


def _font_in_cells(match: re.Match[str]) -> str:
    """A font around a table is that of each of its cells."""
    rows = (row.split("&") for row in match[2].split(r"\\"))
    body = r"\\".join(
        "&".join(f"\\math{match[1]}{{{cell.strip()}}}" for cell in row) for row in rows
    )
    return f"\\begin{{matrix}}{body}\\end{{matrix}}"


def _under_first(match: re.Match[str]) -> str:
    over, under, base = match.groups()
    return match[0] if over.startswith(r"\under") else f"{under}{{{over}{{{base}}}}}"


# `Ĥ` and `\\hat{H}` are the same.
_ACCENTED = re.compile("[\u00ff-\u024f\u1e00-\u1eff]")
_MARKS = {"\u0300": "grave", "\u0301": "acute", "\u0302": "hat", "\u0303": "tilde", "\u0304": "bar",
          "\u0306": "breve", "\u0307": "dot", "\u0308": "ddot", "\u030a": "mathring",
          "\u030c": "check"}  # fmt: skip


def _decomposed(match: re.Match[str]) -> str:
    letter, *marks = unicodedata.normalize("NFD", match[0])
    if not all(mark in _MARKS for mark in marks):
        return match[0]
    for mark in marks:
        letter = f"\\{_MARKS[mark]}{{{letter}}}"
    return letter


_ACCENTS = {
    "´": r"\acute", "`": r"\grave", "ˇ": r"\check", "˘": r"\breve", "˙": r"\dot", "¨": r"\ddot",
    "˚": r"\mathring", "‾": r"\bar", "⏜": r"\overparen", r"\leftrightarrow": r"\overleftrightarrow",
    r"\leftharpoonup": r"\overleftharpoon", r"\rightharpoonup": r"\vec", r"\sim": r"\tilde", "ˉ": r"\bar", "¯": r"\bar", r"\rightarrow": r"\vec",
    r"\leftarrow": r"\overleftarrow", r"\hat{}": r"\hat", r"\_": r"\bar",
}  # fmt: skip
_BELOW = {"‾": r"\underline", "⏝": r"\underparen", r"\leftrightarrow": r"\underleftrightarrow",
          r"\sim": r"\utilde", "¯": r"\underline", r"\_": r"\underline",
          r"\rightarrow": r"\underrightarrow", r"\leftarrow": r"\underleftarrow"}  # fmt: skip


def _labelled(arrow: str, above: str | None, below: str | None) -> str:
    if above is None:
        return arrow
    under = f"\\underset{{{below}}}{{{arrow}}}" if below else arrow
    return f"\\overset{{{above}}}{{{under}}}"


def _arrow_of_state(match: re.Match[str]) -> str:
    return r"\downarrow " if match[1] == "v" else r"\uparrow "


# mhchem: a number after an element, a bracket or a closing parenthesis is an index; a sign that
# ends a word is a charge.
_INDEX = re.compile(r"(?<=[A-Za-z\)\]\}])(\d+(?:\.\d+)?)")
_CHARGE = re.compile(r"(?<=[A-Za-z0-9\)\]\}])([+-])(?=$|[\s\)\]])")


def chemistry(source: str) -> str:
    r"""The content of ``\ce{...}`` as ordinary TeX; no more of mhchem than plain formulas need."""
    arrows = {"<=>": r"\rightleftharpoons ", "->": r"\longrightarrow ", "<-": r"\longleftarrow ",
              "<->": r"\longleftrightarrow "}  # fmt: skip
    for sign in sorted(arrows, key=len, reverse=True):
        source = re.sub(
            re.escape(sign) + r"(?:\[([^\[\]]*)\])?(?:\[([^\[\]]*)\])?",
            lambda match, arrow=arrows[sign]: _labelled(arrow, match[1], match[2]),
            source,
        )
    source = re.sub(r"(^|\s)[*.](?=\s)", r"\1\\cdot ", source)
    source = re.sub(r"(?<=[\w)])[*.](?=\d*[A-Z])|(?<=[a-z])[*.](?=[a-z])", r"\\cdot ", source)
    source = re.sub(r"\\(?:begin|end)\{math\}", " ", source)
    source = re.sub(r"(?<![\w.])(\d+)/(\d+)(?=\)?[\s)])", r"\\frac{\1}{\2}", source)
    source = re.sub(r"\s\(?([v^])\)?(?=\s|$)", _arrow_of_state, source)
    source = source.replace("#", r"\equiv ")
    source = re.sub(r"\^(\d*[+-])(?![A-Za-z])", r"^{\1}", source)
    source = _CHARGE.sub(r"^{\1}", source)
    source = re.sub(r"([_^])(\d\d+)", r"\1{\2}", source)
    parts = re.split(r"(\\[A-Za-z]+|[_^](?:\{[^{}]*\}|\d+|\S)|\$[^$]*\$)", source)
    return "".join(
        _INDEX.sub(r"_{\1}", part) if part[:1] not in "\\_^$" else part.strip("$") for part in parts
    )


if __name__ == "__main__":
    main()
