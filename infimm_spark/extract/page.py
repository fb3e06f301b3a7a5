"""A page from bytes to `Document`: screened, decoded and parsed once, read in two steps.

`parse_page` is paid by every page, `ParsedPage.quick_text` by every page too (it feeds language
identification and the recall floor), `ParsedPage.document` only by pages that passed both.
"""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from contextlib import suppress
from urllib.parse import urljoin

from selectolax.lexbor import LexborHTMLParser, LexborNode, SelectolaxError

from infimm_spark.errors import PageRejectedError
from infimm_spark.extract import marks
from infimm_spark.extract.boilerplate import mark_boilerplate
from infimm_spark.extract.consent import signals_from_head
from infimm_spark.extract.document import Document, Formula, Segment
from infimm_spark.extract.formulas.delimiters import DelimiterScanner
from infimm_spark.extract.formulas.ledger import FormulaLedger
from infimm_spark.extract.formulas.sources import PageState
from infimm_spark.extract.formulas.split import join_split_formulas
from infimm_spark.extract.formulas.traits import read_traits
from infimm_spark.extract.images import ImageReader
from infimm_spark.extract.latex import parse_macros
from infimm_spark.extract.latex.symbols import CORE_COMMANDS
from infimm_spark.extract.license import find_license
from infimm_spark.extract.names import Reading
from infimm_spark.extract.quick import read_quickly
from infimm_spark.extract.reading import reading_of
from infimm_spark.extract.repairs import repaired
from infimm_spark.extract.screen import ScreenLimits, screen
from infimm_spark.extract.signs import ALL, Sign, signs_of
from infimm_spark.extract.styles import meanings_of_sheets
from infimm_spark.extract.text import Renderer, flattened
from infimm_spark.extract.tree import PageTree, caption_of
from infimm_spark.extract.unseen import unseen_body
from infimm_spark.extract.walk import build_tree
from infimm_spark.warc.charset import decode_html

_DEFAULT_LIMITS = ScreenLimits()


def extract_page(html: bytes, *, url: str, content_type: str | None = None) -> Document:
    """The document of one page: text, formulas and images in order.

    `html` is the HTTP body (already inflated), `content_type` the HTTP header if there was one.
    Raises `PageRejectedError` for a page that is not HTML or that no parser should be given,
    `TypeError` for text in the place of bytes: which bytes a page had, only its server knows.
    """
    if not isinstance(html, bytes):
        raise TypeError(
            f"extract_page() got {type(html).__name__}; expected bytes, the body as the server "
            "sent it "
            "(of a text: text.encode(), with content_type='text/html; charset=utf-8')"
        )
    return parse_page(html, url=url, content_type=content_type).document()


def check_type(content_type: str | None) -> None:
    """Raise `PageRejectedError` for what its server calls something else than a page."""
    if content_type is not None and _OTHER_TYPES.match(content_type):
        raise PageRejectedError("not_html", f"the Content-Type is {content_type.strip()[:80]!r}")


def parse_page(
    html: bytes,
    *,
    url: str,
    content_type: str | None = None,
    limits: ScreenLimits = _DEFAULT_LIMITS,
) -> ParsedPage:
    """Screen, decode and parse a page. Raises `PageRejectedError`."""
    check_type(content_type)
    screen(html, limits)
    text, charset = decode_html(html, content_type)
    found = signs_of(html, text, charset)
    source = _without_prefixes(text) if Sign.PREFIX in found else text
    source = repaired(source, content_type, found if source is text else ALL)
    if source is not text:
        found = ALL
    # Last of all, since repairs undo references; the bytes are asked only where they are the
    # source.
    sealed = marks.sealed(source, html if charset == "utf-8" and source is text else None, found)
    if sealed is not source:
        found = ALL
    try:
        same = sealed is text and _is_utf_8(html, text, charset)
        parser = LexborHTMLParser(html if same else sealed)
    except (SelectolaxError, ValueError, RuntimeError) as error:
        raise PageRejectedError("unparseable", f"the parser gave up: {error}") from None
    return ParsedPage(parser, sealed, url, charset, found)


def _is_utf_8(html: bytes, text: str, charset: str) -> bool:
    """Whether a page's bytes are its text in UTF-8, so that this need not be encoded again."""
    if text.isascii():
        return len(text) == len(html) and html.isascii()
    return (
        charset == "utf-8"
        and "\ufffd" not in text
        and not html.startswith(BOM_UTF8)
        and b"\0" not in html
    )


