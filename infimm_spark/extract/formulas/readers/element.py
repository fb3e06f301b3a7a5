"""A small element tree that all converters work on, and how Lexbor's nodes become one.

Converters visit elements children first by going through `Tree.elements` backwards: no recursion,
so depth costs nothing.
"""

from __future__ import annotations

from selectolax.lexbor import LexborNode

MAX_ELEMENTS = 50_000
"""Elements of the largest formula that is converted."""


class ConversionError(Exception):
    """A formula was found and cannot be turned into LaTeX; `reason` is a short constant for the
    ledger."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Element:
    """One element: its tag without prefix, attributes, children and (for token elements) text.

    `tex` and `kind` are filled in by a converter; `variant` is the math variant in force.
    """

    __slots__ = ("attrs", "kids", "kind", "tag", "tall", "tex", "text", "variant")

    def __init__(
        self, tag: str, attrs: dict[str, str | None] | None = None, text: str = ""
    ) -> None:
        self.tag = tag
        self.attrs = attrs if attrs is not None else {}
        self.kids: list[Element] = []
        self.text = text
        self.variant: str | None = None
        self.tex = ""
        self.kind = ""
        self.tall = False

    def add(self, tag: str, text: str = "", **attrs: str) -> Element:
        """Appends a new child and returns it."""
        kid = Element(tag, dict(attrs), text)
        self.kids.append(kid)
        return kid


def kid_at(element: Element, index: int) -> Element:
    """The child at an index, `NOTHING` where there is none."""
    return element.kids[index] if index < len(element.kids) else NOTHING


NOTHING = Element("none")
"""The child that is not there: one for all, never written to."""
NOTHING.kind = "empty"


def in_order(root: Element) -> list[Element]:
    """All elements, every parent before its children."""
    elements = [root]
    for element in elements:  # grows while it is read
        elements.extend(element.kids)
        if len(elements) > MAX_ELEMENTS:
            raise ConversionError("too_large")
    return elements


TOKENS = frozenset({"mi", "mn", "mo", "mtext", "ms", "mspace", "ci", "cn", "csymbol", "mglyph"})
"""Elements whose content is text."""

_SKIPPED = frozenset(
    {"annotation", "annotation-xml", "script", "style", "template", "-comment", "mprescripts@"}
)
# `<mml:none/>` is an unknown HTML element: it is not closed, and swallows its following siblings.
_NEVER_WITH_CHILDREN = frozenset(
    {"mspace", "none", "mprescripts", "malignmark", "maligngroup", "mglyph"}
)
_ARITY = {"msub": 2, "msup": 2, "munder": 2, "mover": 2, "mfrac": 2, "mroot": 2, "msubsup": 3,
          "munderover": 3}  # fmt: skip


def local_name(tag: str) -> str:
    """``mml:mi`` -> ``mi``."""
    return tag.rpartition(":")[2]


def from_lexbor(node: LexborNode) -> Element:
    """The element tree below a MathML node, annotations left out.

    Elements with a namespace prefix come out of an HTML parser wrongly nested where they closed
    themselves (``<mml:none/>``); the nesting is mended. Linear in the number of nodes.

    Raises:
        ConversionError: ``too_large`` for more than `MAX_ELEMENTS` elements.
    """
    prefixed = ":" in (node.tag or "")
    root = Element(local_name(node.tag or ""), dict(node.attributes))
    stack: list[tuple[LexborNode | None, Element]] = [(node.first_child, root)]
    count = 0
    while stack:
        current, parent = stack.pop()
        while current is not None:
            tag = current.tag or ""
            following = current.next
            if tag == "-text":
                text = current.text_content or ""
                if text and not text.isspace():
                    parent.kids.append(Element("-text", None, text))
                current = following
                continue
            name = local_name(tag)
            if name in _SKIPPED or tag[:1] in ("", "-"):
                current = following
                continue
            count += 1
            if count > MAX_ELEMENTS:
                raise ConversionError("too_large")
            kid = Element(name, _trimmed(current.attributes))
            parent.kids.append(kid)
            child = current.first_child
            if child is not None:
                if name in TOKENS and not prefixed and not _holds_mathml(child):
                    kid.text = current.text(deep=True)
                elif name in TOKENS and child.next is None and child.tag == "-text":
                    kid.text = child.text_content or ""
                else:
                    stack.append((following, parent))
                    current, parent = child, kid
                    continue
            current = following
    if prefixed:
        _mend(root)
    return root


def _trimmed(attributes: dict[str, str | None]) -> dict[str, str | None]:
    """Attributes without blanks around their values: `mathvariant="bold "`."""
    for name, value in attributes.items():
        if value and (value[0].isspace() or value[-1].isspace()):
            attributes[name] = value.strip()
    return attributes


def _holds_mathml(child: LexborNode | None) -> bool:
    """Whether a token element wraps layout, as KaTeX does: ``<mo><mover>...</mover></mo>``."""
    while child is not None:
        if child.tag in _LAYOUT:
            return True
        child = child.next
    return False


_LAYOUT = frozenset(
    {
        "mrow",
        "mover",
        "munder",
        "munderover",
        "msup",
        "msub",
        "msubsup",
        "mfrac",
        "mpadded",
        "mstyle",
        "mo",
        "sep",
    }
)


def _mend(root: Element) -> None:
    """Moves what self-closed prefixed elements swallowed back beside them."""
    for element in reversed(in_order(root)):
        kids: list[Element] = []
        for kid in element.kids:
            kids.append(kid)
            if kid.tag in _NEVER_WITH_CHILDREN and kid.kids:
                kids.extend(kid.kids)
                kid.kids = []
            elif kid.tag in TOKENS and kid.kids:
                swallowed = [grandchild for grandchild in kid.kids if grandchild.tag != "-text"]
                kid.text = "".join(text.text for text in kid.kids if text.tag == "-text")
                kid.kids = []
                kids.extend(swallowed)
            elif kid.tag == element.tag and kid.tag in ("mtd", "mtr"):
                kids.pop()
                kids.extend([Element(kid.tag, kid.attrs), *kid.kids])
        wanted = _ARITY.get(element.tag)
        if wanted and len(kids) < wanted:
            for index, kid in enumerate(kids):
                if kid.tag == "mrow" and len(kids) + len(kid.kids) == wanted:
                    kids[index + 1 : index + 1] = kid.kids
                    kid.kids = []
                    break
        element.kids = kids
