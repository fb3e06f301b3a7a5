"""What every mathematical character is called in TeX, and which commands mean the same.

The tables are data: one line a character, its preferred command first, then the synonyms that print
the same character. They serve the converters (character -> command) and the normal form (command ->
one name per meaning).
"""

from __future__ import annotations

import unicodedata


def names(text: str) -> list[str]:
    """The words of a table written as text."""
    return text.split()


# Characters with their TeX names. Where TeX has two looks of one Unicode character (\subsetneq and
# \varsubsetneq), both are listed: MathML and plain text carry the character only.
_SYMBOLS = r"""
α alpha
β beta
γ gamma
δ delta
ε varepsilon
ζ zeta
η eta
θ theta
ι iota
κ kappa
λ lambda
μ mu
ν nu
ξ xi
π pi
ρ rho
ς varsigma
σ sigma
τ tau
υ upsilon
φ varphi
χ chi
ψ psi
ω omega
ϑ vartheta thetasym
ϕ phi
ϖ varpi
ϝ digamma
ϰ varkappa
ϱ varrho
ϵ epsilon
Γ Gamma varGamma
Δ Delta varDelta
Θ Theta varTheta
Λ Lambda varLambda
Ξ Xi varXi
Π Pi varPi
Σ Sigma varSigma
Υ Upsilon varUpsilon
Φ Phi varPhi
Ψ Psi varPsi
Ω Omega varOmega
ı imath
ȷ jmath
ℏ hbar hslash
ℓ ell
℘ wp weierp
ℜ Re real
ℑ Im image
ℵ aleph alef alefsym
ℶ beth
ℷ gimel
ℸ daleth
℧ mho
Ⅎ Finv
⅁ Game
ð eth
∂ partial part
∇ nabla
∞ infty infin
∅ emptyset varnothing empty O
∀ forall
∃ exists exist
∄ nexists
∁ complement
∠ angle ang
∡ measuredangle
∢ sphericalangle
⊤ top
⊥ bot perp
¬ neg lnot
♭ flat
♮ natural
♯ sharp
♠ spadesuit spades
♡ heartsuit hearts
♢ diamondsuit diamonds
♣ clubsuit clubs
✓ checkmark
✠ maltese
Ⓢ circledS
® circledR
¥ yen
£ pounds
§ S sect
¶ P
© copyright
† dagger dag
‡ ddagger ddag Dagger
′ prime
‵ backprime
√ surd
◊ lozenge Diamond
◆ blacklozenge
□ square Box
■ blacksquare
▪ smblksquare
△ triangle bigtriangleup vartriangle
▽ bigtriangledown triangledown
▲ blacktriangle
▼ blacktriangledown
▷ triangleright
◁ triangleleft
▶ blacktriangleright
◀ blacktriangleleft
★ bigstar
◯ bigcirc
╱ diagup
╲ diagdown
∑ sum
∏ prod
∐ coprod
∫ int intop smallint
∬ iint
∭ iiint
⨌ iiiint
∮ oint
∯ oiint
∲ varointclockwise
∳ ointctrclockwise
∰ oiiint
⋀ bigwedge
⋁ bigvee
⋂ bigcap
⋃ bigcup
⨀ bigodot
⨁ bigoplus
⨂ bigotimes
⨃ bigcupdot
⨄ biguplus
⨅ bigsqcap
⨆ bigsqcup
± pm plusmn
∓ mp
× times
÷ div
⋅ cdot sdot cdotp centerdot
∗ ast
⋆ star
∘ circ
∙ bullet bull
• textbullet
⊕ oplus
⊖ ominus
⊗ otimes
⊘ oslash
⊙ odot
⊚ circledcirc
⊛ circledast
⊝ circleddash
⊞ boxplus
⊟ boxminus
⊠ boxtimes
⊡ boxdot
∩ cap
∪ cup
⊎ uplus
⊓ sqcap
⊔ sqcup
∧ wedge land and
∨ vee lor or
⊻ veebar
⊼ barwedge
⩞ doublebarwedge
⋎ curlyvee
⋏ curlywedge
⋒ Cap doublecap
⋓ Cup doublecup
∖ setminus smallsetminus
≀ wr
⨿ amalg
⋄ diamond
⋇ divideontimes
⋉ ltimes
⋊ rtimes
⋋ leftthreetimes
⋌ rightthreetimes
∔ dotplus
⊺ intercal
⊸ multimap
= Relbar eq
≠ ne neq
≡ equiv
≢ nequiv
≤ le leq
≥ ge geq
≦ leqq
≧ geqq
≨ lneqq lvertneqq
≩ gneqq gvertneqq
⩽ leqslant
⩾ geqslant
≪ ll
≫ gg
⋘ lll llless
⋙ ggg gggtr
≬ between
≮ nless
≯ ngtr
≰ nleq nleqq nleqslant
≱ ngeq ngeqq ngeqslant
⪇ lneq
⪈ gneq
≲ lesssim
≳ gtrsim
⪅ lessapprox
⪆ gtrapprox
⋦ lnsim
⋧ gnsim
⪉ lnapprox
⪊ gnapprox
≶ lessgtr
≷ gtrless
⋚ lesseqgtr
⋛ gtreqless
⪋ lesseqqgtr
⪌ gtreqqless
⋖ lessdot
⋗ gtrdot
⪕ eqslantless
⪖ eqslantgtr
≺ prec
≻ succ
⪯ preceq
⪰ succeq
≼ preccurlyeq
≽ succcurlyeq
≾ precsim
≿ succsim
⪷ precapprox
⪸ succapprox
⊀ nprec
⊁ nsucc
⋠ npreceq
⋡ nsucceq
⪵ precneqq
⪶ succneqq
⋨ precnsim
⋩ succnsim
⪹ precnapprox
⪺ succnapprox
⋞ curlyeqprec
⋟ curlyeqsucc
∼ sim thicksim
≁ nsim
≃ simeq
≂ eqsim
≅ cong
≇ ncong
≈ approx thickapprox
≉ napprox
≊ approxeq
∽ backsim
⋍ backsimeq
≍ asymp
≎ Bumpeq
≏ bumpeq
≐ doteq
≑ doteqdot Doteq
≒ fallingdotseq
≓ risingdotseq
≖ eqcirc
≗ circeq
≜ triangleq
≔ coloneqq coloneq
≕ eqqcolon
∝ propto varpropto
∈ in isin
∉ notin
∋ ni owns
∌ notni
϶ backepsilon
⊂ subset sub
⊃ supset
⊆ subseteq sube
⊇ supseteq supe
⊄ nsubset
⊅ nsupset
⊈ nsubseteq nsubseteqq
⊉ nsupseteq nsupseteqq
⊊ subsetneq varsubsetneq
⊋ supsetneq varsupsetneq
⫅ subseteqq
⫆ supseteqq
⫋ subsetneqq varsubsetneqq
⫌ supsetneqq varsupsetneqq
⋐ Subset
⋑ Supset
⊏ sqsubset
⊐ sqsupset
⊑ sqsubseteq
⊒ sqsupseteq
⊢ vdash
⊣ dashv
⊨ models vDash
⊩ Vdash
⊪ Vvdash
⊬ nvdash
⊭ nvDash
⊮ nVdash
⊯ nVDash
⊲ vartriangleleft lhd
⊳ vartriangleright rhd
⊴ trianglelefteq unlhd
⊵ trianglerighteq unrhd
⋪ ntriangleleft
⋫ ntriangleright
⋬ ntrianglelefteq
⋭ ntrianglerighteq
∣ mid shortmid
∤ nmid nshortmid
∥ parallel shortparallel
∦ nparallel nshortparallel
⋈ bowtie Join
⌢ frown smallfrown
⌣ smile smallsmile
⋔ pitchfork
∴ therefore
∵ because
← leftarrow gets larr
→ rightarrow to rarr
↑ uparrow uarr
↓ downarrow darr
↔ leftrightarrow lrarr harr
↕ updownarrow
⇐ Leftarrow Larr lArr
⇒ Rightarrow Rarr rArr
⇑ Uparrow Uarr uArr
⇓ Downarrow Darr dArr
⇔ Leftrightarrow Harr hArr Lrarr lrArr
⇕ Updownarrow
⟵ longleftarrow
⟶ longrightarrow
⟷ longleftrightarrow
⟸ Longleftarrow impliedby
⟹ Longrightarrow implies
⟺ Longleftrightarrow iff
↦ mapsto
⟼ longmapsto
↖ nwarrow
↗ nearrow
↘ searrow
↙ swarrow
↚ nleftarrow
↛ nrightarrow
↮ nleftrightarrow
⇍ nLeftarrow
⇏ nRightarrow
⇎ nLeftrightarrow
↞ twoheadleftarrow
↠ twoheadrightarrow
↢ leftarrowtail
↣ rightarrowtail
↩ hookleftarrow
↪ hookrightarrow
↫ looparrowleft
↬ looparrowright
↭ leftrightsquigarrow
⇝ leadsto rightsquigarrow
↰ Lsh
↱ Rsh
↶ curvearrowleft
↷ curvearrowright
↺ circlearrowleft
↻ circlearrowright
↼ leftharpoonup
↽ leftharpoondown
⇀ rightharpoonup
⇁ rightharpoondown
↾ upharpoonright restriction
↿ upharpoonleft
⇂ downharpoonright
⇃ downharpoonleft
⇄ rightleftarrows
⇆ leftrightarrows
⇇ leftleftarrows
⇉ rightrightarrows
⇈ upuparrows
⇊ downdownarrows
⇋ leftrightharpoons
⇌ rightleftharpoons
⇚ Lleftarrow
⇛ Rrightarrow
⇠ dashleftarrow
⇢ dashrightarrow dasharrow
… ldots dots dotsc dotso hellip textellipsis
⋯ cdots dotsb dotsm dotsi
⋮ vdots
⋱ ddots
⋰ iddots
⌈ lceil
⌉ rceil
⌊ lfloor
⌋ rfloor
⟨ langle lang
⟩ rangle rang
⟦ llbracket lBrack
⟧ rrbracket rBrack
⟮ lgroup
⟯ rgroup
⎰ lmoustache
⎱ rmoustache
⌜ ulcorner
⌝ urcorner
⌞ llcorner
⌟ lrcorner
‖ Vert | lVert rVert Arrowvert
| vert lvert rvert
{ { lbrace
} } rbrace
[ lbrack
] rbrack
\ backslash textbackslash
# #
$ $ textdollar
% %
& & And
_ _ textunderscore
° degree
Ϙ Coppa
ϙ coppa
Ϟ Koppa
ϟ koppa
Ϛ Stigma
ϛ stigma
Ϡ Sampi
ϡ sampi
Å AA
å aa
Æ AE
æ ae
Œ OE
œ oe
Ø Oslash
ß ss
ł l
Ł L
"""

