"""Images that are equations: TeX in their address, or in their alternative text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import unquote, unquote_plus

from selectolax.lexbor import LexborNode

from infimm_spark.extract.formulas import display as mode_of
from infimm_spark.extract.formulas.readers.asciimath import asciimath_to_latex, unread_letters
from infimm_spark.extract.latex import is_tex

Attributes = Mapping[str, str | None]

# Query parameters of rendering services that hold the formula.
_SERVICES = re.compile(
    r"codecogs\.com|latex\.csdn\.net/eq|latex\.php|mimetex|mathtex|chart\.(?:googleapis|apis\.google)\.com/chart|"
    r"zhihu\.com/equation|/equation\?tex=|math\.jianshu\.com|latex\.codecogs|quicklatex|"
    r"filter/tex|render\.githubusercontent\.com/render/math|i\.upmath\.me|tex\.s2cms|"
    r"latex-image|/cgi-bin/.*tex|texify|s0\.wp\.com/latex|sciweavers\.org/tex2img|/tex\.cgi|"
    r"showdoc\.io|math\.now\.sh|(?:latex|math)\.vercel|nlark\.com/yuque/__latex/|/flx/math/|/mathjax/tex\?formula=|luogu\.com\.cn/.*latex|xuite\.net/.*tex",
    re.I,
)
_QUERY = re.compile(
    r"[?&](?:chl|latex|tex|formula|math|from|eq|equation|content|code)=([^&#]*)", re.I
)
_CHART = re.compile(r"[?&]cht=tx\b")
_BARE = re.compile(
    r"(?:codecogs\.com/(?:[a-z.]+\.)?(?:latex|download|image)?[^?]*|mimetex[^?]*|mathtex[^?]*|"
    r"latex\.csdn\.net/eq|equation[^?]*|[^?]*tex\.cgi|latex\.php)\?(?!tex=|latex=|formula=)(.+)",
    re.I | re.S,
)
_PATH = re.compile(
    r"(?:i\.upmath\.me/(?:svg|png)|tex\.s2cms\.[a-z]+/(?:svg|png)|/flx/math/(?:inline|block))/(.+)",
    re.I | re.S,
)
_CLASSES = re.compile(
    r"(?:^|[\s_-])(?:tex|latex|latex-image|mathcode|math|math-inline|math-block|equation|eqn|formulaInl|formulaDsp|"
    r"mwe-math-fallback-image-(?:inline|display)|ql-img-(?:inline|displayed)-formula|texrender|Wirisformula|"
    r"wirisformula|ee_img|tr_noresize|formula|mathtex|MathTeX|intmath|mimetex)(?:$|[\s_-])",
    re.I,
)
_INLINE_TEX = re.compile(r"^\s*(?:\$[^$]|\\\(|\{?\\(?:textstyle|inline)\b)")


def equation_of_image(attributes: Attributes) -> tuple[str, bool, str] | None:
    """(LaTeX, display, encoding) of an equation image, or None for a picture.

    Encodings: ``image-url`` (the service's address holds the formula), ``image-alt``,
    ``image-attribute``. An equation image without any source is (``""``, display, ``image-alt``).
    """
    source = attributes.get("src") or ""
    for lazy in ("data-src", "data-original", "data-lazy-src"):
        lazy_source = attributes.get(lazy)
        if lazy_source and (not source or source.startswith("data:")):
            source = lazy_source
    if source.startswith("data:"):
        source = ""
    if source and _SERVICES.search(source) is None:
        for lazy in ("data-original", "data-src", "data-lazy-src"):
            lazy_source = attributes.get(lazy)
            if lazy_source and _SERVICES.search(lazy_source) is not None:
                source = lazy_source  # the address that stands there is a placeholder
                break
    classes = attributes.get("class") or ""
    alt = (attributes.get("alt") or "").strip()
    for name in (
        "data-latex",
        "data-tex",
        "data-formula",
        "data-math",
        "data-equation",
        "data-eeimg-tex",
    ):
        tex = attributes.get(name)
        if tex and is_tex(tex):
            return tex, mode_of.of_image(attributes, tex), "image-attribute"
    if "/images/equations/" in source and (kind := _MATHWORLD.search(classes)) is not None:
        tex = _mathworld_tex(alt)
        if tex is not None:
            return tex, kind[0] != "inlineformula", "image-alt"
    service = ("?" in source or "math/" in source or "tex" in source or "upmath" in source) and (
        _SERVICES.search(source) is not None
    )
    marked = _CLASSES.search(classes) is not None or "eeimg" in attributes
    if service:
        tex = _from_address(source)
        if tex:
            return tex, mode_of.of_image(attributes, tex), "image-url"
    if alt and _is_alt_formula(alt, classes, service or marked):
        return _unwrapped(alt), mode_of.of_image(attributes, alt), "image-alt"
    title = (attributes.get("title") or "").strip()
    if title and is_tex(title) and (service or marked or _COMMAND.search(title)):
        return _unwrapped(title), mode_of.of_image(attributes, title), "image-alt"
    if service and not alt and ("quicklatex" in source or "filter/tex" in source):
        return "", mode_of.of_image(attributes, ""), "image-url"
    return None


def quick_source(node: LexborNode) -> str | None:
    """The alternative text of an image where it holds TeX commands."""
    alt = node.attributes.get("alt")
    return alt if alt and "\\" in alt else None


def _from_address(source: str) -> str | None:
    if "chart" in source and _CHART.search(source) is None and "googleapis.com/chart" in source:
        return None
    if "quicklatex" in source or "filter/tex" in source:
        return None
    match = _PATH.search(source)
    if match:
        return unquote(match[1]).strip() or None
    match = _QUERY.search(source)
    if match is None:
        match = _BARE.search(source)
    if match is None:
        return None
    raw = match[1]
    # Services written by hand hold literal plus signs; a form-encoded address has no blanks.
    encoded_blanks = "%20" in raw or " " in raw
    tex = (
        unquote(raw)
        if encoded_blanks or ("%2B" not in raw.upper() and not _FORM.search(source))
        else unquote_plus(raw)
    )
    return tex.replace("&space;", " ").replace("\\space ", " ").strip() or None


_FORM = re.compile(r"latex\.php|zhihu\.com/equation|math\.jianshu", re.I)


_MATHWORLD = re.compile(r"\b(?:inlineformula|numberedequation|displayformula)\b")


def _mathworld_tex(alt: str) -> str | None:
    """MathWorld's alternative texts: AsciiMath but for a few spellings; None where it is none."""
    if not alt or len(alt) > 2_000:
        return None
    source = _OVER.sub(lambda match: f" {_OVER_NAMES[match[2]]}({match[1]}) ", alt)
    if any(unread_letters(word) > 3 for word in _LONG_WORD.findall(source)):
        return None
    return _BINOMIAL.sub(r"\\binom{\1}{\2}", asciimath_to_latex(source))


_OVER = re.compile(r"(?<![A-Za-z])([A-Za-z])\^(__?|\^|~|->|\.(?!\.))(?![A-Za-z0-9(])")
_OVER_NAMES = {"_": "bar", "__": "bar", "^": "hat", "~": "tilde", "->": "vec", ".": "dot"}
_BINOMIAL = re.compile(r"\(([^();]{1,40});([^();]{1,40})\)")
_LONG_WORD = re.compile(r"[A-Za-z]{4,}")


def _is_alt_formula(alt: str, classes: str, marked: bool) -> bool:
    if marked and _COMMAND.search(alt):
        return True
    if is_tex(alt):
        return (
            marked or "\\" in alt or alt[0] == "$" or "^" in alt or _INDEXED.search(alt) is not None
        )
    return marked and len(alt) <= 60 and _PLAIN_FORMULA.fullmatch(alt) is not None


# `a_1`, but not the number of a photograph: `U1 02_22`
_INDEXED = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]_[A-Za-z0-9{]")
_COMMAND = re.compile(r"\\(?:[A-Za-z]{2,}|[%$,;!])")
_PLAIN_FORMULA = re.compile(r"[A-Za-z](?:[,\s]+[A-Za-z])*|[A-Za-z0-9\s+\-*/=<>().,'|!:\[\]]{1,40}")
_WP_ALT = re.compile(r"^\s*(?:LaTeX|tex|Formula|Equation|latex equation|math)\s*[:：]\s*", re.I)


def _unwrapped(alt: str) -> str:
    return _WP_ALT.sub("", alt)
