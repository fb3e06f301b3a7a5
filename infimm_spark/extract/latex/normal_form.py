r"""The one LaTeX normal form: two formulas that say the same have the same one.

What it removes never changes what a formula says: white space and spacing commands, redundant
braces, sizes (`\left`, `\big`, `\dfrac`, `\displaystyle`), alignment, labels and tags, the choice
among synonyms (`\le`, `\leq`, `≤`), among spellings of a word (`\text`, `\mathrm`, `\operatorname`)
and among a matrix environment and its delimiters.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from infimm_spark.extract.latex.facts import MATRIX_FENCES
from infimm_spark.extract.latex.symbols import (
    ARITY,
    CHAR_OF,
    COMMAND_OF,
    FUNCTIONS,
    LIMIT_FUNCTIONS,
    char_to_tex,
    names,
)
from infimm_spark.extract.latex.tokenizer import group_end, join, tokens

MAX_NESTING = 100
"""Deeper groups are compared by their tokens alone, so that no input exhausts the stack."""


MAX_TOKENS = 20_000
"""Longer formulas are compared by their tokens alone as well."""


def normal_form(tex: str) -> str:
    r"""The canonical spelling of a formula; ``normal_form(normal_form(x)) == normal_form(x)``.

    ``\dfrac12 \leq {x}^{2}``, ``\frac{1}{2}\le x^2`` and ``\tfrac{1}{2} ≤ x²`` give one string.
    Formulas nested deeper than `MAX_NESTING` groups keep their own spelling, without spaces.
    """
    if not tex.isascii():
        tex = _ascii(tex)
    toks = tokens(tex)
    if len(toks) > MAX_TOKENS or _nesting(toks) > MAX_NESTING:
        return join(toks)
    for _ in range(4):
        try:
            result = join(_Parser(toks).top())
        except RecursionError:  # deeper than it looks: commands nest in ways that are not counted
            return join(toks)
        again = tokens(result)
        # Most formulas are canonical after one reading; merging neighbours can call for another.
        if again == toks:
            break
        toks = again
    return result


_PRIMES = {"′": "'", "″": "'" * 2, "‴": "'" * 3, "⁗": "'" * 4}
# A struck-out sign: a character or command and the combining stroke.
_STRUCK = re.compile("(\\\\[A-Za-z]+ ?|.)\u0338", re.DOTALL)


def _ascii(tex: str) -> str:
    tex = _STRUCK.sub(r"\\not \1", unicodedata.normalize("NFC", tex))
    return "".join(char if char.isascii() else _spelled(char) for char in tex)


@cache
def _spelled(char: str) -> str:
    tex = _PRIMES.get(char) or char_to_tex(char)
    return tex + " " if tex.startswith("\\") else tex


def _nesting(toks: list[str]) -> int:
    depth = deepest = 0
    for token in toks:
        if token in _OPENING or token.startswith(r"\begin"):
            depth += 1
            deepest = max(deepest, depth)
        elif token in _CLOSING or token.startswith(r"\end"):
            depth = max(depth - 1, 0)
        elif token in _SCRIPTS:
            # `x^x^x^...` nests an argument at each step.
            deepest = max(deepest, depth)
    return deepest + _longest_chain(toks)


def _longest_chain(toks: list[str]) -> int:
    r"""Longest run of commands with arguments (`\hat\hat\hat x` nests without braces), and declarations.

    A declaration (`\rm`) or infix (`\over`) takes the rest of its group: it nests with each use.
    """
    longest = run = rest = 0
    for token in toks:
        if token[0] == "\\" and (token[1:] in ARITY or token[1:6] == "begin" or token == r"\not"):
            run += 1
            longest = max(longest, run)
        elif token not in _SCRIPTS and token not in ("{", "[") and token not in _DROPPED:
            run = 0
        if token in _DECLARATIONS or token in _INFIX:
            rest += 1
    return longest + rest


_OPENING = frozenset({"{"})
_CLOSING = frozenset({"}"})
_SCRIPTS = frozenset({"^", "_"})

_DROPPED = frozenset(
    names(
        r"""
    \, \; \: \! \> \quad \qquad \enspace \thinspace \medspace \thickspace \negthinspace
    \negmedspace \negthickspace \nobreakspace \space \allowbreak \nobreak \break \par \noindent
    \centering \relax \displaystyle \textstyle \scriptstyle \scriptscriptstyle \limits \nolimits
    \displaylimits \nonumber \notag \hfill \hfil \strut \mathstrut \null \protect \hline
    \hdashline \left \right \middle \big \Big \bigg \Bigg \bigl \Bigl \biggl \Biggl \bigr \Bigr
    \biggr \Biggr \bigm \Bigm \biggm \Biggm \tiny \scriptsize \footnotesize \small \normalsize
    \large \Large \LARGE \huge \Huge \mit \it \sl \rmfamily \unskip \- \/ ~
    """
    )
) | {"\\ ", "\\\n", "\\\t", "\\\r", "\\"}

_DELIMITER_SIZES = frozenset(
    names(
        r"""
    \left \right \middle \big \Big \bigg \Bigg \bigl \Bigl \biggl \Biggl \bigr \Bigr \biggr
    \Biggr \bigm \Bigm \biggm \Biggm
    """
    )
)

# Commands that vanish with their arguments.
_DROPPED_WITH = {
    r"\hspace": 1, r"\hspace*": 1, r"\vspace": 1, r"\vspace*": 1, r"\mspace": 1, r"\label": 1,
    r"\tag": 1, r"\tag*": 1, r"\vphantom": 1, r"\color": 1, r"\cline": 1, r"\definecolor": 3,
    r"\pagecolor": 1, r"\vskip": 0, r"\hskip": 0, r"\kern": 0, r"\mkern": 0, r"\mskip": 0,
}  # fmt: skip
# Commands of which only the last argument shows.
_LAST_ARGUMENT = {
    r"\textcolor": 2, r"\colorbox": 2, r"\href": 2, r"\class": 2, r"\style": 2, r"\cssId": 2,
    r"\htmlClass": 2, r"\htmlId": 2, r"\htmlStyle": 2, r"\htmlData": 2, r"\mathcolor": 2,
    r"\mathbin": 1, r"\mathrel": 1, r"\mathop": 1, r"\mathord": 1, r"\mathopen": 1,
    r"\mathclose": 1, r"\mathpunct": 1, r"\mathinner": 1, r"\ensuremath": 1, r"\mathit": 1,
    r"\mathnormal": 1, r"\smash": 1, r"\llap": 1, r"\rlap": 1, r"\clap": 1, r"\mathllap": 1,
    r"\mathrlap": 1, r"\mathclap": 1, r"\symit": 1,
}  # fmt: skip

_RENAMED = {
    r"\dfrac": r"\frac", r"\tfrac": r"\frac", r"\cfrac": r"\frac", r"\dbinom": r"\binom",
    r"\tbinom": r"\binom", r"\widehat": r"\hat", r"\widetilde": r"\tilde", r"\overline": r"\bar",
    r"\overrightarrow": r"\vec", r"\widecheck": r"\check", r"\underbar": r"\underline",
    r"\stackrel": r"\overset", r"\mathscr": r"\mathcal", r"\symscr": r"\mathcal",
    r"\symcal": r"\mathcal", r"\symbb": r"\mathbb", r"\Bbb": r"\mathbb", r"\symfrak": r"\mathfrak",
    r"\frak": r"\mathfrak", r"\symsf": r"\mathsf", r"\symtt": r"\mathtt", r"\symbf": r"\mathbf",
    r"\bm": r"\boldsymbol", r"\pmb": r"\boldsymbol", r"\bold": r"\mathbf", r"\symbfit": r"\boldsymbol",
    r"\text": r"\mathrm", r"\textrm": r"\mathrm", r"\textnormal": r"\mathrm", r"\textup": r"\mathrm",
    r"\mbox": r"\mathrm", r"\hbox": r"\mathrm", r"\operatorname": r"\mathrm", r"\symrm": r"\mathrm",
    r"\operatorname*": r"\mathrm", r"\operatornamewithlimits": r"\mathrm", r"\textbf": r"\mathbf",
    r"\textsf": r"\mathsf", r"\texttt": r"\mathtt", r"\textit": r"\mathrm", r"\fbox": r"\boxed",
}  # fmt: skip

_SYNONYMS = {
    r"\lt": "<", r"\gt": ">", r"\colon": ":", r"\lbrace": r"\{", r"\rbrace": r"\}",
    r"\lbrack": "[", r"\rbrack": "]", r"\mid": "|", r"\vert": "|", r"\lvert": "|", r"\rvert": "|",
    r"\shortmid": "|", r"\Vert": r"\|", r"\lVert": r"\|", r"\rVert": r"\|", r"\parallel": r"\|",
    r"\shortparallel": r"\|", r"\ast": "*", r"\bmod": r"\mathrm{mod}", r"\mod": r"\mathrm{mod}",
    r"\Alpha": "A", r"\Beta": "B", r"\Epsilon": "E", r"\Zeta": "Z", r"\Eta": "H", r"\Iota": "I",
    r"\Kappa": "K", r"\Mu": "M", r"\Nu": "N", r"\Omicron": "O", r"\omicron": "o", r"\Rho": "P",
    r"\Tau": "T", r"\Chi": "X", r"\R": r"\mathbb{R}", r"\N": r"\mathbb{N}", r"\Z": r"\mathbb{Z}",
    r"\C": r"\mathbb{C}", r"\Q": r"\mathbb{Q}", r"\reals": r"\mathbb{R}", r"\Reals": r"\mathbb{R}",
    r"\natnums": r"\mathbb{N}", r"\cnums": r"\mathbb{C}", r"\Complex": r"\mathbb{C}",
    r"\Bbbk": r"\mathbb{k}", r"\arccot": r"\mathrm{arccot}", r"\arcsec": r"\mathrm{arcsec}",
    r"\arccsc": r"\mathrm{arccsc}", r"\sgn": r"\mathrm{sgn}", r"\sech": r"\mathrm{sech}",
    r"\csch": r"\mathrm{csch}", r"\tr": r"\mathrm{tr}", r"\lcm": r"\mathrm{lcm}",
    r"\injlim": r"\mathrm{injlim}", r"\projlim": r"\mathrm{projlim}", r"\dag": r"\dagger",
    r"\cdotp": r"\cdot", r"\ldotp": ".", r"\longequal": "=", r"\degree": r"\circ",
    r"\textdegree": r"\circ", r"\textbullet": r"\bullet", r"\textasciitilde": r"\sim",
    r"\coloneqq": ":=", r"\coloneq": ":=", r"\eqqcolon": "=:", r"\lang": r"\langle",
    r"\rang": r"\rangle", r"\textbackslash": r"\backslash", r"\smallint": r"\int", r"\intop": r"\int",
    r"\idotsint": r"\int\cdots\int", r"\div": r"\div", r"\Box": r"\square", r"\iddots": r"\iddots",
}  # fmt: skip

# `{\rm d}x`: a declaration holds to the end of its group.
_DECLARATIONS = {
    r"\rm": r"\mathrm", r"\bf": r"\mathbf", r"\cal": r"\mathcal", r"\scr": r"\mathcal",
    r"\sf": r"\mathsf", r"\tt": r"\mathtt", r"\bfseries": r"\mathbf", r"\boldmath": r"\boldsymbol",
}  # fmt: skip
_FONTS = frozenset(
    names(
        r"""
    \mathrm \mathbf \mathbb \mathcal \mathfrak \mathsf \mathtt \boldsymbol
    """
    )
)
_ACCENTS = frozenset(
    names(
        r"""
    \hat \tilde \bar \underline \vec \dot \ddot \dddot \ddddot \check \breve \acute \grave
    \mathring \overbrace \underbrace
    """
    )
)
# Infix commands: everything before it in the group over everything after it.
_INFIX = {
    r"\over": ("", r"\frac", ""),
    r"\atop": ("", r"\atop", ""),
    r"\choose": ("", r"\binom", ""),
    r"\brack": ("[", r"\atop", "]"),
    r"\brace": (r"\{", r"\atop", r"\}"),
}

_ALIGNED = frozenset(
    names(
        r"""
    align aligned alignat alignedat split eqnarray flalign gather gathered multline multlined
    darray alignedat displaylines
    """
    )
)
_TRANSPARENT = frozenset(["equation", "math", "displaymath", "equation*", "document"])
_WITH_SPECIFICATION = frozenset(["array", "tabular", "alignat", "alignedat", "subarray", "darray"])


# Slanted and doubled relations have no negation of their own in Unicode.
_NEGATED_SLANT = {"⩽": "≤", "⩾": "≥", "≦": "≤", "≧": "≥", "⫅": "⊆", "⫆": "⊇", "⪯": "≼", "⪰": "≽"}


# A dollar that is a delimiter inside text, not the sign `\$`.
_DOLLAR = re.compile(r"(?<!\\)\$")


class _Parser:
    """Recursive descent over tokens; `MAX_NESTING` has been checked, so the stack is bounded."""

    def __init__(self, toks: list[str]) -> None:
        self.toks = toks
        self.at = 0

    def top(self) -> list[str]:
        out: list[str] = []
        while self.at < len(self.toks):
            out += self.sequence()
            if self.at < len(self.toks):  # a stray closer: it says nothing
                self.at += 1
        return out

    def sequence(self) -> list[str]:
        """Atoms up to the end of the group, row, cell or environment, which is not consumed."""
        atoms: list[str] = []
        while self.at < len(self.toks):
            token = self.toks[self.at]
            if token in _ENDS or token.startswith((r"\end{", r"\end ")):
                break
            self.at += 1
            if token in _SCRIPTS or token == "'":
                self.at -= 1
                self.scripts(atoms)
            elif token == "{":
                self.group(atoms)
            elif token in _INFIX:
                left, command, right = _INFIX[token]
                stacked = _stacked(command, join(atoms), join(self.sequence()))
                return [part for part in (left, stacked, right) if part]
            elif token in _DECLARATIONS:
                self.font(atoms, _DECLARATIONS[token], self.sequence())
            else:
                self.atom(token, atoms)
        return atoms

    def group(self, atoms: list[str]) -> None:
        inner = self.sequence()
        self.close()
        if self.peek() in _SCRIPTS_AND_PRIME and len(inner) != 1:
            atoms.append(f"{{{join(inner)}}}")
        else:
            for atom in inner:
                _push(atoms, atom)

    def close(self) -> None:
        if self.peek() == "}":
            self.at += 1

    def peek(self) -> str:
        return self.toks[self.at] if self.at < len(self.toks) else ""

    def argument(self) -> list[str]:
        """Atoms of a command's next argument: a group or a single token with its own arguments."""
        token = self.peek()
        if not token or token in _ENDS or token.startswith(r"\end{") or token in _SCRIPTS_AND_PRIME:
            return []
        self.at += 1
        if token == "{":
            inner = self.sequence()
            self.close()
            return inner
        atoms: list[str] = []
        self.atom(token, atoms)
        return atoms

    def optional(self) -> list[str] | None:
        """Atoms of a `[...]` argument, or None."""
        if self.peek() != "[":
            return None
        depth = 0
        for end in range(self.at + 1, min(self.at + 200, len(self.toks))):
            token = self.toks[end]
            if token == "]" and depth == 0:
                inner = _Parser(self.toks[self.at + 1 : end]).top()
                self.at = end + 1
                return inner
            depth += (token == "{") - (token == "}")
            if depth < 0:
                break
        return None

    def scripts(self, atoms: list[str]) -> None:
        sub: list[str] = []
        sup: list[str] = []
        primes = 0
        while True:
            token = self.peek()
            if token == "'":
                self.at += 1
                primes += 1
            elif token in _SCRIPTS:
                self.at += 1
                (sup if token == "^" else sub).extend(self.argument())
            elif token in (r"\limits", r"\nolimits"):
                self.at += 1
            else:
                break
        # x^{'} is x'
        sup = [_bare_script(atom) for atom in sup]
        sup = [r"\prime"] * primes + sup
        base = atoms.pop() if atoms else "{}"
        atoms.append(
            base + (f"_{{{join(sub)}}}" if sub else "") + (f"^{{{join(sup)}}}" if sup else "")
        )

    def font(self, atoms: list[str], command: str, inner: list[str]) -> None:
        content = join(inner)
        if command == r"\mathrm":
            content = _DOLLAR.sub("", content)
        _push(atoms, f"{command}{{{content}}}" if content else "")

    def atom(self, token: str, atoms: list[str]) -> None:
        if token[0] != "\\" and token != "~":
            _push(atoms, token)
        elif token in _DROPPED:
            if token in _DELIMITER_SIZES and self.peek() in _DELIMITERS_AFTER_SIZE:
                _push(atoms, _DELIMITERS_AFTER_SIZE[self.toks[self.at]])
                self.at += 1
        elif token in _SYNONYMS:
            for part in (
                tokens(_SYNONYMS[token]) if len(_SYNONYMS[token]) < 4 else [_SYNONYMS[token]]
            ):
                _push(atoms, part)
        elif token.startswith(r"\begin"):
            self.environment(token[6:].strip()[1:-1].strip(), atoms)
        elif token in _DROPPED_WITH:
            count = _DROPPED_WITH[token]
            if token == r"\color":
                self.optional()  # its colour model
            for _ in range(count):
                self.argument()
            if not count:
                self.dimension()
        elif token in _LAST_ARGUMENT:
            if token == r"\smash":
                self.optional()
            for _ in range(_LAST_ARGUMENT[token] - 1):
                self.argument()
            inner = self.argument()
            if self.peek() in _SCRIPTS_AND_PRIME and len(inner) != 1:
                atoms.append(f"{{{join(inner)}}}")
            else:
                for part in inner:
                    _push(atoms, part)
        elif token == r"\sqrt":
            degree = self.optional()
            radicand = join(self.argument())
            index = f"[{join(degree)}]" if degree else ""
            atoms.append(f"\\sqrt{index}{{{radicand}}}")
        elif token == r"\not":
            self.negation(atoms)
        elif token in (r"\pmod", r"\pod"):
            word = [r"\mathrm{mod}"] if token == r"\pmod" else []
            atoms.extend(["(", *word, *self.argument(), ")"])
        elif token == r"\genfrac":
            self.general_fraction(atoms)
        elif token == r"\ce" or token == r"\pu":
            atoms.append(f"{token}{{{join(self.argument())}}}")
        elif token == r"\substack":
            atoms.append(f"\\begin{{matrix}}{self.rows(keep_cells=True)}\\end{{matrix}}")
        else:
            self.command(token, atoms)

    def command(self, token: str, atoms: list[str]) -> None:
        token = _RENAMED.get(token, token)
        name = token[1:]
        if token in _FONTS:
            self.font(atoms, token, self.argument())
            return
        count = ARITY.get(name, 0)
        if count:
            if name in _ARROWS:
                # an arrow that stretches over its text: the same as text over an arrow
                below, above = join(self.optional() or []), join(self.argument())
                arrow = COMMAND_OF.get(_ARROWS[name], _ARROWS[name])
                _push(atoms, _over_and_under(above, below, arrow))
                return
            arguments = [join(self.argument()) for _ in range(count)]
            if token == r"\overset":
                _push(atoms, _over_and_under(arguments[0], "", arguments[1]))
            elif token == r"\underset":
                _push(atoms, _over_and_under("", arguments[0], arguments[1]))
            else:
                atoms.append(token + "".join(f"{{{argument}}}" for argument in arguments))
            return
        char = CHAR_OF.get(name) if name != "|" else None
        _push(atoms, COMMAND_OF.get(char, char) if char is not None else token)

    def dimension(self) -> None:
        """Skips `-1.5em plus 1fil`-like text after a kern."""
        while self.peek() and (self.peek() in "+-.0123456789"):
            self.at += 1
        if "".join(self.toks[self.at : self.at + 2]) in _UNITS:
            self.at += 2

    def negation(self, atoms: list[str]) -> None:
        negated = [atom for atom in self.argument() if atom]
        if not negated:
            return
        char = CHAR_OF.get(negated[0][1:], negated[0]) if len(negated[0]) > 1 else negated[0]
        char = _NEGATED_SLANT.get(char, char)
        composed = unicodedata.normalize("NFC", char + "\u0338")
        if len(composed) == 1:
            atoms.extend([COMMAND_OF.get(composed, composed), *negated[1:]])
        else:
            atoms.extend([f"\\not{{{negated[0]}}}", *negated[1:]])

    def general_fraction(self, atoms: list[str]) -> None:
        left, right, thickness = (join(self.argument()) for _ in range(3))
        self.argument()
        upper, lower = join(self.argument()), join(self.argument())
        bar = thickness == "" or any(digit in thickness for digit in "123456789")
        inner = _stacked(r"\frac" if bar else r"\atop", upper, lower)
        if (left, right) == ("(", ")") and not bar:
            atoms.append(f"\\binom{{{upper}}}{{{lower}}}")
        else:
            for part in (left, inner, right):
                if part and part != ".":
                    _push(atoms, part)

    def environment(self, name: str, atoms: list[str]) -> None:
        plain = name.removesuffix("*")
        if plain in _WITH_SPECIFICATION:
            self.optional()
            self.argument()
        elif self.peek() == "[" and (plain in _ALIGNED or plain in MATRIX_FENCES) and name != plain:
            self.optional()
        if plain in _TRANSPARENT:
            body = self.sequence()
            self.end()
            for part in body:
                _push(atoms, part)
            return
        aligned = plain in _ALIGNED
        body_text = self.rows(keep_cells=not aligned)
        self.end()
        left, right = MATRIX_FENCES.get(plain, ("", ""))
        canonical = "matrix" if aligned or plain in MATRIX_FENCES else plain
        if left:
            atoms.append(left)
        # A one-row alignment is just its content.
        if aligned and r"\\" not in body_text:
            for part in _Parser(tokens(body_text)).top():
                _push(atoms, part)
        else:
            atoms.append(f"\\begin{{{canonical}}}{body_text}\\end{{{canonical}}}")
        if right:
            atoms.append(right)

    def end(self) -> None:
        if self.peek().startswith(r"\end"):
            self.at += 1

    def rows(self, *, keep_cells: bool) -> str:
        r"""Rows of an environment or of \substack's argument, cells normalised one by one."""
        braced = (
            self.peek() == "{" and keep_cells and self.at and self.toks[self.at - 1] == r"\substack"
        )
        if braced:
            self.at += 1
        rows: list[str] = []
        cells: list[str] = []
        while True:
            cells.append(join(self.sequence()))
            token = self.peek()
            if token == "&":
                self.at += 1
            elif token in _ROW_ENDS:
                self.at += 1
                self.row_space()
                rows.append(_row(cells, keep_cells))
                cells = []
            elif token == "}" and not braced:
                self.at += 1  # a stray closer inside the environment
            else:
                break
        if braced:
            self.close()
        rows.append(_row(cells, keep_cells))
        while rows and not rows[-1].strip("&"):
            rows.pop()
        return r"\\".join(rows)

    def row_space(self) -> None:
        if self.peek() == "*":
            self.at += 1
        if self.peek() == "[":
            inside = "".join(self.toks[self.at + 1 : self.at + 12]).partition("]")
            if inside[1] and _LENGTH.fullmatch(inside[0]):
                self.at += len(inside[0]) + 2