# Commands whose character is typed as itself: TeX writes `[`, not \lbrack.
_TYPED = frozenset("[]|=")

COMMAND_OF: dict[str, str] = {}
"""Character -> preferred command with its backslash, e.g. ``'≤' -> '\\le'``."""

CHAR_OF: dict[str, str] = {}
"""Command without backslash -> the character it prints, e.g. ``'leq' -> '≤'``."""

for _line in _SYMBOLS.split("\n"):
    if not _line:
        continue
    _char, *_names = _line.split(" ")
    if _char not in _TYPED:
        COMMAND_OF[_char] = "\\" + _names[0]
    for _name in _names:
        CHAR_OF[_name] = _char

# Characters that mean the same as a listed one: compatibility forms, other fonts' code points.
_SAME_AS = {
    "−": "-", "‐": "-", "‑": "-", "﹣": "-", "－": "-", "﹢": "+", "＋": "+", "＝": "=",
    "⁎": "*", "✻": "*", "·": "⋅", "‧": "⋅", "・": "⋅", "∕": "/", "⁄": "/",
    "∶": ":", "：": ":", "，": ",", "；": ";", "（": "(", "）": ")", "＜": "<", "＞": ">",
    "ϐ": "β", "\u2126": "Ω", "\u00b5": "μ", "\u212a": "K", "\u212b": "Å", "∊": "∈", "⋲": "∈",
    "ℎ": "h", "⩵": "==",
    "\u2329": "⟨", "\u232a": "⟩", "\u3008": "⟨", "\u3009": "⟩", "⧼": "⟨", "⧽": "⟩",
    "⟂": "⊥", "⫫": "⊥⊥", "∆": "Δ", "◻": "□", "◼": "■", "▫": "□", "▵": "△", "▿": "▽", "▴": "▲",
    "▾": "▼", "▹": "▷", "◃": "◁", "▸": "▶", "◂": "◀", "∎": "■", "◦": "∘", "○": "◯", "●": "∙",
    "⨯": "×", "✕": "×", "⨉": "×", "ǀ": "|", "❘": "∣", "│": "|", "¦": "|",
    "☆": "⋆", "￢": "¬", "⊧": "⊨", "⊦": "⊢",
    "⥂": "→", "➔": "→", "➝": "→", "➞": "→", "⭢": "→", "⟿": "⇝", "↝": "⇝", "⤳": "⇝",
    "≣": "≡", "⩳": "≈", "∻": "∼", "～": "∼", "˜": "∼", "≘": "≙", "⪡": "≪", "⪢": "≫",
    "⪳": "⪵", "⪴": "⪶", "◇": "◊", "⧫": "◆", "⌀": "∅", "≆": "≇", "◎": "⊚", "⌅": "⊼", "⌆": "⩞", "⧵": "∖", "Ϝ": "ϝ", "∍": "϶", "⬦": "⋄",
    "⎯": "-", "─": "-", "―": "—", "\u2061": "", "\u2062": "", "\u2063": "",
    "\u2064": "", "\u200b": "", "\u200c": "", "\u200d": "", "\ufeff": "", "\ufe00": "",
    "\ufe0e": "", "\ufe0f": "", "\u00ad": "", "\u2060": "",
}  # fmt: skip

