"""Images that are equations: TeX in their attributes, in their address, or in their alternative
text.

What an image holds decides, whatever its host: a parameter or a path that decodes to TeX is a
formula on any service. A plot whose alternative text is its equation stays a picture.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from urllib.parse import unquote, unquote_plus

from selectolax.lexbor import LexborNode

from infimm_spark.extract.formulas import display as mode_of
from infimm_spark.extract.formulas.readers.asciimath import asciimath_to_latex, unread_letters
from infimm_spark.extract.formulas.readers.attributes import from_base64
from infimm_spark.extract.latex import is_tex
from infimm_spark.extract.latex.check import is_formula, is_word
from infimm_spark.extract.latex.symbols import KNOWN_COMMANDS

Attributes = Mapping[str, str | None]

# Attributes that hold the formula whatever the image is called, and those that need a marked image.
_TEX_ATTRIBUTES = (
    "data-latex",
    "data-tex",
    "data-formula",
    "data-math",
    "data-equation",
    "data-equation-content",
    "data-eeimg-tex",
    "data-katex",
    "data-expression",
    "data-source",
    "data-value",
    "data-content",
    "source",
    "tex",
    "latex",
)
_LAZY = ("data-original", "data-src", "data-lazy-src", "data-actualsrc", "data-lazy")
_CLASSES = re.compile(
    r"(?:^|[\s_-])(?:tex|latex|latex-image|mathcode|math|math-inline|math-block|equation|eqn|formulaInl|formulaDsp|"
    r"mwe-math-fallback-image-(?:inline|display)|ql-img-(?:inline|displayed)-formula|texrender|Wirisformula|"
    r"wirisformula|ee_img|tr_noresize|formula|mathtex|MathTeX|intmath|mimetex)(?:$|[\s_-])",
    re.I,
)


def equation_of_image(
    attributes: Attributes, *, formula: bool = False
) -> tuple[str, bool, str] | None:
    """(LaTeX, display, encoding) of an equation image, or None for a picture; `formula` says that
    the element around it is one of mathematics.

    Encodings: ``image-url`` (the address holds the formula), ``image-alt``, ``image-attribute``. An
    equation image without any source is (``""``, display, ``image-alt``).
    """
    classes = attributes.get("class") or ""
    alt = (attributes.get("alt") or "").strip()
    marked = formula or _CLASSES.search(classes) is not None or "eeimg" in attributes
    for name in _TEX_ATTRIBUTES:
        tex = attributes.get(name)
        if tex and not is_word(tex) and (is_tex(tex) or (marked and is_formula(tex))):
            return _unwrapped(tex), _display(attributes, tex), "image-attribute"
    addresses = _addresses(attributes)
    if "/images/equations/" in " ".join(addresses) and (kind := _MATHWORLD.search(classes)):
        mathworld = _mathworld_tex(alt)
        if mathworld is not None:
            return mathworld, kind[0] != "inlineformula", "image-alt"
    for address in addresses:
        tex = tex_of_address(address)
        if tex:
            return tex, _display(attributes, tex), "image-url"
    service = any(_SERVICE.search(address) is not None for address in addresses)
    if not _is_drawing(alt) and (service or marked or not _is_plot(attributes, addresses)):
        if alt and _is_alt_formula(_unwrapped(alt), service or marked):
            return _unwrapped(alt), _display(attributes, alt), "image-alt"
        title = (attributes.get("title") or "").strip()
        if title and is_tex(title) and (service or marked or _COMMAND.search(title)):
            return _unwrapped(title), _display(attributes, title), "image-alt"
    if not alt and any("quicklatex" in one or "filter/tex" in one for one in addresses):
        return "", _display(attributes, ""), "image-url"
    return None


def is_marked(attributes: Attributes) -> bool:
    """Whether an image's class or attributes say that it is a formula."""
    return _CLASSES.search(attributes.get("class") or "") is not None or "eeimg" in attributes


def quick_source(node: LexborNode) -> str | None:
    """The alternative text of an image where it holds TeX commands."""
    alt = node.attributes.get("alt")
    return alt if alt and "\\" in alt else None


def _addresses(attributes: Attributes) -> list[str]:
    """The addresses of an image, what a lazy loader would load too."""
    given = (attributes.get(name) for name in ("src", *_LAZY))
    return [address for address in given if address and not address.startswith("data:")]


def _display(attributes: Attributes, tex: str) -> bool:
    if (attributes.get("data-tex") or "").strip() == "display" or tex.startswith("$display$"):
        return True
    return mode_of.of_image(attributes, tex)


# --- addresses --------------------------------------------------------------------------------

