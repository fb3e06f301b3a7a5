r"""AsciiMath to LaTeX.

The grammar is the one of asciimath.org:

    expression   ::= intermediate expression | intermediate
    intermediate ::= simple/simple | simple _ simple | simple ^ simple | simple _ simple ^ simple | simple
    simple       ::= constant | left expression right | unary simple | binary simple simple
"""

from __future__ import annotations

import re

from infimm_spark.extract.latex.facts import MATRIX_OF
from infimm_spark.extract.latex.symbols import FUNCTIONS, char_to_tex
from infimm_spark.extract.latex.tokenizer import join

MAX_NESTING = 50
"""Groups nested deeper than this are not read as groups."""

MAX_LENGTH = 50_000


def asciimath_to_latex(source: str) -> str:
    r"""LaTeX of an AsciiMath expression, without delimiters.

    ``sum_(i=1)^n i^3=((n(n+1))/2)^2`` gives ``\sum_{i=1}^{n}i^{3}=\left(\frac{n(n+1)}{2}\right)^{2}``.
    Any text has a reading: letters that are no symbol stand for themselves. Backquotes around the
    source are taken off. Linear in the input; text beyond `MAX_LENGTH` characters is not read.
    """
    source = source.strip()
    if len(source) >= 2 and source[0] == source[-1] == "`":
        source = source[1:-1]
    return _Parser(_tokens(source[:MAX_LENGTH])).expression().strip()


def unread_letters(word: str) -> int:
    """Letters of a word that belong to no name of AsciiMath: few in `inftydx`, all in `hello`."""
    return sum(len(token) == 1 and token.isalpha() for token in _tokens(word))