# Not a single command, but a TeX spelling that prints the character.
_SPELLED = {
    "⊄": r"\not\subset", "⊅": r"\not\supset", "≢": r"\not\equiv", "≉": r"\not\approx", "≙": r"\stackrel{\wedge}{=}", "″": "''", "‴": "'''",
    "⁗": "''''", "≝": r"\stackrel{\mathrm{def}}{=}", "∱": r"\int", "⨍": r"\int", "½": r"\frac{1}{2}",
    "⅓": r"\frac{1}{3}", "¼": r"\frac{1}{4}", "¾": r"\frac{3}{4}", "⅔": r"\frac{2}{3}",
    "⅛": r"\frac{1}{8}", "²": "^{2}", "³": "^{3}", "¹": "^{1}", "⁰": "^{0}", "ⁿ": "^{n}",
    "⁴": "^{4}", "⁵": "^{5}", "⁶": "^{6}", "⁷": "^{7}", "⁸": "^{8}", "⁹": "^{9}", "⁻": "^{-}",
    "⁺": "^{+}", "₀": "_{0}", "₁": "_{1}", "₂": "_{2}", "₃": "_{3}", "₄": "_{4}", "₅": "_{5}",
    "₆": "_{6}", "₇": "_{7}", "₈": "_{8}", "₉": "_{9}", "₊": "_{+}", "₋": "_{-}", "ₙ": "_{n}",
    "ₓ": "_{x}", "ₖ": "_{k}", "ᵢ": "_{i}", "ⱼ": "_{j}", "ᵀ": "^{T}",
    "~": r"\sim", "^": r"\hat{}", "’": "'", "‘": "`", "€": r"\text{€}", "∷": "::",
    "⊥⊥": r"\perp\!\!\!\perp",
    "\u00a0": r"\ ", "\u2002": r"\enspace ", "\u2003": r"\quad ", "\u2004": r"\;", "\u2005": r"\:",
    "\u2006": r"\,", "\u2007": r"\ ", "\u2008": r"\,", "\u2009": r"\,", "\u200a": r"\,",
    "\u202f": r"\,", "\u205f": r"\:", "\u3000": r"\quad ",
}  # fmt: skip