def _over_and_under(over: str, under: str, base: str) -> str:
    r"""Text over and under a base, \overset outside: the order of the two is no difference."""
    if under and not over and base.startswith(r"\overset{"):
        split = group_end(base, len(r"\overset{"))
        over, base = base[len(r"\overset{") : split], base[split + 2 : -1]
    if under and not over and _takes_limits(base):
        # \underset{x}{\mathrm{argmin}} and \operatorname*{argmin}_x are drawn alike
        return f"{base}_{{{under}}}"
    if under:
        base = f"\\underset{{{under}}}{{{base}}}"
    return f"\\overset{{{over}}}{{{base}}}" if over else base


def _takes_limits(base: str) -> bool:
    if base.startswith(r"\mathrm{"):
        return base[8:-1].isalpha() and base[8:-1].islower() and len(base) > 11
    return base[1:] in LIMIT_FUNCTIONS and base[0] == "\\"


def _stacked(command: str, upper: str, lower: str) -> str:
    if command == r"\atop":
        return "{" + join([upper, r"\atop", lower]) + "}"
    return f"{command}{{{upper}}}{{{lower}}}"


def _row(cells: list[str], keep_cells: bool) -> str:
    if keep_cells:
        return "&".join(cells).rstrip("&")
    return join(cells)


