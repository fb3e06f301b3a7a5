"""Canonical URL keys."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infimm_spark.dedup.urls import TRACKING_PARAMETERS, url_key


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("https://www.Example.com:443/a/../b?utm_source=x", "com,example)/b"),
        ("http://example.com", "com,example)/"),
        ("http://example.com/", "com,example)/"),
        ("http://user:secret@example.com/", "com,example)/"),
        ("http://example.com./", "com,example)/"),
        ("http://www2.example.com/", "com,example)/"),
        ("http://www.com/", "com,www)/"),
        ("http://example.com:8080/", "com,example:8080)/"),
        ("http://example.com:443/", "com,example:443)/"),
        ("https://192.168.0.1/x", "192.168.0.1)/x"),
        ("http://[2001:DB8::1]:80/x", "[2001:db8::1])/x"),
        ("http://bücher.de/", "de,xn--bcher-kva)/"),
        ("http://e.org/%7euser/%c3%a9", "org,e)/~user/%C3%A9"),
        ("http://e.org/é b", "org,e)/%C3%A9%20b"),
        ("http://e.org/a/./b/../c/", "org,e)/a/c/"),
        ("http://e.org/a/..", "org,e)/"),
        ("http://e.org/../../a", "org,e)/a"),
        ("http://e.org/a;jsessionid=1F2?x=1", "org,e)/a?x=1"),
        ("http://e.org/?b=2&a=1&b=1", "org,e)/?a=1&b=2&b=1"),
        ("http://e.org/?", "org,e)/"),
        ("http://e.org/?gclid=1&id=2&UTM_Medium=m", "org,e)/?id=2"),
        ("http://e.org/#section", "org,e)/"),
        ("http://e.org/#!/page", "org,e)/#!/page"),
        (" http://e.org/a\n", "org,e)/a"),
        ("//e.org/a", "org,e)/a"),
    ],
)
def test_key(url: str, key: str) -> None:
    """Each rule of canonicalisation, by example."""
    assert url_key(url) == key


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("http://e.org/a", "http://e.org/a/"),
        ("http://e.org/a", "http://e.org/A"),
        ("http://e.org/?id=1", "http://e.org/?id=2"),
        ("http://a.e.org/", "http://b.e.org/"),
        ("http://e.org/a%2Fb", "http://e.org/a/b"),
        ("http://e.org:80/", "https://e.org:80/"),
    ],
)
def test_pages_that_stay_apart(left: str, right: str) -> None:
    """What may name different pages has different keys."""
    assert url_key(left) != url_key(right)


@given(st.text(max_size=60))
def test_any_text_has_a_key(text: str) -> None:
    """No URL, however broken, raises."""
    for url in (
        text,
        f"http://{text}",
        f"http://e.org/{text}",
        f"http://[{text}",
        f"http://e:{text}",
    ):
        assert isinstance(url_key(url), str)


PATHS = st.lists(st.text("ab.~-%é ", min_size=1, max_size=4), max_size=4).map("/".join)


@given(path=PATHS, scheme=st.sampled_from(["http", "https", "HTTP"]), www=st.booleans())
def test_scheme_case_and_www_do_not_matter(path: str, scheme: str, www: bool) -> None:
    """Spellings of one page share its key."""
    host = "www.Example.ORG" if www else "example.org"
    assert url_key(f"{scheme}://{host}/{path}") == url_key(f"http://example.org/{path}")


@given(path=PATHS, parameter=st.sampled_from(sorted(TRACKING_PARAMETERS)))
def test_tracking_parameters_do_not_matter(path: str, parameter: str) -> None:
    """A page reached through a campaign is that page."""
    url = f"http://e.org/{path}/x"
    assert url_key(f"{url}?{parameter}=1") == url_key(url)


@given(path=PATHS)
def test_keys_are_in_shortest_encoding(path: str) -> None:
    """The path of a key is canonical: a URL made of it has the same key."""
    key = url_key(f"http://e.org/{path}")
    assert url_key("http://e.org" + key.removeprefix("org,e)")) == key