# Symbols: AsciiMath's name -> TeX.
_CONSTANTS = {
    # Greek
    **{
        name: "\\" + name
        for name in ["alpha", "beta", "chi", "delta", "Delta", "epsilon", "varepsilon", "eta", "gamma", "Gamma", "iota", "kappa", "lambda", "Lambda", "mu", "nu", "omega", "Omega", "phi", "varphi", "Phi", "pi", "Pi", "psi", "Psi", "rho", "sigma", "Sigma", "tau", "theta", "vartheta", "Theta", "upsilon", "xi", "Xi", "zeta"]
    },
    # operations
    "+": "+", "-": "-", "*": r"\cdot", "cdot": r"\cdot", "**": r"\ast", "ast": r"\ast", "***": r"\star",
    "star": r"\star", "//": "/", "\\\\": r"\backslash", "backslash": r"\backslash",
    "setminus": r"\setminus", "xx": r"\times", "times": r"\times", "|><": r"\ltimes",
    "ltimes": r"\ltimes", "><|": r"\rtimes", "rtimes": r"\rtimes", "|><|": r"\bowtie",
    "bowtie": r"\bowtie", "-:": r"\div", "div": r"\div", "divide": r"\div", "@": r"\circ",
    "circ": r"\circ", "o+": r"\oplus", "oplus": r"\oplus", "ox": r"\otimes", "otimes": r"\otimes",
    "o.": r"\odot", "odot": r"\odot", "sum": r"\sum", "prod": r"\prod", "^^": r"\wedge",
    "wedge": r"\wedge", "^^^": r"\bigwedge", "bigwedge": r"\bigwedge", "vv": r"\vee", "vee": r"\vee",
    "vvv": r"\bigvee", "bigvee": r"\bigvee", "nn": r"\cap", "cap": r"\cap", "nnn": r"\bigcap",
    "bigcap": r"\bigcap", "uu": r"\cup", "cup": r"\cup", "uuu": r"\bigcup", "bigcup": r"\bigcup",
    # relations
    "=": "=", "!=": r"\ne", "ne": r"\ne", ":=": ":=", "<": "<", "lt": "<", ">": ">", "gt": ">",
    "<=": r"\le", "le": r"\le", "lt=": r"\le", ">=": r"\ge", "ge": r"\ge", "gt=": r"\ge", "-<": r"\prec",
    "-lt": r"\prec", "prec": r"\prec", ">-": r"\succ", "succ": r"\succ", "-<=": r"\preceq",
    "preceq": r"\preceq", ">-=": r"\succeq", "succeq": r"\succeq", "in": r"\in", "!in": r"\notin",
    "notin": r"\notin", "sub": r"\subset", "subset": r"\subset", "sup": r"\supset",
    "supset": r"\supset", "sube": r"\subseteq", "subseteq": r"\subseteq", "supe": r"\supseteq",
    "supseteq": r"\supseteq", "-=": r"\equiv", "equiv": r"\equiv", "~=": r"\cong", "cong": r"\cong",
    "~~": r"\approx", "approx": r"\approx", "~": r"\sim", "sim": r"\sim", "prop": r"\propto",
    "propto": r"\propto", "mlt": r"\ll", "ll": r"\ll", "mgt": r"\gg", "gg": r"\gg",
    # logic
    "and": r"\text{ and }", "or": r"\text{ or }", "not": r"\neg", "neg": r"\neg", "=>": r"\Rightarrow",
    "implies": r"\Rightarrow", "if": r"\text{ if }", "<=>": r"\Leftrightarrow",
    "iff": r"\Leftrightarrow", "AA": r"\forall", "forall": r"\forall", "EE": r"\exists",
    "exists": r"\exists", "_|_": r"\bot", "bot": r"\bot", "TT": r"\top", "top": r"\top",
    "|--": r"\vdash", "vdash": r"\vdash", "|==": r"\models", "models": r"\models",
    # miscellaneous
    "int": r"\int", "oint": r"\oint", "del": r"\partial", "partial": r"\partial", "grad": r"\nabla",
    "nabla": r"\nabla", "+-": r"\pm", "pm": r"\pm", "-+": r"\mp", "mp": r"\mp", "O/": r"\emptyset",
    "emptyset": r"\emptyset", "oo": r"\infty", "infty": r"\infty", "aleph": r"\aleph",
    ":.": r"\therefore", "therefore": r"\therefore", ":'": r"\because", "because": r"\because",
    "/_": r"\angle", "angle": r"\angle", "/_\\": r"\triangle", "triangle": r"\triangle", "'": "'",
    "ldots": r"\ldots", "...": r"\ldots", "cdots": r"\cdots", "vdots": r"\vdots", "ddots": r"\ddots",
    "diamond": r"\diamond", "square": r"\square", "frown": r"\frown", "quad": r"\quad",
    "qquad": r"\qquad", "\\ ": r"\ ", "CC": r"\mathbb{C}", "NN": r"\mathbb{N}", "QQ": r"\mathbb{Q}",
    "RR": r"\mathbb{R}", "ZZ": r"\mathbb{Z}", "%": r"\%", "$": r"\$", "#": r"\#", "&": r"\&",
    "dx": "dx", "dy": "dy", "dz": "dz", "dt": "dt", "hbar": r"\hbar", "ell": r"\ell",
    "dagger": r"\dagger", "prime": "'",
    # functions
    **{
        name: "\\" + name
        for name in FUNCTIONS - {"sup", "lg", "injlim", "projlim", "liminf", "limsup"}
    },
    "Lim": r"\lim", "sech": r"\operatorname{sech}", "csch": r"\operatorname{csch}",
    "mod": r"\operatorname{mod}", "lub": r"\operatorname{lub}", "glb": r"\operatorname{glb}",
    "lcm": r"\operatorname{lcm}", "arcsec": r"\operatorname{arcsec}",
    "arccsc": r"\operatorname{arccsc}", "arccot": r"\operatorname{arccot}",
    "Sin": r"\sin", "Cos": r"\cos", "Tan": r"\tan", "Log": r"\log", "Ln": r"\ln", "Arcsin": r"\arcsin",
    "Arccos": r"\arccos", "Arctan": r"\arctan", "Sinh": r"\sinh", "Cosh": r"\cosh", "Tanh": r"\tanh",
    "Cot": r"\cot", "Sec": r"\sec", "Csc": r"\csc",
    # arrows
    "uarr": r"\uparrow", "uparrow": r"\uparrow", "darr": r"\downarrow", "downarrow": r"\downarrow",
    "rarr": r"\rightarrow", "rightarrow": r"\rightarrow", "to": r"\to", "->": r"\to",
    ">->": r"\rightarrowtail", "rightarrowtail": r"\rightarrowtail", "->>": r"\twoheadrightarrow",
    "twoheadrightarrow": r"\twoheadrightarrow", ">->>": r"\twoheadrightarrow",
    "twoheadrightarrowtail": r"\twoheadrightarrow", "|->": r"\mapsto", "mapsto": r"\mapsto",
    "larr": r"\leftarrow", "leftarrow": r"\leftarrow", "harr": r"\leftrightarrow",
    "leftrightarrow": r"\leftrightarrow", "rArr": r"\Rightarrow", "Rightarrow": r"\Rightarrow",
    "lArr": r"\Leftarrow", "Leftarrow": r"\Leftarrow", "hArr": r"\Leftrightarrow",
    "Leftrightarrow": r"\Leftrightarrow", "|": "|", "|:": "|", ":|": "|", "/": "/", "_": r"\_",
    "^": r"\hat{}", "||": r"\|",
}  # fmt: skip