class ParsedPage:
    """A parsed page; the tree is read, never changed."""

    def __init__(
        self,
        parser: LexborHTMLParser,
        html: str,
        url: str,
        charset: str,
        signs: frozenset[Sign] = ALL,
    ) -> None:
        self._parser = parser
        self._html = html
        self._signs = signs
        self._text_page: LexborHTMLParser | None = None
        self.url = url
        self.charset = charset

    def _body(self) -> LexborNode | None:
        """The body that carries the text: of another page where this one's shows nothing."""
        if self._text_page is None:
            self._text_page = unseen_body(self._parser, self._html, self._signs) or self._parser
        return self._text_page.body

    def quick_text(self, max_chars: int) -> str:
        """Up to `max_chars` characters of visible text, prose before menus, TeX sources included.

        Cheap and rough: for language identification and the recall floor, not for reading.
        """
        body = self._parser.body
        if body is None:
            return ""
        text, speaks = read_quickly(body, max_chars)
        if speaks:  # as most do, which spares the search for a text that the body does not show
            self._text_page = self._parser
            return text
        shown = self._body()
        if shown is None or self._text_page is self._parser:
            return text
        return read_quickly(shown, max_chars)[0]

    def document(self) -> Document:
        """Mathematics- and image-aware extraction."""
        document = Document(url=self.url, charset=self.charset)
        root = self._parser.root
        body = self._body() or root
        if body is None or root is None:
            return document
        head = _Head(root, self.url)
        document.consent = signals_from_head(head.meta, head.http_equiv)
        document.license = find_license(head.meta, _license_links(root, self._html), head.base)
        traits = read_traits(self._html, head.scripts)
        ledger = FormulaLedger()
        # A page that restyles a known command (`\equiv` drawn with rules) does not change its
        # meaning.
        ledger.macros.update(
            (name, macro)
            for name, macro in parse_macros(traits.macros).items()
            if name not in CORE_COMMANDS
        )
        if traits.khan:
            ledger.macros.update(_KHAN_COLOURS)
        page = PageState(traits, ledger, head.script_ids)
        images = ImageReader(head.base)
        reading = reading_of(self._html, self._signs)
        tree = build_tree(
            body,
            page,
            images,
            meanings_of_sheets(self._html),
            names_posters=reading is not Reading.PAGE,
        )
        if tree.opened:
            join_split_formulas(tree.root)
        mark_boilerplate(tree.root, reading, head.title)
        scanner = DelimiterScanner(traits, ledger, tree.dollar_texts)
        renderer = Renderer(scanner.scan, ledger.is_display, tree.codes)
        text = renderer.render(tree.root)
        document.title = head.title or _first_heading(text)
        writer = _Writer(tree, ledger)
        document.segments = _segments(text, writer, images, _captions(tree, renderer))
        document.formulas = writer.formulas
        if ledger.unexpanded:
            document.macros = marks.cleared(
                "\n".join(
                    f"\\newcommand{{\\{name}}}[{macro.arguments}]{{{macro.body}}}"
                    for name, macro in sorted(ledger.macros.items())
                )
            )
        tree.release()
        return document


# Khan's exercises define a command for each colour of a hint; only its argument is mathematics.
_KHAN_COLOURS = parse_macros(
    {
        name: ["#1", 1]
        for name in ("blue", "red", "green", "pink", "purple", "orange", "gray", "maroon", "teal")
    }
)


# rel="license", rel='nofollow license', rel=license
_LICENSE_RELATION = re.compile(r"rel\s*=\s*[\"']?[^\"'<>]{0,80}l\Z", re.IGNORECASE)


def _names_license(html: str) -> bool:
    """Whether a page's source holds a link that may name its licence."""
    if "creativecommons.org/" in html:
        return True
    for spelling in ("icense", "ICENSE"):
        at = html.find(spelling)
        while at >= 0:
            if _LICENSE_RELATION.search(html, max(0, at - 100), at):
                return True
            at = html.find(spelling, at + 6)
    return False


def _license_links(root: LexborNode, html: str) -> list[tuple[str, str]]:
    """(rel, href) of links that may name a licence, in page order."""
    # The query costs as much as the parse.
    if not _names_license(html):
        return []
    nodes = root.css('[rel~="license" i][href], a[href*="creativecommons.org/"]')
    return [(n.attributes.get("rel") or "", n.attributes.get("href") or "") for n in nodes]