def _bare_script(atom: str) -> str:
    if atom.startswith(r"{}^{\prime") and _closes_once(atom[4:]):
        return atom[4:-1]
    return atom


def _push(atoms: list[str], atom: str) -> None:
    """Appends an atom, merging words of one font and naming functions."""
    if not atom:
        return
    if atom[0] == "\\":
        command, brace, rest = atom.partition("{")
        if brace and command in _FONTS and rest.endswith("}") and _closes_once(rest):
            content = rest[:-1]
            before = atoms[-1] if atoms else ""
            if before.startswith(command + "{") and _closes_once(before[len(command) + 1 :]):
                content = join([before[len(command) + 1 : -1], content])
                atoms.pop()
            inner, brace, tail = content.partition("{")
            if command == r"\mathrm" and brace and inner in _FONTS and _closes_once(tail):
                atom = content
            elif command == r"\mathrm" and content in FUNCTIONS:
                atom = "\\" + content
            elif command == r"\mathrm" and _is_symbolic(content):
                atoms.extend(tokens(content))
                return
            else:
                atom = f"{command}{{{content}}}"
    atoms.append(atom)


def _is_symbolic(content: str) -> bool:
    """Digits and punctuation look the same upright."""
    return content.isascii() and not any(char.isalpha() or char in "\\{}" for char in content)