_LEFT = {"(": "(", "[": "[", "{": r"\{", "(:": r"\langle", "<<": r"\langle", "langle": r"\langle",
         "{:": "", "|_": r"\lfloor", "lfloor": r"\lfloor", "|~": r"\lceil", "lceil": r"\lceil",
         "left(": "(", "left[": "["}  # fmt: skip
_RIGHT = {")": ")", "]": "]", "}": r"\}", ":)": r"\rangle", ">>": r"\rangle", "rangle": r"\rangle",
          ":}": "", "_|": r"\rfloor", "rfloor": r"\rfloor", "~|": r"\rceil", "rceil": r"\rceil",
          "right)": ")", "right]": "]"}  # fmt: skip
_FENCED = {"abs": ("|", "|"), "Abs": ("|", "|"), "norm": (r"\|", r"\|"), "floor": (r"\lfloor", r"\rfloor"),
           "ceil": (r"\lceil", r"\rceil")}  # fmt: skip
_UNARY = {
    "sqrt": r"\sqrt", "hat": r"\hat", "bar": r"\overline", "overline": r"\overline", "vec": r"\vec",
    "tilde": r"\tilde", "dot": r"\dot", "ddot": r"\ddot", "ul": r"\underline",
    "underline": r"\underline", "ubrace": r"\underbrace", "underbrace": r"\underbrace",
    "obrace": r"\overbrace", "overbrace": r"\overbrace", "overarc": r"\overparen",
    "overparen": r"\overparen", "cancel": r"\cancel", "bb": r"\mathbf", "mathbf": r"\mathbf",
    "sf": r"\mathsf", "mathsf": r"\mathsf", "bbb": r"\mathbb", "mathbb": r"\mathbb", "cc": r"\mathcal",
    "mathcal": r"\mathcal", "tt": r"\mathtt", "mathtt": r"\mathtt", "fr": r"\mathfrak",
    "mathfrak": r"\mathfrak", "rm": r"\mathrm", "mathrm": r"\mathrm", "it": r"\mathit",
}  # fmt: skip
_WIDE = {r"\hat": r"\widehat", r"\tilde": r"\widetilde", r"\vec": r"\overrightarrow"}
_TEXT = frozenset({"text", "mbox", "textrm"})
_BINARY = frozenset({"frac", "root", "stackrel", "overset", "underset", "color", "class", "id"})

_NAMES = sorted(
    {*_CONSTANTS, *_LEFT, *_RIGHT, *_FENCED, *_UNARY, *_TEXT, *_BINARY, '"', ","},
    key=len,
    reverse=True,
)
# Longest name first, as AsciiMath reads: `sin` before `si`; numbers are one token.
_TOKEN = re.compile(
    r"\d+(?:\.\d+)?|\.\d+|" + "|".join(re.escape(name) for name in _NAMES) + r"|\\[A-Za-z]+|\s+|.",
    re.DOTALL,
)
_TEXT_GROUP = re.compile(r"\s*(?:\(([^()]*)\)|\{([^{}]*)\}|\[([^\[\]]*)\])")


def _tokens(source: str) -> list[str]:
    out: list[str] = []
    at = 0
    while at < len(source):
        match = _TOKEN.match(source, at)
        if match is None:  # pragma: no cover - the pattern ends in `.`
            break
        token = match[0]
        at = match.end()
        if token == '"':
            end = source.find('"', at)
            end = len(source) if end < 0 else end
            out.append('"' + source[at:end])
            at = end + 1
        elif token in _TEXT:
            group = _TEXT_GROUP.match(source, at)
            if group is None:
                out.extend(token)
            else:
                out.append('"' + (group[1] or group[2] or group[3] or ""))
                at = group.end()
        elif token.isspace():
            if "\n\n" in token:
                out.append(r"\ ")
        else:
            out.append(token)
    return out