FONT_COMMAND = {
    "bold": r"\mathbf",
    "bold-italic": r"\boldsymbol",
    "double-struck": r"\mathbb",
    "script": r"\mathcal",
    "bold-script": r"\boldsymbol{\mathcal",
    "fraktur": r"\mathfrak",
    "bold-fraktur": r"\boldsymbol{\mathfrak",
    "sans-serif": r"\mathsf",
    "bold-sans-serif": r"\boldsymbol{\mathsf",
    "sans-serif-italic": r"\mathsf",
    "sans-serif-bold-italic": r"\boldsymbol{\mathsf",
    "monospace": r"\mathtt",
    "normal": r"\mathrm",
    "italic": r"\mathit",
}
"""MathML `mathvariant` -> the font command around it; a command with an open brace needs two
closes."""


def in_font(variant: str, tex: str) -> str:
    """`tex` set in a MathML `mathvariant`: ``in_font('double-struck', 'R') == '\\mathbb{R}'``."""
    command = FONT_COMMAND[variant]
    return f"{command}{{{tex}}}" + ("}" if "{" in command else "")


FONT_OF: dict[str, tuple[str, str]] = {}
"""Styled character -> (mathvariant, plain character), e.g. ``'ℝ' -> ('double-struck', 'R')``."""

_STYLE_NAMES = {
    "BOLD": "bold",
    "ITALIC": "italic",
    "BOLD ITALIC": "bold-italic",
    "SCRIPT": "script",
    "BOLD SCRIPT": "bold-script",
    "FRAKTUR": "fraktur",
    "BOLD FRAKTUR": "bold-fraktur",
    "DOUBLE-STRUCK": "double-struck",
    "SANS-SERIF": "sans-serif",
    "SANS-SERIF BOLD": "bold-sans-serif",
    "SANS-SERIF ITALIC": "sans-serif-italic",
    "SANS-SERIF BOLD ITALIC": "sans-serif-bold-italic",
    "MONOSPACE": "monospace",
}