# Hosts, folders and scripts whose name says that they render formulas.
_RENDERER = re.compile(
    r"(?:^|[/.@_-])(?:[a-z0-9]*(?:latex|mathtex|mimetex|texify|codecogs|upmath|tex2img|texclip|mathjax|katex)[a-z0-9]*"
    r"|tex|formulas?|equations?|eqn?|equation_images|jax|s2cms)(?=[/.?_=:-]|$)"
    r"|flx/math/|//(?:math|maths|formula|eq)\.[^/?]+/\?|chart\?|/chart/|[?&]cht=tx\b|quicklatex|filter/tex|nlark\.com/yuque/__latex",
    re.I,
)
# Renderers whose images are nothing else, so that a short alternative text is a formula as well.
_SERVICE = re.compile(
    r"latex\.php|mimetex|mathtex|codecogs\.com/|quicklatex|filter/tex|/tex\.cgi|equation_images|[?&]cht=tx\b"
    r"|/flx/math/|math/render/|[?&](?:latex|tex)=|upmath\.me|artofproblemsolving\.com/[0-9a-f]/",
    re.I,
)
# Parameters named after formulas, and all others: these have to hold TeX commands.
_NAMED = frozenset(
    {"tex", "latex", "math", "formula", "equation", "eq", "expr", "expression", "eqn"}
)
_PARAMETER = re.compile(r"(?:^|[?&;#])([A-Za-z_][\w.-]{0,30})=([^&#]*)")
# Scripts that take the whole query: `mimetex.cgi?k=\\frac{1}{2}`
_BARE = re.compile(
    r"(?:codecogs\.com/[^?]*|mimetex[^?]*|mathtex[^?]*|latex\.csdn\.net/eq|/equation[^?/]*|tex\.cgi|latex\.php)"
    r"\?(?!(?:tex|latex|formula|chl|from|math|eq|equation|content|code)=)([^#]+)",
    re.I | re.S,
)
_WHOLE_QUERY = re.compile(r"[?](?![A-Za-z_][\w.-]{0,30}=)([^#]+)", re.S)
# The rest of a path behind a folder of formulas: `/svg/%5Cfrac…`, `/equation_images/x`,
# `/flx/math/inline/x`
_FOLDER = re.compile(
    r"/(?:svg|png|gif|formulas?|equations?|equation_images|latex|tex|math/(?:inline|block)|math|render|eq|image)/"
    r"(?!\d+$)([^?#]+)",
    re.I,
)
_FORM = re.compile(r"latex\.php|zhihu\.com/equation|math\.jianshu", re.I)
_FILE = re.compile(r"\.(?:png|jpe?g|gif|svg|webp|bmp|php|html?|aspx?)$", re.I)
_ENCODED_COMMAND = re.compile(r"(?:\\|%5C|%255C)[A-Za-z]{2}", re.I)


@lru_cache(maxsize=4_096)
def tex_of_address(address: str) -> str | None:
    r"""The formula that an image's address holds, or None.

    `…/render?f=%5Cfrac%7B1%7D%7B2%7D` is `\frac{1}{2}` on any host; `?f=x%3D12` only where the address
    or the parameter is named after formulas; `photo.php?f=holiday_2012%5C1.jpg` is a file.
    """
    if len(address) > 8_000:
        return None
    renders = _RENDERER.search(address) is not None
    if not renders and _ENCODED_COMMAND.search(address) is None and "=" not in address:
        return None
    if "cht=" in address:
        if _CHART.search(address) is None:
            return None  # a chart of another kind
    elif "quicklatex" in address or "filter/tex" in address:
        return None
    for source, named in _sources(address):
        for tex in _decoded(source, address):
            if _is_address_formula(tex, named, renders):
                return tex.replace("&space;", " ").replace("\\space ", " ").strip()
    return None


_CHART = re.compile(r"[?&]cht=tx\b")


_IMAGE_NAME = re.compile(r"\.(?:png|gif|svg|jpe?g|webp)$", re.I)


def _sources(address: str) -> Iterator[tuple[str, bool]]:
    """Parts of an address that may hold a formula, each with whether its name says so."""
    query_at = address.find("?")
    query = address[query_at:] if query_at >= 0 else ""
    whole = _BARE.search(address) or _WHOLE_QUERY.match(query)
    if whole is not None:
        yield whole[1], True
    parameters = _PARAMETER.findall(query or address[max(address.find("#"), 0) :])
    for name, value in sorted(parameters, key=lambda one: one[0].lower() not in _NAMED):
        if value:
            yield value, name.lower() in _NAMED or name.lower() == "chl"
    path = address[: query_at if query_at >= 0 else len(address)].partition("#")[0]
    folder = _FOLDER.search(path)
    if folder is not None:
        yield (
            _IMAGE_NAME.sub("", folder[1]),
            "equation_images" in folder[0] or "/math/" in folder[0].lower(),
        )
    elif _ENCODED_COMMAND.search(path):
        yield _IMAGE_NAME.sub("", path.rpartition("/")[2]), False


