"""The character encoding of an HTML page: what it declares, checked against its bytes."""

from __future__ import annotations

import codecs
import re

from resiliparse.parse.encoding import detect_encoding

_PRESCAN_BYTES = 2048  # WHATWG looks at 1024; heads have grown
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16le"),
    (codecs.BOM_UTF16_BE, "utf-16be"),
)
_COMMENT = re.compile(rb"<!--.*?(?:-->|\Z)", re.DOTALL)
# <meta charset=gbk>, <meta http-equiv="Content-Type" content="text/html; charset=gbk">
_META = re.compile(rb"<meta\b[^>]*?\bcharset\s*=\s*[\"']?\s*([\w.:+-]+)", re.IGNORECASE)
_XML = re.compile(rb"\A\s*<\?xml\b[^>]*?\bencoding\s*=\s*[\"']([\w.:+-]+)", re.IGNORECASE)
_HEADER = re.compile(r"charset\s*=\s*[\"']?\s*([\w.:+-]+)", re.IGNORECASE)
_ASCII = bytes(range(0x80))
_NOT_UTF_8_LEAD = bytes(b for b in range(256) if not 0xC2 <= b <= 0xF4)
_NOT_LETTER = bytes(b for b in range(256) if b < 0x80 and not chr(b).isalpha())
_LONELY = re.compile(rb"(?<![\x80-\xff])[\x80-\xff](?![\x80-\xff])")
_CJK_TEXT = re.compile("[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7a3]")

_PYTHON_NAMES = {
    "big5": ("big5hkscs", "cp950"),
    "euc-jp": ("euc_jp", "euc_jis_2004"),  # the second knows NEC's row 13, such as circled digits
    "euc-kr": ("cp949",),
    "gb18030": ("gb18030",),
    "gbk": ("gb18030",),
    "ibm866": ("cp866",),
    "iso-2022-jp": ("iso2022_jp_2", "iso2022_jp_ext"),
    "iso-8859-8-i": ("iso8859_8",),
    "macintosh": ("mac_roman",),
    "shift_jis": ("cp932",),
    "utf-16be": ("utf_16_be",),
    "utf-16le": ("utf_16_le",),
    "windows-874": ("cp874",),
    "x-mac-cyrillic": ("mac_cyrillic",),
}
"""Python codecs for a WHATWG encoding, where its name is not the codec's; tried in order."""