def _styled_characters() -> None:
    for code in range(0x1D400, 0x1D800):
        name = unicodedata.name(chr(code), "")
        if not name:
            continue
        style = name.removeprefix("MATHEMATICAL ")
        for marker in (" CAPITAL", " SMALL", " DIGIT", " NABLA", " PARTIAL", " EPSILON", " THETA"):
            style = style.split(marker)[0]
        for marker in (" KAPPA", " PHI", " RHO", " PI", " DOTLESS"):
            style = style.split(marker)[0]
        variant = _STYLE_NAMES.get(style)
        if variant is not None:
            FONT_OF[chr(code)] = (variant, unicodedata.normalize("NFKC", chr(code)))
    # The letters that Unicode had before the block, and the Greek symbols NFKC folds too far.
    for char, variant, plain in zip(
        "ℂℍℕℙℚℝℤℬℰℱℋℐℒℳℛℊℯℴℭℌℨⅅⅆⅇⅈⅉℽℾℼℿ",
        ["double-struck"] * 7 + ["script"] * 11 + ["fraktur"] * 3 + ["double-struck"] * 9,
        "CHNPQRZBEFHILMRgeoCHZDdeijγΓπΠ",
        strict=True,
    ):
        FONT_OF[char] = (variant, plain)
    for offset, variant in ((0x1D6DC, "bold"), (0x1D716, "italic"), (0x1D750, "bold-italic"),
                            (0x1D78A, "bold-sans-serif"), (0x1D7C4, "sans-serif-bold-italic")):  # fmt: skip
        for index, plain in enumerate("ϵϑϰϕϱϖ"):
            FONT_OF[chr(offset + index)] = (variant, plain)
    FONT_OF["𝟊"] = ("bold", "Ϝ")
    FONT_OF["𝟋"] = ("bold", "ϝ")