class _Parser:
    """Recursive descent; groups beyond `MAX_NESTING` are read as plain characters."""

    def __init__(self, toks: list[str]) -> None:
        self.toks = toks
        self.at = 0
        self.end = len(toks)
        self.depth = 0
        self.partner = _partners(toks)

    def peek(self) -> str:
        return self.toks[self.at] if self.at < self.end else ""

    def expression(self) -> str:
        """TeX up to the end of what is being read."""
        parts: list[str] = []
        while self.at < self.end:
            parts.append(self.fraction())
        return join(parts)

    def part(self, start: int, end: int) -> str:
        """TeX of the tokens from `start` to `end`; reading goes on after them."""
        outer = self.end
        self.at, self.end = start, end
        tex = self.expression()
        self.at, self.end = end, outer
        return tex

    def fraction(self) -> str:
        upper, bare = self.scripted()
        if self.peek() == "/" and self.at + 1 < self.end:
            self.at += 1
            _, lower = self.scripted()
            return f"\\frac{{{bare}}}{{{lower}}}"
        return upper

    def scripted(self) -> tuple[str, str]:
        """A simple expression with its scripts: as it is, and without its outer brackets."""
        base, bare = self.simple()
        sub = sup = ""
        primes = ""
        while self.peek() == "'":
            self.at += 1
            primes += "'"
        if self.peek() == "_":
            self.at += 1
            sub = self.simple()[1]
        if self.peek() == "^":
            self.at += 1
            sup = self.simple()[1]
        if not (sub or sup or primes):
            return base, bare
        tex = (
            (base or "{}")
            + primes
            + (f"_{{{sub}}}" if sub else "")
            + (f"^{{{sup}}}" if sup else "")
        )
        return tex, tex

    def simple(self) -> tuple[str, str]:
        """One simple expression, and the same without its outer brackets."""
        token = self.peek()
        if not token:
            return "", ""
        self.at += 1
        if self.depth >= MAX_NESTING:
            return (_literal(token),) * 2
        self.depth += 1
        try:
            return self.known(token)
        finally:
            self.depth -= 1

    def known(self, token: str) -> tuple[str, str]:
        if token[0] == '"':
            tex = f"\\text{{{_escaped(token[1:])}}}"
        elif token in _LEFT:
            return self.bracketed(token)
        elif token in ("|", "||"):
            return self.bars(token)
        elif token in _RIGHT:
            tex = _RIGHT[token]
        elif token in _FENCED:
            left, right = _FENCED[token]
            tex = join([r"\left", left, self.simple()[1], r"\right", right])
        elif token in _UNARY:
            tex = self.unary(token)
        elif token in _BINARY:
            tex = self.binary(token)
        elif token in ("f", "g") and self.peek() in _LEFT:
            # AsciiMath takes f and g for functions: f(x)/2 is (f(x))/2
            tex = join([token, self.simple()[0]])
        else:
            tex = _literal(token)
        return tex, tex

    def unary(self, token: str) -> str:
        command = _UNARY[token]
        argument = self.simple()[1]
        if command in _WIDE and len(argument) > 1 and argument[0] != "\\":
            command = _WIDE[command]
        return f"{command}{{{argument}}}"

    def binary(self, token: str) -> str:
        if token in ("color", "class", "id"):
            self.simple()
            return self.simple()[1]
        first = self.simple()[1]
        second = self.simple()[1]
        if token == "frac":
            return f"\\frac{{{first}}}{{{second}}}"
        if token == "root":
            return f"\\sqrt[{first}]{{{second}}}"
        command = "underset" if token == "underset" else "overset"
        return f"\\{command}{{{first}}}{{{second}}}"

    def bracketed(self, token: str) -> tuple[str, str]:
        start = self.at
        left = _LEFT[token]
        closing = self.partner.get(start - 1, self.end)
        if closing >= self.end:
            tex = join([left, self.part(start, self.end)])
            return tex, tex
        right = _RIGHT[self.toks[closing]]
        rows = _split_rows(self.toks, start, closing, self.partner)
        if rows is not None:
            cells = [[self.part(*cell) for cell in row] for row in rows]
            self.at = closing + 1
            matrix = _matrix(cells, left, right)
            return matrix, matrix
        bare = self.part(start, closing)
        self.at = closing + 1
        if not left and not right:
            return f"{{{bare}}}" if bare else "", bare
        if left and right and not _is_tall(bare):
            return join([left, bare, right]), bare
        return join([r"\left", left or ".", bare, r"\right", right or "."]), bare

    def bars(self, token: str) -> tuple[str, str]:
        """`|x|`: absolute value where a closing bar follows, else a bar."""
        bar = "|" if token == "|" else r"\|"
        end = self.partner.get(self.at - 1, self.end)
        if end >= self.end:
            return bar, bar
        content = self.part(self.at, end)
        self.at = end + 1
        sized = (
            [r"\left", bar, content, r"\right", bar] if _is_tall(content) else [bar, content, bar]
        )
        return (join(sized),) * 2


