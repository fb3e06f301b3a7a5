"""The ways in which pages write a formula: one function each, (LaTeX, displayed?) → HTML."""

from __future__ import annotations

import re
from html import escape
from urllib.parse import quote

from infimm_spark.sample.page import Formula

MATHJAX = (
    '<script src="https://cdn.jsdelivr.net/npm/mathjax@3/es5/tex-mml-chtml.js" async></script>'
)
MATHJAX_DOLLARS = (
    "<script>MathJax = { tex: { inlineMath: [['$', '$'], ['\\\\(', '\\\\)']] } };</script>"
    + MATHJAX
)
MATHJAX_ASCII = (
    "<script>MathJax = { loader: { load: ['input/asciimath', 'output/chtml'] },"
    " asciimath: { delimiters: [['`', '`']] } };</script>"
    '<script src="https://cdn.jsdelivr.net/npm/mathjax@3/es5/startup.js" async></script>'
)
KATEX = '<link rel="stylesheet" href="https://cdn.jsdelivr.net/npm/katex@0.16/dist/katex.min.css">'


def dollars(tex: str, display: bool) -> str:
    """``$…$`` and ``$$…$$``, which MathJax typesets in the browser."""
    return escape(f"$${tex}$$" if display else f"${tex}$")


def parentheses(tex: str, display: bool) -> str:
    r"""``\(…\)`` and ``\[…\]``."""
    return escape(rf"\[{tex}\]" if display else rf"\({tex}\)")


def align(tex: str, display: bool) -> str:
    r"""Displayed formulas as LaTeX environments, without delimiters."""
    if not display:
        return parentheses(tex, display)
    return escape(rf"\begin{{align}} {tex} \end{{align}}")


def tex_script(tex: str, display: bool) -> str:
    """MathJax 2 after its preprocessor: a preview and a script element."""
    kind = "math/tex; mode=display" if display else "math/tex"
    return f'<span class="MathJax_Preview"></span><script type="{kind}">{tex}</script>'


def math_container(tex: str, display: bool) -> str:
    """Stack Exchange."""
    return f'<span class="math-container">{dollars(tex, display)}</span>'


def sphinx(tex: str, display: bool) -> str:
    """Sphinx, the documentation generator."""
    if display:
        return f'<div class="math notranslate nohighlight">{parentheses(tex, True)}</div>'
    return f'<span class="math notranslate nohighlight">{parentheses(tex, False)}</span>'


def katex(tex: str, display: bool) -> str:
    """KaTeX rendered on the server: MathML with the source in an annotation, then spans."""
    glyphs = re.sub(r"<[^>]+>", "", to_mathml(tex))
    spans = "".join(
        f'<span class="mord">{glyph}</span>' for glyph in re.findall(r"&\w+;|.", glyphs)
    )
    inner = (
        f'<span class="katex"><span class="katex-mathml">{mathml_annotated(tex, display)}</span>'
        f'<span class="katex-html" aria-hidden="true"><span class="base">{spans}</span></span></span>'
    )
    return f'<span class="katex-display">{inner}</span>' if display else inner


def mathml(tex: str, display: bool) -> str:
    """Presentation MathML and nothing else."""
    return f"{_math_tag(display)}{to_mathml(tex)}</math>"


def mathml_annotated(tex: str, display: bool) -> str:
    """MathML that carries its LaTeX."""
    return (
        f"{_math_tag(display)}<semantics>{to_mathml(tex)}"
        f'<annotation encoding="application/x-tex">{escape(tex)}</annotation></semantics></math>'
    )


def mathjax3(tex: str, display: bool) -> str:
    """A page saved after MathJax 3 ran: glyphs by style sheet, MathML for screen readers."""
    attribute = ' display="true"' if display else ""
    return (
        f'<mjx-container class="MathJax" jax="CHTML"{attribute}>'
        '<mjx-math class="MJX-TEX" aria-hidden="true"></mjx-math>'
        f'<mjx-assistive-mml unselectable="on" display="{"block" if display else "inline"}">'
        f"{mathml(tex, display)}</mjx-assistive-mml></mjx-container>"
    )


def wikipedia(tex: str, display: bool) -> str:
    r"""Wikipedia: hidden MathML, and a picture whose alternative text is ``{\displaystyle …}``."""
    style = "display" if display else "inline"
    source = rf"{{\displaystyle {tex}}}"
    return (
        f'<span class="mwe-math-element"><span class="mwe-math-mathml-{style}" style="display: none;">'
        f"{mathml_annotated(source, display)}</span>"
        '<img src="https://wikimedia.org/api/rest_v1/media/math/render/svg/'
        f'{abs(hash_of(tex)):040x}" class="mwe-math-fallback-image-{style}" alt="{escape(source)}">'
        "</span>"
    )


def codecogs(tex: str, display: bool) -> str:
    """A picture drawn by a service from the formula in its address."""
    size = r"\dpi{150} " if display else r"\inline "
    return f'<img src="https://latex.codecogs.com/svg.image?{quote(size + tex)}" title="{escape(tex)}">'


def wordpress(tex: str, display: bool) -> str:
    """WordPress: a picture with the formula in a query parameter."""
    source = rf"\displaystyle {tex}" if display else tex
    return (
        f'<img src="https://s0.wp.com/latex.php?latex={quote(source, safe="")}&#038;bg=ffffff&#038;'
        f'fg=000&#038;s=0" alt="{escape(source)}" class="latex" />'
    )