class _Head:
    """Title, base, meta pairs and scripts, gathered by one query."""

    def __init__(self, root: LexborNode, url: str) -> None:
        self.base = url
        self.meta: list[tuple[str, str]] = []
        self.http_equiv: list[tuple[str, str]] = []
        self.scripts: list[tuple[str, str]] = []
        self.title: str | None = None
        script_ids: list[str] = []
        og_title: str | None = None
        seen_base = False
        for node in root.css("head > title, meta, base, script"):
            attrs = node.attributes
            tag = node.tag
            if tag == "script":
                kind = (attrs.get("type") or "").lower()
                if kind.startswith("math/"):
                    script_ids.append(attrs.get("id") or "")
                elif "json" not in kind:
                    source = attrs.get("src") or ""
                    self.scripts.append((source, "" if source else node.text() or ""))
            elif tag == "meta":
                name = attrs.get("name") or attrs.get("property")
                content = attrs.get("content")
                header = attrs.get("http-equiv")
                if header and content:
                    self.http_equiv.append((header, content))
                if name and content:
                    self.meta.append((name, content))
                    if name.lower() == "og:title" and og_title is None:
                        og_title = content
            elif tag == "base":
                href = attrs.get("href")
                if href and not seen_base:
                    seen_base = True
                    with suppress(ValueError):
                        self.base = urljoin(url, href.strip())
            elif self.title is None:
                self.title = " ".join((node.text() or "").split()) or None
        self.script_ids = frozenset(script_ids)
        if og_title:
            self.title = " ".join(marks.cleared(og_title).split()) or self.title


class _Writer:
    """Puts formulas and code in the place of their marks and keeps the formulas in text order."""

    def __init__(self, tree: PageTree, ledger: FormulaLedger) -> None:
        self._tree = tree
        self._ledger = ledger
        self.formulas: list[Formula] = []

    def text(self, marked: str) -> str:
        return marks.ANY_MARK.sub(self._written, marked)

    def caption(self, marked: str) -> str | None:
        """As `text`, on one line, without counting formulas: captions stand in the text as well."""
        counted = len(self.formulas)
        text = " ".join(self.text(marks.IMAGE_MARK.sub(" ", marked)).split())
        del self.formulas[counted:]
        return text or None

    def _written(self, match: re.Match[str]) -> str:
        index = int(match[0][1:-1])
        if match[0][0] == marks.CODE:
            return self._tree.codes[index]
        formula = self._ledger.settle(index)
        self.formulas.append(formula)
        if formula.outcome == "failed":
            return ""
        return f"$${formula.tex}$$" if formula.display else f"${formula.tex}$"


def _segments(
    text: str, writer: _Writer, images: ImageReader, captions: dict[int, str]
) -> list[Segment]:
    segments: list[Segment] = []
    position = 0
    for match in marks.IMAGE_MARK.finditer(text):
        _append_text(segments, writer.text(text[position : match.start()]))
        position = match.end()
        index = int(match[1])
        image = images.record(index)
        if image is not None:
            if index in captions:
                image.caption = writer.caption(captions[index])
            segments.append(Segment(image=image))
    _append_text(segments, writer.text(text[position:]))
    return segments


def _captions(tree: PageTree, renderer: Renderer) -> dict[int, str]:
    """Image index → caption (with marks) of figures that have one."""
    captions: dict[int, str] = {}
    for figure in tree.figures:
        if (
            0 < figure.images <= 12
            and figure.length < 4_000
            and (block := caption_of(figure)) is not None
        ):
            caption = renderer.line(block)
            for index in marks.IMAGE_MARK.findall(flattened(figure)):
                captions.setdefault(int(index), caption)
    return captions


def _append_text(segments: list[Segment], text: str) -> None:
    text = text.strip()
    if text and not _ONLY_MARKUP.fullmatch(text):
        segments.append(Segment(text=text))


_ONLY_MARKUP = re.compile(r"(?:[-#>\s]|\d+\.)*")
_OTHER_TYPES = re.compile(
    r"\s*(?:image|audio|video|font)/|\s*application/(?:pdf|json|javascript|zip|gzip|octet-stream|msword|x-shockwave|epub)"
    r"|\s*text/(?:css|javascript|csv|calendar)",
    re.I,
)
_PREFIX = re.compile(r"<([A-Za-z][\w.-]{0,15}):math[\s>]")


def _without_prefixes(text: str) -> str:
    """With MathML's namespace prefixes removed: as `<math>` the parser knows it and closes
    `<mml:mspace/>`, as `<mml:math>` it does not."""
    if ":math" in text:
        for prefix in set(_PREFIX.findall(text)):
            text = re.sub(rf"(</?){re.escape(prefix)}:(?=[A-Za-z])", r"\1", text)
    return text


def _first_heading(text: str) -> str | None:
    for line in text.split("\n", 50)[:50]:
        if line.startswith("# "):
            heading = marks.ANY_MARK.sub("", marks.IMAGE_MARK.sub("", line[2:]))
            return " ".join(heading.split()) or None
    return None