_LABELS = {
    label: name
    for name, labels in {
        "utf-8": "utf8 utf-8 unicode-1-1-utf-8 unicode11utf8 unicode20utf8 x-unicode20utf8 utf8mb4",
        "gb18030": "gb18030",
        "gbk": "gbk gb2312 gb_2312 gb_2312-80 chinese csgb2312 csiso58gb231280 iso-ir-58 x-gbk cp936 "  # noqa: E501
        "ms936 windows-936 euc-cn",
        "big5": "big5 big5-hkscs cn-big5 csbig5 x-x-big5 cp950 big5hkscs",
        "shift_jis": "shift_jis shift-jis sjis x-sjis ms_kanji ms932 csshiftjis windows-31j cp932",
        "euc-jp": "euc-jp x-euc-jp cseucpkdfmtjapanese eucjp",
        "iso-2022-jp": "iso-2022-jp csiso2022jp iso2022-jp",
        "euc-kr": "euc-kr cseuckr csksc56011987 iso-ir-149 korean ks_c_5601-1987 ks_c_5601-1989 "
        "ksc5601 ksc_5601 windows-949 cp949 uhc",
        "utf-16le": "utf-16 utf-16le utf-16-le csunicode iso-10646-ucs-2 ucs-2 unicode unicodefeff",
        "utf-16be": "utf-16be utf-16-be unicodefffe",
        "windows-1252": "windows-1252 cp1252 x-cp1252 ansi_x3.4-1968 ascii us-ascii cp819 csisolatin1 "  # noqa: E501
        "ibm819 iso-8859-1 iso-ir-100 iso8859-1 iso88591 iso_8859-1 iso_8859-1:1987 l1 latin1 "
        "latin-1",
        "windows-1250": "windows-1250 cp1250 x-cp1250",
        "windows-1251": "windows-1251 cp1251 x-cp1251 win-1251",
        "windows-1253": "windows-1253 cp1253 x-cp1253",
        "windows-1254": "windows-1254 cp1254 x-cp1254 csisolatin5 iso-8859-9 iso-ir-148 iso8859-9 "
        "iso88599 iso_8859-9 iso_8859-9:1989 l5 latin5",
        "windows-1255": "windows-1255 cp1255 x-cp1255",
        "windows-1256": "windows-1256 cp1256 x-cp1256",
        "windows-1257": "windows-1257 cp1257 x-cp1257",
        "windows-1258": "windows-1258 cp1258 x-cp1258",
        "windows-874": "windows-874 dos-874 iso-8859-11 iso8859-11 iso885911 tis-620",
        "iso-8859-2": "iso-8859-2 csisolatin2 iso-ir-101 iso8859-2 iso88592 iso_8859-2 "
        "iso_8859-2:1987 l2 latin2",
        "iso-8859-3": "iso-8859-3 csisolatin3 iso-ir-109 iso8859-3 iso88593 iso_8859-3 l3 latin3",
        "iso-8859-4": "iso-8859-4 csisolatin4 iso-ir-110 iso8859-4 iso88594 iso_8859-4 l4 latin4",
        "iso-8859-5": "iso-8859-5 csisolatincyrillic cyrillic iso-ir-144 iso8859-5 iso88595 "
        "iso_8859-5",
        "iso-8859-6": "iso-8859-6 arabic asmo-708 csisolatinarabic ecma-114 iso-ir-127 iso8859-6 "
        "iso88596 iso_8859-6",
        "iso-8859-7": "iso-8859-7 csisolatingreek ecma-118 elot_928 greek greek8 iso-ir-126 "
        "iso8859-7 iso88597 iso_8859-7 sun_eu_greek",
        "iso-8859-8": "iso-8859-8 csisolatinhebrew hebrew iso-ir-138 iso8859-8 iso88598 iso_8859-8 "
        "visual",
        "iso-8859-8-i": "iso-8859-8-i csiso88598i logical",
        "iso-8859-10": "iso-8859-10 csisolatin6 iso-ir-157 iso8859-10 iso885910 l6 latin6",
        "iso-8859-13": "iso-8859-13 iso8859-13 iso885913",
        "iso-8859-14": "iso-8859-14 iso8859-14 iso885914",
        "iso-8859-15": "iso-8859-15 csisolatin9 iso8859-15 iso885915 iso_8859-15 l9 latin9",
        "iso-8859-16": "iso-8859-16",
        "koi8-r": "koi8-r cskoi8r koi koi8 koi8_r",
        "koi8-u": "koi8-u koi8-ru",
        "ibm866": "ibm866 866 cp866 csibm866",
        "macintosh": "macintosh csmacintosh mac x-mac-roman mac-roman",
        "x-mac-cyrillic": "x-mac-cyrillic x-mac-ukrainian mac-cyrillic",
    }.items()
    for label in labels.split()
}
"""WHATWG's labels of encodings, and a few more that pages use."""

_CJK = frozenset({"gbk", "gb18030", "big5", "shift_jis", "euc-jp", "euc-kr"})
_LATIN = frozenset(
    {"iso-8859-2", "iso-8859-3", "iso-8859-4", "iso-8859-10", "iso-8859-13", "iso-8859-14"}
    | {"iso-8859-15", "iso-8859-16", "windows-1250", "windows-1252", "windows-1254", "windows-1257"}
    | {"windows-1258", "macintosh"}
)
_WESTERN = "windows-1252"  # what servers claim of every page they know nothing about


def decode_html(body: bytes, content_type: str | None) -> tuple[str, str]:
    """A page's text and the WHATWG name of its encoding; never raises.

    A byte-order mark decides; then the HTTP header, `<meta charset>`, and detection from the bytes.
    What is declared gives way where the bytes contradict it: well-formed multi-byte UTF-8 is UTF-8,
    and bytes that the declared encoding cannot hold are read as the one that fits best. Undecodable
    bytes become U+FFFD, NULs are removed. GB2312 and GBK are read as GB18030, Big5 with Hong Kong's
    characters.
    """
    for mark, name in _BOMS:
        if body.startswith(mark):
            return _decoded(body[len(mark) :], name)[0].replace("\0", ""), name
    match = _HEADER.search(content_type[:500]) if content_type else None
    header = _LABELS.get(match[1].lower()) if match else None
    text, name = _chosen(body, header, _meta(body))
    # Bytes are looked through several times as fast as wide characters.
    return (text.replace("\0", "") if b"\0" in body else text), name


