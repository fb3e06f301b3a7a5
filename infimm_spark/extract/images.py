"""Pictures of a page as records in place; equation images become formulas instead."""

from __future__ import annotations

import re
from urllib.parse import quote, urljoin, urlsplit, urlunsplit

from selectolax.lexbor import LexborNode

from infimm_spark.extract import marks
from infimm_spark.extract.document import Image
from infimm_spark.extract.formulas.readers.equation_images import equation_of_image, is_marked
from infimm_spark.extract.formulas.sources import Attributes, PageState, class_of


class ImageReader:
    """Reads `<img>` elements of one page against its base URL."""

    def __init__(self, base: str) -> None:
        self.base = base
        self._found: list[tuple[str, Attributes, int | None, int | None]] = []
        self._last_equation: tuple[str, bool] | None = None

    def read(self, node: LexborNode, attrs: Attributes, page: PageState) -> str:
        """The mark of an equation's formula or of a picture; ``""`` for spacers and the like."""
        equation = equation_of_image(attrs, formula=_in_math_block(node))
        if equation is not None and not (
            equation[2] == "image-alt" and not is_marked(attrs) and _has_caption(node)
        ):
            return self._equation(node, attrs, equation, page)
        source = _source(node, attrs)
        if source is None or source.startswith("data:"):
            return ""
        width, height = _size(attrs, "width"), _size(attrs, "height")
        if (width is not None and width <= 2) or (height is not None and height <= 2):
            return ""
        if self._found and _in_noscript(node) and self._found[-1][0] == source:
            return ""
        self._found.append((source, attrs, width, height))
        return f"{marks.IMAGE}{len(self._found) - 1}{marks.CLOSE}"

    def record(self, index: int) -> Image | None:
        """The record behind a mark; None for what turns out to be no picture (spacers, broken
        URLs).

        Addresses are resolved only here, since most pictures of a page stand in its boilerplate.
        """
        source, attrs, width, height = self._found[index]
        url = resolve(self.base, source)
        if url is None or _SPACER.search(url):
            return None
        return Image(
            url=url,
            alt=_words(attrs.get("alt")),
            title=_words(attrs.get("title")),
            width=width,
            height=height,
        )

    def _equation(
        self, node: LexborNode, attrs: Attributes, equation: tuple[str, bool, str], page: PageState
    ) -> str:
        tex, display, encoding = equation
        if self._last_equation == (tex, display) and (
            _in_noscript(node) or _in_noscript(_element_before(node))
        ):
            return ""
        self._last_equation = (tex, display)
        if not tex:
            return page.ledger.fail("no source in the page", display, encoding)
        inline = _INLINE_CLASS.search(attrs.get("class") or "") or attrs.get("eeimg") == "1"
        display = display or (not inline and _alone(node)) or _in_math_block(node)
        return page.ledger.add(tex, display, encoding)


def resolve(base: str, reference: str) -> str | None:
    """An absolute http(s) URL as a browser would ask for it, or None (data URIs, broken
    references).

    By RFC 3986, and by WHATWG's URL standard where pages need it: a backslash in the path is a
    slash, and characters outside ASCII are percent-encoded (a host's by IDNA).
    """
    reference = _CONTROLS.sub("", reference.strip())
    if not reference or reference[:5].lower() == "data:":
        return None
    if "\\" in reference:
        path = _PATH.match(reference)
        if path:
            reference = path[0].replace("\\", "/") + reference[path.end() :]
    try:
        url = urljoin(base, reference)
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not host or len(url) > 4_000:
        return None
    if not url.isascii():
        netloc = parts.netloc
        if not netloc.isascii():
            try:
                netloc = netloc.replace(host, host.encode("idna").decode())
            except UnicodeError:
                return None
        url = urlunsplit(parts._replace(netloc=netloc))
    return _UNQUOTED.sub(lambda found: quote(found[0], errors="replace"), url)


_PATH = re.compile(r"[^?#]*")
_UNQUOTED = re.compile(r"[^\x21-\x7e]")
_CONTROLS = re.compile("[\x00-\x1f\x7f]")
_LAZY = (
    "data-src",
    "data-cfsrc",
    "nitro-lazy-src",
    "data-lazyload",
    "data-ll-src",
    "data-opt-src",
    "data-pin-media",
    "data-original",
    "data-lazy-src",
    "data-lazy",
    "data-actualsrc",
    "data-original-src",
    "data-orig-file",
    "data-url",
    "data-hi-res-src",
    "data-full-src",
    "data-image",
    "data-echo",
    "file",
    "original-src",
)
_LAZY_SETS = ("data-srcset", "data-lazy-srcset", "nitro-lazy-srcset")
_PLACEHOLDER = re.compile(
    r"^data:|(?:^|[/_-])(?:placeholder|blank|spacer|transparent|loading|lazy|pixel|1x1|empty|grey|gray)[\w-]*\.(?:gif|png|svg|jpe?g)",
    re.I,
)
_SPACER = re.compile(
    r"(?:^|[/_-])(?:spacer|blank|transparent|pixel|1x1|clear|trans|dot_?clear|shim|"
    r"closed|open|tab_[abhs]|nav_[fgh]|bc_s|sync_on|sync_off|folderopen|folderclosed|arrowdown|arrowright)"
    r"\.(?:gif|png|svg)(?:$|\?)|"
    r"//(?:pixel|stats?|analytics|b)\.[^/]+/|/(?:pixel|tracking|track|beacon)(?:\.gif|\.png|\?|/)|"
    r"google-analytics\.com|doubleclick\.net|facebook\.com/tr|scorecardresearch|quantserve|feeds\.wordpress\.com",
    re.I,
)