_styled_characters()

_MIRRORED_LATIN = {  # Greek capitals that TeX spells with Latin letters
    "Α": "A", "Β": "B", "Ε": "E", "Ζ": "Z", "Η": "H", "Ι": "I", "Κ": "K", "Μ": "M", "Ν": "N",
    "Ο": "O", "Ρ": "P", "Τ": "T", "Χ": "X", "ο": "o", "ϴ": "Θ", "ϒ": "Υ",
}  # fmt: skip

PLAIN_TEX: dict[str, str] = {}
for _char in [*COMMAND_OF, *_SAME_AS, *_SPELLED, *_MIRRORED_LATIN]:
    _tex = _SPELLED.get(_char)
    if _tex is None:
        _same = _SAME_AS.get(_char, _MIRRORED_LATIN.get(_char, _char))
        _tex = _SPELLED.get(_same) or COMMAND_OF.get(_same, _same)
    PLAIN_TEX[_char] = _tex
for _char, (_variant, _plain) in FONT_OF.items():
    _tex = PLAIN_TEX.get(_plain, _plain)
    PLAIN_TEX[_char] = _tex if _variant == "italic" else in_font(_variant, _tex)


def char_to_tex(char: str) -> str:
    """One character as TeX in math mode; a character without a TeX name is returned as it is."""
    return PLAIN_TEX.get(char, char)


FUNCTIONS = frozenset(
    names(
        r"""
    arccos arcsin arctan arg cos cosh cot coth csc deg det dim exp gcd hom inf injlim ker lg lim
    liminf limsup ln log max min Pr projlim sec sin sinh sup tan tanh
    """
    )
)
"""Names that TeX sets as operators by a command of their own."""

LIMIT_FUNCTIONS = frozenset(
    names(
        r"""
    det gcd inf injlim lim liminf limsup max min Pr projlim sup argmax argmin
    """
    )
)
"""Those of them (and kin) whose subscript is set below in display mode."""

OPERATOR_NAMES = frozenset(
    names(
        r"""
    sech csch arsinh arcosh artanh arcsinh arccosh arctanh arccot arcsec arccsc sgn sign rank tr
    Tr trace diag span Span Hom End Aut Ext Tor Gal Spec Proj Res res ord lcm mod Var Cov var
    cov erf erfc grad div curl supp vol Vol adj im coker codim rad conv diam card tg
    ctg arctg argmax argmin argsup arginf esssup essinf sinc GL SL SO
    SU Sp Lie cosec cosech cis log10 proj nul null softmax logit
    relu
    """
    )
)
"""Function names without a command: \\operatorname{...}."""

LARGE_OPERATORS = frozenset("∑∏∐∫∬∭⨌∮∯∰⋀⋁⋂⋃⨀⨁⨂⨃⨄⨅⨆∱∲∳⨊⨋")