def _chosen(body: bytes, header: str | None, meta: str | None) -> tuple[str, str]:
    wide = _utf_16(body, header)
    if wide:
        return _decoded(body, wide)[0], wide
    # A server's blanket Latin-1 does not hide what the page says of itself.
    claims = [meta, header] if header == _WESTERN else [header, meta]
    declared = [c for c in dict.fromkeys(claims) if c and not c.startswith("utf-16")]
    if body.isascii():
        return _ascii(body, declared)
    text = _utf_8(body)
    if text is not None and not _by_chance(body, text, declared):
        return text, "utf-8"

    high = len(body.translate(None, _ASCII))  # bytes beyond ASCII
    best: tuple[int, str, str] | None = None
    for name in declared:
        text, faults = _decoded(body, name)
        if name != _WESTERN and faults * 50 <= high:  # a few broken bytes refute nothing
            return text, name
        if best is None or faults < best[0]:
            best = faults, text, name
    detected = _detected(body)
    if best is None:
        name = detected or _WESTERN
        return _decoded(body, name)[0], name
    faults, text, name = best
    if detected and detected not in declared:
        other, other_faults = _decoded(body, detected)
        if name == _WESTERN:
            better = other_faults * 50 <= high and _refutes_western(body, other, detected, high)
        else:
            better = other_faults * 2 <= faults
        if better:
            return other, detected
    return text, name


def _utf_16(body: bytes, header: str | None) -> str | None:
    """UTF-16 without a mark: every second byte of the markup is NUL."""
    head = body[:512]
    if b"\0" not in head:
        return None
    even, odd = head[::2].count(0), head[1::2].count(0)
    most = max(8, len(head) // 8)
    if odd >= most and odd > 8 * even:  # a few characters such as U+4E00 have NULs, too
        return "utf-16le"
    if even >= most and even > 8 * odd:
        return "utf-16be"
    return header if header in ("utf-16le", "utf-16be") and (even or odd) else None


def _ascii(body: bytes, declared: list[str]) -> tuple[str, str]:
    # Japanese in escape sequences; their first byte is rare, `$` and `(` are not.
    if b"\x1b" in body and (b"\x1b$" in body or b"\x1b(" in body):
        text, faults = _decoded(body, "iso-2022-jp")
        if not faults or "iso-2022-jp" in declared:
            return text, "iso-2022-jp"
    return body.decode("ascii"), declared[0] if declared else "utf-8"


def _utf_8(body: bytes) -> str | None:
    """The text if the bytes are UTF-8, but for a cut last character and a few broken ones."""
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        text = body.decode("utf-8", "replace")
        if error.start >= len(body) - 3 and error.reason == "unexpected end of data":
            return text
    faults = text.count("\ufffd")
    leads = len(body.translate(None, _NOT_UTF_8_LEAD))
    return text if leads - faults >= 10 and faults * 10 <= leads else None


def _by_chance(body: bytes, text: str, declared: list[str]) -> bool:
    """A few characters of GBK and its kin can be well-formed UTF-8."""
    if not declared or declared[0] not in _CJK:
        return False
    if len(body.translate(None, _NOT_UTF_8_LEAD)) > 4:
        return False
    return _decoded(body, declared[0])[1] == 0


def _refutes_western(body: bytes, text: str, detected: str, high: int) -> bool:
    """Whether bytes declared as Latin-1, which holds any, are better read as another encoding."""
    if detected in _CJK:
        # The second letter after an accent makes such a pair, too; real ones stand side by side.
        return len(_CJK_TEXT.findall(text)) >= 10 and len(_LONELY.findall(body)) * 3 <= high
    # Western text has a letter in ten beyond ASCII, Cyrillic or Greek nearly all.
    letters = len(body.translate(None, _NOT_LETTER))
    return detected not in _LATIN and high * 3 > letters


def _meta(body: bytes) -> str | None:
    head = body[:_PRESCAN_BYTES]
    if b"<!--" in head:
        head = _COMMENT.sub(b"", head)
    for pattern in (_XML, _META):
        match = pattern.search(head)
        name = _LABELS.get(match[1].decode("ascii", "replace").lower()) if match else None
        if name:
            # Markup that could be read as ASCII is not UTF-16, whatever it says.
            return "utf-8" if name.startswith("utf-16") else name
    return None


def _detected(body: bytes) -> str | None:
    label = detect_encoding(body, html5_compatible=False)
    return _LABELS.get(label.lower().replace("_", "-")) if label else None


def _decoded(body: bytes, name: str) -> tuple[str, int]:
    """The text, and how many characters in it stand for undecodable bytes."""
    codecs_of = _PYTHON_NAMES.get(name, (name,))
    for codec in codecs_of:
        try:
            return body.decode(codec), 0
        except UnicodeDecodeError:
            continue
    text = body.decode(codecs_of[0], "replace")
    return text, text.count("\ufffd")