def _decoded(source: str, address: str) -> Iterator[str]:
    """A source as it was before it was put into an address: decoded once, twice, from Base64."""
    # Services written by hand hold literal plus signs; a form-encoded address has no blanks.
    blanks = "%20" in source or " " in source
    plus = blanks or ("%2B" not in source.upper() and not _FORM.search(address))
    text = unquote(source) if plus else unquote_plus(source)
    if "%5C" in text.upper() or ("%" in text and _ESCAPES.search(text)):
        text = unquote(text)
    yield text.strip()
    if "\\" not in text and len(text) >= 8 and (inner := from_base64(text)) is not None:
        yield inner.strip()


_ESCAPES = re.compile(r"%(?:20|3D|7B|7D|2B)", re.I)


def _is_address_formula(tex: str, named: bool, renders: bool) -> bool:
    if is_word(tex) or tex.startswith(("http://", "https://", "//", "/")) or _FILE.search(tex):
        return False
    commands = _COMMAND_NAME.findall(tex)
    if commands and any(name in KNOWN_COMMANDS for name in commands):
        return True
    if named and renders:
        return tex != ""
    if named or renders:
        return is_tex(tex) or (is_formula(tex) and _RELATION.search(tex) is not None)
    return False


_COMMAND_NAME = re.compile(r"\\([A-Za-z]{2,})")
_RELATION = re.compile(r"[=<>+^!]")


# --- alternative texts ------------------------------------------------------------------------

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


def _is_alt_formula(alt: str, marked: bool) -> bool:
    if is_word(alt):
        return False
    if marked and _COMMAND.search(alt):
        return True
    if is_tex(alt):
        return (
            marked or "\\" in alt or alt[0] == "$" or "^" in alt or _INDEXED.search(alt) is not None
        )
    return marked and _PLAIN_FORMULA.fullmatch(alt) is not None and is_formula(alt)


def _is_drawing(alt: str) -> bool:
    """Sources of drawings, which the same services render: Asymptote, TikZ."""
    return alt.startswith("[asy]") or "\\begin{tikzpicture}" in alt


# Figures are larger than formulas; photographs and plots have other names and formats.
_PLOT_WIDTH, _PLOT_HEIGHT = 220, 160
_PICTURE_FORMAT = re.compile(r"\.(?:jpe?g|webp|avif|bmp|tiff?)(?:$|[?#])", re.I)
_PICTURE_PATH = re.compile(
    r"(?:^|[/_.-])(?:plots?|graphs?|figures?|fig\d*|charts?|diagrams?|photos?|curves?|desmos|geogebra|screenshots?"
    r"|thumbs?|uploads/photos)(?=[/_.\d-])",
    re.I,
)


def _is_plot(attributes: Attributes, addresses: list[str]) -> bool:
    """Whether size, format or address say that an image is a picture, whatever its alternative
    text."""
    width, height = _pixels(attributes.get("width")), _pixels(attributes.get("height"))
    if width >= _PLOT_WIDTH and height >= _PLOT_HEIGHT:
        return True
    return any(
        _PICTURE_FORMAT.search(address) or _PICTURE_PATH.search(address) for address in addresses
    )


def _pixels(value: str | None) -> int:
    digits = (value or "").strip().removesuffix("px")
    return int(digits) if digits.isdigit() and len(digits) < 6 else 0


# `a_1`, but not the number of a photograph: `U1 02_22`
_INDEXED = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]_[A-Za-z0-9{]")
_COMMAND = re.compile(r"\\(?:[A-Za-z]{2,}|[%$,;!])")
_PLAIN_FORMULA = re.compile(r"[A-Za-z](?:[,\s]+[A-Za-z])*|[A-Za-z0-9\s+\-*/=<>().,'|!:\[\]]{1,40}")
_WP_ALT = re.compile(r"^\s*(?:LaTeX|tex|Formula|Equation|latex equation|math)\s*[:：]\s*", re.I)
# Habr: `$inline$x^2$inline$`
_WORD_WRAPPED = re.compile(r"\$(inline|display)\$(.*)\$\1\$", re.S)


def _unwrapped(alt: str) -> str:
    wrapped = _WORD_WRAPPED.fullmatch(alt.strip())
    return wrapped[2] if wrapped else _WP_ALT.sub("", alt)