def _source(node: LexborNode, attrs: Attributes) -> str | None:
    """The best address of a picture: what a lazy loader would load, the largest of srcset, src."""
    source = (attrs.get("src") or "").strip()
    if not source or source.startswith("data:") or _PLACEHOLDER.search(source):
        for name in _LAZY:
            lazy = attrs.get(name)
            if lazy and _ADDRESS.search(lazy):
                return lazy
        for name in _LAZY_SETS:
            best = best_candidate(attrs.get(name) or "")
            if best:
                return best
    best = best_candidate(attrs.get("srcset") or "")
    if best:
        return best
    parent = node.parent
    if parent is not None and parent.tag == "picture":
        child = parent.first_child
        while child is not None:
            if child.tag == "source":
                given = child.attributes
                best = best_candidate(given.get("srcset") or given.get("data-srcset") or "")
                if best and not (source and (given.get("type") or "").endswith(("webp", "avif"))):
                    return best
            child = child.next
    return source or None


_ADDRESS = re.compile(r"^(?!data:)[^\s]*[./][^\s]*$")
_CANDIDATE = re.compile(r"\s*([^\s,][^\s]*[^\s,]|[^\s,])(?:\s+([\d.]+)([wxh])[^,]*)?\s*(?:,|$)")


def best_candidate(srcset: str) -> str | None:
    """The candidate with the largest width or density of a `srcset`; None if there is none."""
    best: str | None = None
    largest = -1.0
    for match in _CANDIDATE.finditer(srcset[:20_000]):
        address = match[1]
        if address.startswith("data:"):
            continue
        try:
            size = float(match[2]) if match[2] else 1.0
        except ValueError:
            size = 1.0
        if size > largest:
            best, largest = address, size
    return best


def _size(attrs: Attributes, name: str) -> int | None:
    """Declared pixels: the attribute, else the style; None for percentages and nonsense."""
    value = (attrs.get(name) or "").strip().lower().removesuffix("px")
    if not value:
        style = attrs.get("style")
        match = _STYLE_SIZE[name].search(style) if style else None
        value = match[1] if match else ""
    try:
        pixels = int(float(value)) if value and len(value) < 10 else -1
    except ValueError:
        return None
    return pixels if 0 <= pixels < 100_000 else None


_STYLE_SIZE = {
    name: re.compile(rf"(?:^|;)\s*{name}\s*:\s*(\d+(?:\.\d+)?)px", re.I)
    for name in ("width", "height")
}


# What a platform calls inline stays inline when it stands alone.
_INLINE_CLASS = re.compile(
    r"(?:^|\s)(?:math-inline|formulaInl|ql-img-inline-formula|mwe-math-fallback-image-inline)(?:$|\s)"
)


def _in_noscript(node: LexborNode | None) -> bool:
    parent = node.parent if node is not None else None
    return parent is not None and parent.tag == "noscript"


def _element_before(node: LexborNode) -> LexborNode | None:
    """The picture inside the `<noscript>` right before an image, if there is one."""
    before = node.prev
    while before is not None and before.tag == "-text" and not (before.text_content or "").strip():
        before = before.prev
    if before is None or before.tag != "noscript":
        return None
    return before.css_first("img")


def _words(value: str | None) -> str | None:
    text = " ".join(marks.cleared(value).split()) if value else ""
    # LaTeX2HTML describes a figure by the command that included it.
    return text if text and not text.startswith("\\includegraphics") else None


def _alone(node: LexborNode) -> bool:
    """Whether an image is all that its paragraph or table cell holds, centred or indented."""
    parent = node.parent
    while parent is not None and parent.tag in ("a", "span", "b", "i", "em", "font"):
        if _has_text(parent):
            return False
        parent = parent.parent
    if parent is None or parent.tag not in ("p", "div", "center", "dd", "blockquote"):
        return False
    return not _has_text(parent)


def _has_caption(node: LexborNode) -> bool:
    """Whether an image is what a `<figcaption>` describes: a picture, whatever its alternative
    text."""
    parent = node.parent
    for _ in range(3):
        if parent is None:
            return False
        if parent.tag == "figure":
            return parent.css_first("figcaption") is not None
        parent = parent.parent
    return False


def _in_math_block(node: LexborNode) -> bool:
    """Whether an image stands in Sphinx's `<div class="math"><p>(1) <img></p></div>`."""
    parent = node.parent
    if parent is not None and parent.tag == "p":
        parent = parent.parent
    return parent is not None and parent.tag == "div" and "math" in class_of(parent).split()


def _has_text(node: LexborNode) -> bool:
    count = 0
    child = node.first_child
    while child is not None and count < 6:
        if child.tag == "-text":
            if (child.text_content or "").strip(" \n\t\r\xa0.,;"):
                return True
        elif child.is_element_node and child.tag != "br":
            count += 1
        child = child.next
    return count > 1
