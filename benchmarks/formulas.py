r"""Formulas out of whole pages: what is missed and what is invented, with the mode.

    python benchmarks/formulas.py [--suite gold|renderers|crawl|mathml] [--show N] [--only NAME]
                                  [--pages N]

Formulas are compared as multisets of normal forms. *recall* and *precision* ask for the right mode
(inline or display) too; *recall, any mode* does not. Suites:

- `gold`: real pages with a list of formulas each, from `../shared/data/gold/formulas`. The lists
  name what must come out, not all that may: recall only.
- `renderers`: the committed fixture pages of `tests/extract/fixtures`, made by the real renderers
  from formulas that are known.
- `crawl`: pages of `../shared/data/commoncrawl` that carry the source of their formulas (math
  scripts, TeX annotations, `data-latex`, delimiters that MathJax would read), gathered by the
  reading of this file, which shares no rule with the package.
- `mathml`: MathML → LaTeX pairs, ours beside the converters on PyPI that are installed.
"""

from __future__ import annotations

import argparse
import gzip
import html
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
for folder in (REPOSITORY, REPOSITORY / "benchmarks"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

import mathml as mathml_pairs  # noqa: E402
from selectolax.lexbor import LexborHTMLParser, LexborNode  # noqa: E402

from infimm_spark.errors import PageRejectedError  # noqa: E402
from infimm_spark.extract import extract_page  # noqa: E402
from infimm_spark.extract.latex import clean, expand_macros, parse_macros  # noqa: E402

DATA = REPOSITORY.parent / "shared" / "data"
FIXTURES = REPOSITORY / "tests" / "extract" / "fixtures"

Formulas = list[tuple[str, bool]]
"""(TeX, display) pairs."""


@dataclass
class Score:
    """Sums over pages of one kind."""

    expected: int = 0
    found: int = 0
    matched: int = 0
    matched_any_mode: int = 0
    pages: int = 0
    misses: list[str] = field(default_factory=list)
    inventions: list[str] = field(default_factory=list)

    def add(self, name: str, expected: Formulas, found: Formulas) -> None:
        """Compare one page's formulas."""
        wanted = Counter((comparable(tex), display) for tex, display in expected)
        got = Counter((comparable(tex), display) for tex, display in found)
        self.pages += 1
        self.expected += wanted.total()
        self.found += got.total()
        self.matched += (wanted & got).total()
        self.matched_any_mode += (_modeless(wanted) & _modeless(got)).total()
        self.misses += [f"{name}: {tex!r} {_mode(display)}" for tex, display in wanted - got]
        self.inventions += [f"{name}: {tex!r} {_mode(display)}" for tex, display in got - wanted]


def comparable(tex: str) -> str:
    """The form in which formulas are compared: what typesets alike is alike (see `mathml.py`)."""
    tex = clean(html.unescape(tex) if "&" in tex else tex)
    return mathml_pairs.loose_form(_INNER_DOLLAR.sub("", tex))


# `\text{if $x$}` and `\text{if \(x\)}` are the same.
_INNER_DOLLAR = re.compile(r"(?<!\\)\$|\\[()]")


def _modeless(formulas: Counter[tuple[str, bool]]) -> Counter[str]:
    out: Counter[str] = Counter()
    for (tex, _), count in formulas.items():
        out[tex] += count
    return out


def _mode(display: bool) -> str:
    return "display" if display else "inline"


def extracted(
    page: bytes, url: str = "https://example.org/", encodings: re.Pattern[str] | None = None
) -> Formulas:
    """The formulas the package finds on a page (of these encodings only), failed ones left out."""
    try:
        document = extract_page(page, url=url)
    except PageRejectedError:
        return []
    return [
        (f.tex, f.display)
        for f in document.formulas
        if f.outcome != "failed" and (encodings is None or encodings.match(f.encoding))
    ]


# --- gold -------------------------------------------------------------------------------------


def gold(only: str) -> dict[str, Score]:
    """Score by page; the expected formulas stand one a line."""
    folder = DATA / "gold" / "formulas" / "ccmath"
    scores: dict[str, Score] = {}
    for page in sorted(folder.glob("*.html")):
        lists = [
            (folder / f"{page.stem}_1.html", True),
            (folder / f"{page.stem}_inline_1.html", False),
        ]
        if re.search(r"(?:_inline)?_1$", page.stem) and not lists[0][0].is_file():
            continue
        expected = [
            (line, display)
            for path, display in lists
            if path.is_file()
            for line in path.read_text("utf-8").split("\n")
            if line.strip()
        ]
        if expected and only in page.stem:
            scores.setdefault(page.stem, Score()).add(
                page.stem, expected, extracted(page.read_bytes())
            )
    return scores


# --- renderers --------------------------------------------------------------------------------


def renderers(only: str) -> dict[str, Score]:
    """Score by renderer and its options over the committed fixture pages."""
    sys.path.insert(0, str(FIXTURES))
    from pages import fixture_pages  # the tests read the fixtures in the same way

    scores: dict[str, Score] = {}
    for page in fixture_pages():
        if only in page.name:
            scores.setdefault(page.name, Score()).add(
                page.name, page.expected, extracted(page.html)
            )
    return scores


# --- crawl ------------------------------------------------------------------------------------

_RENDERED = (
    ".MathJax_Preview, .MathJax, .MathJax_Display, .MathJax_SVG, .MathJax_CHTML, .mjx-chtml, "
    ".MJX_Assistive_MathML, mjx-container, .katex, .katex-display"
)
_NEVER_READ = (
    "script, style, noscript, template, textarea, select, code, pre, svg, math, annotation"
)
_DELIMITED = re.compile(
    r"\\\((?P<inline>(?:(?!\\\()[^\ue0ff])*?)\\\)|\\\[(?P<display>(?:(?!\\\[)[^\ue0ff])*?)\\\]"
    r"|(?<![\\$])\$\$(?P<dollars>[^$\ue0ff]+)\$\$(?!\$)"
    r"|(?P<environment>\\begin\{(?P<name>equation|align|gather|multline|eqnarray)(?P<star>\*?)\}"
    r"[^\ue0ff]*?\\end\{(?P=name)(?P=star)\})",
    re.S,
)


def crawl(only: str, most_pages: int) -> dict[str, Score]:
    """Score by source of the formulas over the pages of the crawl that carry it.

    Precision asks only about formulas that were read from that source: a page may hold others.
    """
    scores: dict[str, Score] = defaultdict(Score)
    for url, body in crawl_pages():
        if only not in url:
            continue
        for kind, formulas in source_formulas(body).items():
            if scores[kind].pages < most_pages:
                scores[kind].add(url, formulas, extracted(body, url, _SOURCES[kind]))
    return scores


_SOURCES = {
    "tex scripts": re.compile("tex-script"),
    "TeX annotations": re.compile("katex-annotation|mathml-annotation|mathjax-mathml-annotation"),
    "data-latex": re.compile("mathjax-latex"),
    "delimiters, MathJax loaded": re.compile(
        "paren|bracket|double-dollar|environment|math-element|code"
    ),
}


def crawl_pages() -> Iterator[tuple[str, bytes]]:
    """(URL, body) of every response of the mirrored crawl."""
    from fastwarc.warc import ArchiveIterator, WarcRecordType

    for path in sorted((DATA / "commoncrawl").rglob("*.warc.gz")):
        with gzip.open(path) as stream:
            for record in ArchiveIterator(stream, record_types=WarcRecordType.response):
                yield record.headers["WARC-Target-URI"], record.reader.read()


def source_formulas(body: bytes) -> dict[str, Formulas]:
    """The kinds of source a page carries, with their formulas, macros of the page expanded."""
    text = body.decode("utf-8", "replace")
    readings = {}
    if 'type="math/tex' in text or "type='math/tex" in text:
        readings["tex scripts"] = _scripts
    if "application/x-tex" in text:
        readings["TeX annotations"] = _annotations
    if "<mjx-container" in text and "data-latex" in text:
        readings["data-latex"] = _data_latex
    if not readings and ("MathJax" in text or "mathjax" in text):
        readings["delimiters, MathJax loaded"] = _delimiters
    found: dict[str, Formulas] = {}
    for kind, reading in readings.items():
        raw = reading(LexborHTMLParser(text))
        macros = parse_macros(_CODE_ESCAPES.sub(r"\\", text)) if "\\" in text else {}
        formulas = [
            (expand_macros(tex, macros) or tex, display)
            for tex, display in raw
            if not _DEFINITION.search(tex)
        ]
        if formulas:
            found[kind] = formulas
    return found


_DEFINITION = re.compile(r"\\(?:re)?newcommand|\\def(?![a-z])|\\DeclareMath")
_CODE_ESCAPES = re.compile(r"\\\\")


def _scripts(tree: LexborHTMLParser) -> Formulas:
    return [
        (re.sub(r"%?\s*<!\[CDATA\[|%?\s*\]\]>", "", node.text()), "mode=display" in kind)
        for node in tree.css("script[type^='math/tex']")
        if (kind := (node.attributes.get("type") or "").replace(" ", "")) and node.text().strip()
    ]


def _annotations(tree: LexborHTMLParser) -> Formulas:
    formulas: Formulas = []
    for node in tree.css("annotation[encoding='application/x-tex']"):
        display = False
        parent = node.parent
        while parent is not None:
            attributes = parent.attributes
            if parent.tag == "math" and attributes.get("display") == "block":
                display = True
            if "katex-display" in (attributes.get("class") or ""):
                display = True
            parent = parent.parent
        formulas.append((node.text(), display))
    return formulas


def _data_latex(tree: LexborHTMLParser) -> Formulas:
    formulas: Formulas = []
    for node in tree.css("mjx-container"):
        carrier = node if node.attributes.get("data-latex") else node.css_first("[data-latex]")
        if carrier is not None:
            formulas.append(
                (
                    carrier.attributes.get("data-latex") or "",
                    node.attributes.get("display") == "true",
                )
            )
    return formulas


def _delimiters(tree: LexborHTMLParser) -> Formulas:
    """What MathJax reads by default: brackets, double dollars and environments; not single
    dollars."""
    for node in tree.css(f"{_RENDERED}, {_NEVER_READ}"):
        if node.parent is not None:
            node.decompose()
    body = tree.body
    text = _text(body) if body is not None else ""
    formulas: Formulas = []
    for match in _DELIMITED.finditer(text):
        tex = match["inline"] or match["display"] or match["dollars"] or match["environment"]
        if tex and tex.strip():
            formulas.append((tex, match["inline"] is None))
    return formulas


_BLOCKS = frozenset(
    [
        "p",
        "div",
        "li",
        "td",
        "th",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "section",
        "article",
        "dd",
        "dt",
        "blockquote",
    ]
)


def _text(root: LexborNode) -> str:
    pieces: list[str] = []
    for node in root.traverse(include_text=True):
        if node.tag == "-text":
            pieces.append(node.text_content or "")
        elif node.tag == "br":
            pieces.append("\n")
        elif node.tag in _BLOCKS:
            pieces.append("\ue0ff\\\ue0ff")  # delimiters do not reach over a block's edge
    return "".join(pieces)


# --- MathML -----------------------------------------------------------------------------------


def mathml(python: str) -> None:
    """MathML → LaTeX beside the libraries of PyPI, in loose form (see `mathml.py`)."""
    mathml_pairs.compare(python)


# --- report -----------------------------------------------------------------------------------


def report(title: str, scores: dict[str, Score], show: int) -> None:
    """One line a kind, and the sum."""
    print(f"\n{title:44} {'pages':>5} {'expected':>8} {'found':>7} {'recall':>7} {'precision':>9} {'recall, any mode':>16}")  # fmt: skip
    total = Score()
    for name, score in sorted(scores.items()):
        _line(name, score)
        for counter in ("expected", "found", "matched", "matched_any_mode", "pages"):
            setattr(total, counter, getattr(total, counter) + getattr(score, counter))
        for kind, examples in (("missed", score.misses), ("invented", score.inventions)):
            for example in examples[:show]:
                print(f"    {kind} {example[:300]}")
    _line("all", total)


def _line(name: str, score: Score) -> None:
    recall = score.matched / max(score.expected, 1)
    precision = score.matched / max(score.found, 1)
    loose = score.matched_any_mode / max(score.expected, 1)
    print(f"{name[:44]:44} {score.pages:5} {score.expected:8} {score.found:7} {recall:7.1%} {precision:9.1%} {loose:16.1%}")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--suite", choices=["gold", "renderers", "crawl", "mathml", "all"], default="all"
    )
    parser.add_argument(
        "--show", type=int, default=0, help="print so many misses and inventions a kind"
    )
    parser.add_argument("--only", default="", help="pages whose name or URL contains this")
    parser.add_argument("--pages", type=int, default=400, help="crawl pages a kind of source")
    parser.add_argument("--peer", default=sys.executable, help="an interpreter with the peers")
    arguments = parser.parse_args()
    suites = (
        [arguments.suite] if arguments.suite != "all" else ["gold", "renderers", "crawl", "mathml"]
    )
    for suite in suites:
        if suite != "renderers" and not DATA.is_dir():
            print(f"{suite}: {DATA} is absent, nothing to measure")
        elif suite == "gold":
            report("gold pages (recall only)", gold(arguments.only), arguments.show)
        elif suite == "renderers":
            report("renderers", renderers(arguments.only), arguments.show)
        elif suite == "crawl":
            report("crawl, by source", crawl(arguments.only, arguments.pages), arguments.show)
        else:
            mathml(arguments.peer)


if __name__ == "__main__":
    main()