OVER_ACCENTS = {
    "^": "hat", "ˆ": "hat", "̂": "hat", "~": "tilde", "˜": "tilde", "̃": "tilde", "∼": "tilde",
    "¯": "bar", "ˉ": "bar", "̄": "bar", "‾": "overline", "_": "overline", "―": "overline",
    "─": "overline", "̅": "overline", "⎯": "overline", "–": "overline", "−": "overline", "→": "vec", "⃗": "vec", "⇀": "vec",
    "˙": "dot", ".": "dot", "̇": "dot", "⋅": "dot", "·": "dot", "¨": "ddot", "̈": "ddot",
    "⃛": "dddot", "⃜": "ddddot", "ˇ": "check", "̌": "check", "˘": "breve", "̆": "breve",
    "´": "acute", "ˊ": "acute", "́": "acute", "`": "grave", "ˋ": "grave", "̀": "grave",
    "˚": "mathring", "̊": "mathring", "⏞": "overbrace", "︷": "overbrace", "⏜": "overparen",
    "⌢": "overparen", "⎴": "overbracket", "←": "overleftarrow", "⃖": "overleftarrow",
    "↔": "overleftrightarrow", "⃡": "overleftrightarrow", "↼": "overleftharpoon",
    "⟶": "overrightarrow", "⟵": "overleftarrow", "...": "dddot", "....": "ddddot",
    "⏠": "overgroup", "⃑": "vec",
}  # fmt: skip
"""Accent above -> command, for a base of one letter."""

WIDE_ACCENTS = {
    "hat": "widehat",
    "tilde": "widetilde",
    "bar": "overline",
    "vec": "overrightarrow",
    "check": "widecheck",
}
"""The same accents over more than one letter."""

UNDER_ACCENTS = {
    "_": "underline", "¯": "underline", "ˉ": "underline", "‾": "underline", "̲": "underline",
    "―": "underline", "─": "underline", "⎯": "underline", "–": "underline", "−": "underline", "̱": "underline", "⏟": "underbrace",
    "︸": "underbrace", "⏝": "underparen", "⌣": "underparen", "⎵": "underbracket",
    "→": "underrightarrow", "←": "underleftarrow", "↔": "underleftrightarrow",
    "~": "utilde", "˜": "utilde", "̰": "utilde", "⏡": "undergroup",
}  # fmt: skip

ARITY = {
    **dict.fromkeys(
        names(
            r"""
    frac dfrac tfrac cfrac binom dbinom tbinom overset underset stackrel stackbin textcolor
    colorbox sideset href class style cssId htmlClass htmlId htmlStyle htmlData
    """
        ),
        2,
    ),
    **dict.fromkeys(
        names(
            r"""
    sqrt hat widehat tilde widetilde bar overline underline vec dot ddot dddot ddddot check
    widecheck breve acute grave mathring overbrace underbrace overparen underparen overbracket
    underbracket overleftarrow overrightarrow overleftrightarrow underleftarrow underrightarrow
    underleftrightarrow overleftharpoon overrightharpoon utilde overgroup undergroup mathbb
    mathbf mathcal mathfrak mathit mathnormal mathrm mathscr mathsf mathtt mathbin mathrel
    mathop mathord mathopen mathclose mathpunct mathinner boldsymbol bm pmb bold Bbb
    operatorname operatorname* operatornamewithlimits phantom hphantom vphantom smash boxed fbox
    cancel bcancel xcancel text textrm textit textbf textsf texttt textnormal textup mbox
    hbox substack pmod pod tag tag* label ref eqref color hspace hspace* vspace mspace
    xrightarrow xleftarrow xleftrightarrow xRightarrow xLeftarrow xLeftrightarrow xmapsto
    xhookrightarrow xhookleftarrow xrightleftharpoons xleftrightharpoons xrightharpoonup
    xrightharpoondown xleftharpoonup xleftharpoondown ce pu ensuremath llap rlap clap
    mathllap mathrlap mathclap bra ket Bra Ket braket Braket set Set underbar symbf
    symbfit symbb symcal symscr symfrak symrm symsf symit symtt textsc
    """
        ),
        1,
    ),
    "genfrac": 6,
}
"""Number of required arguments of the commands that take any; \\sqrt's optional one is apart."""