def mimetex(tex: str, display: bool) -> str:
    """mimeTeX, a CGI program of the early web, with no alternative text."""
    return f'<img src="/cgi-bin/mimetex.cgi?{quote(tex)}" align="middle" border="0">'


def asciimath(tex: str, display: bool) -> str:
    """AsciiMath between backticks; for the simple LaTeX of the article that uses it."""
    plain = re.sub(r"\\frac\{([^{}]*)\}\{([^{}]*)\}", r"(\1)/(\2)", tex)
    plain = re.sub(r"\\sqrt\{([^{}]*)\}", r"sqrt(\1)", plain).replace("\\cdot", "*")
    return escape("`" + plain.replace("\\", "").replace("{", "(").replace("}", ")") + "`")


ENCODINGS: dict[str, tuple[Formula, str]] = {
    "dollars": (dollars, MATHJAX_DOLLARS),
    "parentheses": (parentheses, MATHJAX),
    "align": (align, MATHJAX),
    "tex_script": (tex_script, MATHJAX),
    "math_container": (math_container, MATHJAX_DOLLARS),
    "sphinx": (sphinx, MATHJAX),
    "katex": (katex, KATEX),
    "mathml": (mathml, ""),
    "mathml_annotated": (mathml_annotated, ""),
    "mathjax3": (mathjax3, ""),
    "wikipedia": (wikipedia, ""),
    "codecogs": (codecogs, ""),
    "wordpress": (wordpress, ""),
    "mimetex": (mimetex, ""),
    "asciimath": (asciimath, MATHJAX_ASCII),
}
"""Name → how to write a formula, and what such a page has in its head."""


def hash_of(text: str) -> int:
    """A number for a text, the same in every process."""
    return sum((i + 1) * ord(c) for i, c in enumerate(text)) * 2_654_435_761


_SYMBOLS = {
    "alpha": "α", "beta": "β", "lambda": "λ", "theta": "θ", "pi": "π", "Delta": "Δ", "rho": "ρ",
    "varepsilon": "ε", "cdot": "⋅", "times": "×", "le": "≤", "ge": "≥", "ne": "≠", "to": "→",
    "infty": "∞", "pm": "±", "in": "∈", "sum": "∑", "int": "∫", "ldots": "…", "cdots": "⋯",
    "mid": "∣", "nabla": "∇", "partial": "∂", "oint": "∮", "Longrightarrow": "⟹", "iff": "⟺",
    "left": "", "right": "", "displaystyle": "", "cup": "∪", "cap": "∩", "bar": "¯",
}  # fmt: skip
_FUNCTIONS = ("gcd", "lim", "sin", "cos", "log", "ln", "det", "exp", "bmod", "max", "min")
_TOKEN = re.compile(r"\\[A-Za-z]+|\\.|\d+(?:\.\d+)?|\S")


def to_mathml(tex: str) -> str:
    """Presentation MathML of the little LaTeX that the sample's articles use."""
    tokens = _TOKEN.findall(tex)
    row = _row(tokens, None)
    return f"<mrow>{row}</mrow>"


def _math_tag(display: bool) -> str:
    block = ' display="block"' if display else ""
    return f'<math xmlns="http://www.w3.org/1998/Math/MathML"{block}>'


def _row(tokens: list[str], end: str | None) -> str:
    """Elements up to the token `end`, which is consumed."""
    elements: list[str] = []
    while tokens:
        if tokens[0] == end:
            tokens.pop(0)
            break
        if tokens[0] in "^_" and elements:
            elements.append(_scripts(elements.pop(), tokens))
        else:
            elements.append(_atom(tokens))
    return "".join(elements)


def _scripts(base: str, tokens: list[str]) -> str:
    scripts: dict[str, str] = {}
    while tokens and tokens[0] in "^_":
        kind = tokens.pop(0)
        scripts[kind] = _atom(tokens)
    if len(scripts) == 2:
        return f"<msubsup>{base}{scripts['_']}{scripts['^']}</msubsup>"
    if "^" in scripts:
        return f"<msup>{base}{scripts['^']}</msup>"
    return f"<msub>{base}{scripts['_']}</msub>"


def _atom(tokens: list[str]) -> str:
    token = tokens.pop(0)
    if token == "{":
        return f"<mrow>{_row(tokens, '}')}</mrow>"
    if token == r"\frac":
        return f"<mfrac>{_atom(tokens)}{_atom(tokens)}</mfrac>"
    if token == r"\binom":
        upper, lower = _atom(tokens), _atom(tokens)
        fraction = f'<mfrac linethickness="0">{upper}{lower}</mfrac>'
        return f"<mrow><mo>(</mo>{fraction}<mo>)</mo></mrow>"
    if token == r"\sqrt":
        return f"<msqrt>{_atom(tokens)}</msqrt>"
    if token == r"\mathbf":
        return _atom(tokens).replace("<mi>", '<mi mathvariant="bold">')
    name = token.lstrip("\\")
    if token.startswith("\\") and name in _FUNCTIONS:
        return f"<mi>{name}</mi>"
    symbol = _SYMBOLS.get(name, name) if token.startswith("\\") else token
    if not symbol:
        return ""
    if symbol[0].isdigit():
        return f"<mn>{symbol}</mn>"
    return f"<mi>{symbol}</mi>" if symbol.isalpha() else f"<mo>{escape(symbol)}</mo>"
