"""Page bytes to text, by declaration and by the bytes."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infimm_spark.warc.charset import _LABELS, _PYTHON_NAMES, decode_html

CHINESE = "数学是研究数量、结构、变化、空间以及信息等概念的一门学科。" * 4
TRADITIONAL = "數學是研究數量、結構、變化以及空間等概念的一門學科。" * 4
JAPANESE = "数学は、量、構造、空間、変化について研究する学問である。" * 4
KOREAN = "수학은 양, 구조, 공간, 변화 등의 개념을 다루는 학문이다. " * 4
RUSSIAN = "Математика — точная формальная наука о числах и фигурах. " * 4
FRENCH = "Les mathématiques étudient des objets abstraits créés à dessein. " * 4


def page(text: str, head: str = "") -> str:
    return (
        f"<!doctype html><html><head>{head}<title>x</title></head><body><p>{text}</p></body></html>"
    )


@pytest.mark.parametrize(
    ("text", "codec", "label", "name"),
    [
        (CHINESE, "gb2312", "gb2312", "gbk"),
        (CHINESE + "镕€", "gb18030", "GB2312", "gbk"),  # beyond GB2312, as pages labelled so are
        (CHINESE, "gb18030", "gb18030", "gb18030"),
        (TRADITIONAL, "big5", "big5", "big5"),
        (TRADITIONAL + "啫喱嘅", "big5hkscs", "Big5", "big5"),
        (JAPANESE, "cp932", "Shift_JIS", "shift_jis"),
        (JAPANESE + "①", "cp932", "x-sjis", "shift_jis"),
        (JAPANESE, "euc_jp", "euc-jp", "euc-jp"),
        (JAPANESE, "iso2022_jp", "iso-2022-jp", "iso-2022-jp"),
        (KOREAN, "cp949", "ks_c_5601-1987", "euc-kr"),
        (RUSSIAN, "cp1251", "windows-1251", "windows-1251"),
        (RUSSIAN.replace("—", "-"), "koi8_r", "koi8-r", "koi8-r"),
        (FRENCH + "“€”", "cp1252", "iso-8859-1", "windows-1252"),
        (CHINESE, "utf-8", "utf8", "utf-8"),
    ],
)
@pytest.mark.parametrize("where", ["header", "meta", "http-equiv", "xml", "nowhere"])
def test_a_page_is_read_in_the_encoding_it_declares(
    text: str, codec: str, label: str, name: str, where: str
) -> None:
    """Header, meta, http-equiv and XML declarations count; without any the bytes tell."""
    head = {
        "meta": f'<meta charset="{label}">',
        "http-equiv": f"<META http-equiv=Content-Type content='text/html; charset={label}'>",
    }.get(where, "")
    source = page(text, head)
    if where == "xml":
        source = f'<?xml version="1.0" encoding="{label}"?>' + source
    header = f"text/html; charset={label}" if where == "header" else "text/html"
    decoded, encoding = decode_html(source.encode(codec), header)
    if where == "nowhere" and name in ("koi8-r", "big5", "gbk", "gb18030", "windows-1252"):
        # Detection cannot tell a repertoire from its superset; KOI8-R is beyond it.
        assert encoding in {name, "gb18030", "koi8-r", "iso-8859-7", "windows-1252", "macintosh"}
        return
    assert (decoded, encoding) == (source, name)


def test_detection_tells_chinese_japanese_and_korean_apart() -> None:
    """Pages that declare nothing are read right."""
    for text, codec in [
        (CHINESE, "gb18030"),
        (TRADITIONAL, "big5"),
        (JAPANESE, "cp932"),
        (JAPANESE, "euc_jp"),
        (KOREAN, "cp949"),
        (RUSSIAN, "cp1251"),
    ]:
        source = page(text * 3)
        assert decode_html(source.encode(codec), None)[0] == source


@pytest.mark.parametrize(
    ("text", "codec", "header", "meta"),
    [
        (CHINESE, "utf-8", "iso-8859-1", None),  # a server's blanket header over UTF-8
        (CHINESE, "utf-8", "gb2312", "gb2312"),  # a converted page that kept its meta
        ("é", "utf-8", "iso-8859-1", None),
        (CHINESE, "gb18030", "utf-8", None),
        (CHINESE, "gb18030", None, "utf-8"),
        (CHINESE, "gb18030", "iso-8859-1", None),
        (CHINESE, "gb18030", "iso-8859-1", "gb2312"),
        (TRADITIONAL, "big5", "utf-8", "big5"),
        (JAPANESE, "euc_jp", "shift_jis", None),
        (JAPANESE, "cp932", "utf-8", None),
        (RUSSIAN, "cp1251", "iso-8859-1", None),
        (FRENCH, "cp1252", "utf-8", None),
        (FRENCH, "cp1252", "iso-8859-1", None),  # right, and must stay
    ],
)
def test_a_declaration_that_the_bytes_refute_is_overridden(
    text: str, codec: str, header: str | None, meta: str | None
) -> None:
    """A wrong header or meta does not spoil the text, and a right one is not second-guessed."""
    source = page(text, f'<meta charset="{meta}">' if meta else "")
    content_type = f"text/html; charset={header}" if header else None
    assert decode_html(source.encode(codec), content_type)[0] == source


@pytest.mark.parametrize(
    ("mark", "codec", "name"),
    [
        (codecs.BOM_UTF8, "utf-8", "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le", "utf-16le"),
        (codecs.BOM_UTF16_BE, "utf-16-be", "utf-16be"),
        (b"", "utf-16-le", "utf-16le"),
        (b"", "utf-16-be", "utf-16be"),
    ],
)
def test_a_byte_order_mark_decides_and_is_removed(mark: bytes, codec: str, name: str) -> None:
    """A mark beats the header; UTF-16 without a mark is known by its NULs."""
    source = page(CHINESE, '<meta charset="gbk">')
    assert decode_html(mark + source.encode(codec), "text/html; charset=gbk") == (source, name)


def test_utf_16_in_meta_means_utf_8() -> None:
    """A meta that could be read as ASCII is not UTF-16, whatever it says."""
    source = page("naïve", '<meta charset="utf-16">')
    assert decode_html(source.encode(), None) == (source, "utf-8")


def test_the_header_goes_before_the_meta() -> None:
    """Where both are possible the header is believed."""
    source = page("Привет, мир: это страница о математике", '<meta charset="koi8-r">')
    decoded, name = decode_html(source.encode("cp1251"), "text/html; charset=windows-1251")
    assert (decoded, name) == (source, "windows-1251")


def test_a_meta_in_a_comment_does_not_count() -> None:
    """Commented-out markup declares nothing."""
    source = page(FRENCH, '<!-- <meta charset="big5"> --><meta charset="iso-8859-15">')
    assert decode_html(source.encode("iso8859_15"), None) == (source, "iso-8859-15")


def test_one_broken_byte_does_not_change_the_encoding() -> None:
    """A stray byte becomes U+FFFD in a page that else is what it declares."""
    for codec, label in [("utf-8", "utf-8"), ("gb18030", "gbk")]:
        body = page(CHINESE).encode(codec).replace(b"</p>", b"\xff</p>")
        text, name = decode_html(body, f"text/html; charset={label}")
        assert name == label
        assert text == page(CHINESE).replace("</p>", "\ufffd</p>")


def test_a_page_cut_inside_a_character_stays_utf_8() -> None:
    """A crawler that cuts at a size may leave half a character."""
    body = page("é").encode().split(b"\xa9")[0]
    text, name = decode_html(body, "text/html")
    assert name == "utf-8"
    assert text.endswith("<p>\ufffd")


def test_ascii_keeps_the_declared_name() -> None:
    """Plain ASCII reads the same in all; the name is the declared one, or UTF-8."""
    assert decode_html(b"<p>x</p>", "text/html; charset=GB2312") == ("<p>x</p>", "gbk")
    assert decode_html(b"<p>x</p>", None) == ("<p>x</p>", "utf-8")
    assert decode_html(b"", None) == ("", "utf-8")


def test_endless_blanks_in_a_declaration_are_no_trap() -> None:
    """A header or a meta of blanks after `charset=` is read at once."""
    blanks = "charset=" + " " * 60_000
    assert decode_html(f"<meta {blanks}>x".encode(), f"text/html; {blanks}")[1] == "utf-8"


def test_nul_bytes_are_removed() -> None:
    """NULs in a page are dropped."""
    assert decode_html(b"<p>a\0b</p>\0", "text/html; charset=utf-8")[0] == "<p>ab</p>"


def test_every_label_has_a_codec() -> None:
    """Python can decode each encoding that a page may declare."""
    for name in set(_LABELS.values()):
        for codec in _PYTHON_NAMES.get(name, (name,)):
            assert codecs.lookup(codec)


@given(
    st.binary(max_size=400),
    st.none() | st.sampled_from(sorted(_LABELS)) | st.text(max_size=20),
    st.none() | st.sampled_from(sorted(_LABELS)),
)
@settings(max_examples=600, deadline=None)
def test_any_bytes_under_any_label_decode(
    body: bytes, header: str | None, meta: str | None
) -> None:
    """Decoding never raises, leaves no NUL, and yields text that UTF-8 can hold."""
    if meta:
        body = f'<meta charset="{meta}">'.encode() + body
    text, name = decode_html(body, f"text/html; charset={header}" if header else None)
    assert "\0" not in text
    text.encode("utf-8")
    assert name in set(_LABELS.values())