_STRUCTURE = names(
    r"""
    left right middle big Big bigg Bigg bigl bigr bigm Bigl Bigr Bigm biggl biggr biggm Biggl
    Biggr Biggm begin end over atop above choose brack brace limits nolimits displaystyle
    textstyle scriptstyle scriptscriptstyle quad qquad enspace thinspace medspace thickspace
    negthinspace negmedspace negthickspace hfill hskip kern mkern mskip mspace hspace vspace
    space nobreakspace nonumber notag rm bf it sf tt cal mit scr frak Bbb tiny small large Large
    LARGE huge Huge normalsize footnotesize scriptsize hline cline hdashline multicolumn cr
    newline eqno leqno intertext shortintertext vline bmod mod pmod pod not strut mathstrut null
    relax protect allowbreak nobreak break par noindent centering label ref eqref tag unicode
    mathchoice rule require newcommand renewcommand def let DeclareMathOperator buildrel root of
    matrix pmatrix cases eqalign displaylines varinjlim varprojlim varliminf varlimsup injlim
    projlim smallint idotsint cdotp ldotp colon dots dotsc dotsb dotsm dotsi dotso mathcolor
    definecolor verb overunderset longequal leftroot uproot moveleft moveright raise lower hfil
    bigcirc TeX LaTeX R N Z Q C H reals natnums cnums Complex Reals Alpha Beta Epsilon Zeta Eta
    Iota Kappa Mu Nu Omicron omicron Rho Tau Chi lbrace rbrace lt gt le ge backslash gets to dv
    pdv dd qty abs norm eval order vb va vu grad div curl laplacian ev expval mel SI si num unit
    qtyrange numrange numlist SIrange qtylist ang tfrac cfrac enclose bbox degree celsius textdegree circledR Vec arccot arcsec arccsc sech
    csch sgn tr lcm
    """
)

_PACKAGES = names(
    r"""
    per squared cubed square cubic raiseto tothe of cancel highlight ampere candela kelvin kilogram
    metre meter mole second becquerel coulomb farad gray hertz henry joule lumen katal lux newton ohm
    pascal radian siemens sievert steradian tesla volt watt weber astronomicalunit bel dalton day
    decibel electronvolt hectare hour litre liter minute arcminute arcsecond neper tonne percent
    bar barn angstrom atmosphere knot mmHg bit byte gram celsius degreeCelsius elementarycharge
    yocto zepto atto femto pico nano micro milli centi deci deca deka hecto kilo mega giga tera peta
    exa zetta yotta kibi mebi gibi tebi
    kg mg ug g s ms us ns ps m km cm mm um nm pm A mA kA K mol mmol Hz kHz MHz GHz N kN Pa kPa MPa J kJ
    eV keV MeV GeV W mW kW MW V mV kV L mL l ml F C
    xymatrix ar arrow AxiomC UnaryInfC BinaryInfC TrinaryInfC QuaternaryInfC LeftLabel RightLabel
    noLine singleLine doubleLine DisplayProof Axiom UnaryInf BinaryInf fCenter infer cee cf chemfig
    """
)
"""Commands of siunitx, mhchem, Xy-pic, tikz-cd and bussproofs."""

KNOWN_COMMANDS = frozenset(
    {*CHAR_OF, *ARITY, *_STRUCTURE, *_PACKAGES, *FUNCTIONS, *map(str.strip, ",;:!>")}
    | set("aeioucdbtHkrvl'`^\"~=.")
)
"""Command names (no backslash) that TeX, AMS, MathJax or KaTeX define; others are macros of the
page."""

_REDEFINED = names(
    r"""
    reals natnums cnums Complex Reals dv pdv dd qty abs norm eval order vb va vu grad div curl laplacian
    ev expval mel SI si num unit qtyrange ang degree celsius Vec arccot arcsec arccsc sech csch sgn tr lcm
    """
)
CORE_COMMANDS = frozenset(
    name
    for name in KNOWN_COMMANDS
    if name not in _REDEFINED and name not in _PACKAGES and not (len(name) == 1 and name.isalpha())
)
r"""Those whose meaning a page does not change: `\P`, `\R` or `\abs` are what the page says they are."""