def _closes_once(rest: str) -> bool:
    """Whether `rest`, the text after an opening brace, closes that brace only at its end."""
    if "{" not in rest:
        return rest.find("}") == len(rest) - 1
    return group_end(rest, 0) == len(rest) - 1


_ROW_ENDS = frozenset({r"\\", r"\cr", r"\newline", r"\tabularnewline"})
_ENDS = frozenset({"}", "&"}) | _ROW_ENDS
_SCRIPTS_AND_PRIME = frozenset({"^", "_", "'"})
_ARROWS = {
    "xrightarrow": "→", "xleftarrow": "←", "xleftrightarrow": "↔", "xRightarrow": "⇒",
    "xLeftarrow": "⇐", "xLeftrightarrow": "⇔", "xmapsto": "↦", "xhookrightarrow": "↪",
    "xhookleftarrow": "↩", "xrightleftharpoons": "⇌", "xleftrightharpoons": "⇋",
    "xrightharpoonup": "⇀", "xrightharpoondown": "⇁", "xleftharpoonup": "↼",
    "xleftharpoondown": "↽",
}  # fmt: skip
_UNITS = frozenset(["em", "ex", "pt", "mu", "cm", "mm", "in", "pc", "bp", "sp", "dd", "cc"])
_LENGTH = re.compile(r"-?[\d.,]*(?:em|ex|pt|mu|cm|mm|in|pc|\\[a-z]+)")
_DELIMITERS_AFTER_SIZE = {
    ".": "",
    "<": r"\langle",
    ">": r"\rangle",
    r"\lt": r"\langle",
    r"\gt": r"\rangle",
}