def _partners(toks: list[str]) -> dict[int, int]:
    """Index of each opening bracket or bar -> index of what closes it."""
    partner: dict[int, int] = {}
    stack: list[int] = []
    for index, token in enumerate(toks):
        if token in _LEFT:
            stack.append(index)
        elif token in _RIGHT:
            while stack and toks[stack[-1]] not in _LEFT:
                stack.pop()  # a bar without a partner
            if stack:
                partner[stack.pop()] = index
        elif token in ("|", "||"):
            if stack and toks[stack[-1]] == token and stack[-1] + 1 < index:
                partner[stack.pop()] = index
            else:
                stack.append(index)
    return partner


def _is_tall(tex: str) -> bool:
    return any(
        command in tex
        for command in (r"\frac", r"\sum", r"\int", r"\prod", r"\begin", r"\sqrt", r"\over")
    )


def _matrix(cells: list[list[str]], left: str, right: str) -> str:
    body = r" \\ ".join(" & ".join(row) for row in cells)
    if (left, right) == (r"\{", ""):
        return f"\\begin{{cases}} {body} \\end{{cases}}"
    name = _MATRICES.get(left + right)
    if name is not None:
        return f"\\begin{{{name}}} {body} \\end{{{name}}}"
    matrix = f"\\begin{{matrix}} {body} \\end{{matrix}}"
    return join([r"\left", left or ".", matrix, r"\right", right or "."])


_MATRICES = {left + right: name for (left, right), name in MATRIX_OF.items()}


def _split_rows(
    toks: list[str], start: int, end: int, partner: dict[int, int]
) -> list[list[tuple[int, int]]] | None:
    """Cells of `[[a,b],[c,d]]` as token ranges: rows of equal length in brackets of one kind."""
    if start >= end or toks[start] not in ("(", "["):
        return None
    opening = toks[start]
    rows: list[list[tuple[int, int]]] = []
    index = start
    while True:
        closing = partner.get(index, end)
        if toks[index] != opening or closing >= end or toks[closing] != _CLOSES[opening]:
            return None
        rows.append(_cells(toks, index + 1, closing, partner))
        index = closing + 1
        if index == end:
            break
        if toks[index] != "," or index + 1 >= end:
            return None
        index += 1
    if len({len(row) for row in rows}) != 1:
        return None
    # `((a,b))` alone is a pair in double brackets, `[[a,b]]` a row
    return rows if len(rows) > 1 or (opening == "[" and len(rows[0]) > 1) else None


_CLOSES = {"(": ")", "[": "]"}


def _cells(toks: list[str], start: int, end: int, partner: dict[int, int]) -> list[tuple[int, int]]:
    cells: list[tuple[int, int]] = []
    index = begin = start
    while index < end:
        if toks[index] == ",":
            cells.append((begin, index))
            begin = index + 1
        index = partner.get(index, index) + 1
    cells.append((begin, end))
    return cells


def _literal(token: str) -> str:
    known = _CONSTANTS.get(token)
    if known is not None:
        return known
    if token[0] == "\\" and len(token) > 1:
        return _CONSTANTS.get(token[1:], token)
    if token in ("{", "}"):
        return "\\" + token
    if token == '"':
        return "''"
    return char_to_tex(token) if len(token) == 1 else token


def _escaped(text: str) -> str:
    return text.translate(_ESCAPES)


_ESCAPES = str.maketrans(
    {char: "\\" + char for char in "{}$%&#_"} | {"\\": r"\textbackslash{}", "^": r"\^{}"}
)
