"""The sample crawl: which pages it has, in which snapshot, and its files."""

from __future__ import annotations

import gzip
from dataclasses import replace
from functools import cache
from pathlib import Path

from infimm_spark.errors import OutputError
from infimm_spark.sample import chinese, english
from infimm_spark.sample.formulas import ENCODINGS
from infimm_spark.sample.other import other_pages
from infimm_spark.sample.page import NEWER, OLDER, Article, SamplePage, article_html
from infimm_spark.sample.warc import write_warc
from infimm_spark.sample.worked import sheets

_SEGMENTS = {
    OLDER: ("1695233505362.50", "20230921073711-20230921103711", "2023-09-21T08:00:00Z"),
    NEWER: ("1700679100016.39", "20231128083443-20231128113443", "2023-11-28T09:00:00Z"),
}
_FILES = 2  # WARC files of a snapshot

_EN, _ZH = "https://notes.example.org", "https://shuxue.example.cn"


def write_sample_crawl(root: Path) -> list[str]:
    """Write the crawl below `root` and return the paths of its WARC files, relative to it.

    The same bytes every time. Raises `OutputError` where `root` cannot be written.
    """
    paths: list[str] = []
    try:
        for snapshot, (segment, span, date) in _SEGMENTS.items():
            pages = [page for page in sample_pages() if page.snapshot == snapshot]
            listed = []
            for number in range(_FILES):
                name = f"CC-MAIN-{span}-{number:05d}.warc.gz"
                path = f"crawl-data/{snapshot}/segments/{segment}/warc/{name}"
                write_warc(root / path, pages[number::_FILES], snapshot=snapshot, date=date)
                listed.append(path)
            listing = "".join(f"{path}\n" for path in listed).encode()
            target = root / "crawl-data" / snapshot / "warc.paths.gz"
            target.write_bytes(gzip.compress(listing, mtime=0))
            paths += listed
    except OSError as error:
        raise OutputError(f"the sample crawl cannot be written to {root}: {error}") from None
    return paths


def expected_outcome(url: str, snapshot: str = NEWER) -> frozenset[str]:
    """What a build with default settings may make of a page: ``corpus``, or ``stage:reason``.

    Raises `KeyError` for a URL that the snapshot does not hold.
    """
    for page in sample_pages():
        if (page.url, page.snapshot) == (url, snapshot):
            return page.expected
    raise KeyError(f"{url} is not in {snapshot} of the sample crawl")


@cache
def sample_pages() -> tuple[SamplePage, ...]:
    """Every response of the crawl."""
    articles = [_article_page(_EN, encoding, article) for encoding, article in english.ARTICLES]
    articles += [_article_page(_ZH, encoding, article) for encoding, article in chinese.ARTICLES]
    for encoding, article in sheets():
        host = _ZH if article.language == "zh" else "https://exercises.example.org"
        articles.append(_article_page(host, encoding, article))
    return (
        *articles,
        *_other_charsets(),
        _opted_out(),
        *_copies({page.url.rsplit("/", 1)[1]: page for page in articles}),
        *other_pages(),
    )


def _article_page(host: str, encoding: str, article: Article) -> SamplePage:
    formula, head = ENCODINGS[encoding]
    html = article_html(article, formula, head)
    return SamplePage(
        f"{host}/{article.slug}", html.encode(), f"formulas as {encoding.replace('_', ' ')}"
    )


def _other_charsets() -> list[SamplePage]:
    """Chinese pages that are not UTF-8."""

    def page(encoding: str, article: Article, charset: str) -> SamplePage:
        formula, head = ENCODINGS[encoding]
        html = article_html(article, formula, head)
        declared = html.replace('<meta charset="utf-8">', f'<meta charset="{charset}">')
        return SamplePage(
            f"{_ZH}/{article.slug}",
            declared.encode("gb18030" if charset == "gb2312" else charset),
            f"{charset} bytes, declared in the markup only",
            content_type="text/html",
        )

    gbk = page(*chinese.GBK, "gb2312")
    big5 = page(*chinese.BIG5, "big5")
    silent = big5.body.replace(b'<meta charset="big5">', b"")
    header = replace(
        big5,
        body=silent,
        content_type="text/html; charset=Big5",
        shows="Big5 bytes, declared in the header only",
    )
    return [gbk, header]


def _opted_out() -> SamplePage:
    """A page whose server asks not to train on it; the request is stored with the document."""
    article = Article("infinitely-many-primes", "There are infinitely many primes", _PRIMES)
    page = _article_page(_EN, "parentheses", article)
    meta = b'<meta name="tdm-reservation" content="1">\n<title>'
    return replace(
        page,
        body=page.body.replace(b"<title>", meta),
        headers=(("X-Robots-Tag", "noai, noimageai"),),
        shows="opt-out signals in header and markup",
    )


_PRIMES = r"""
Suppose there were only finitely many primes $p_1, p_2, \ldots, p_n$. Consider the number

$$N = p_1 p_2 \cdots p_n + 1$$

It is greater than $1$, so it has a prime divisor $q$. If $q$ were one of the primes $p_i$, it would divide
the product $p_1 p_2 \cdots p_n$ as well as $N$, and hence their difference, which is $1$. That is
impossible. So $q$ is a prime that is not in the list, a contradiction.

## A remark

The number $N$ itself need not be prime. For the first six primes,

$$2 \cdot 3 \cdot 5 \cdot 7 \cdot 11 \cdot 13 + 1 = 30031 = 59 \cdot 509$$

## Euler's proof

The harmonic series diverges, while for every prime $p$ the geometric series
$\sum_{k \ge 0} p^{-k} = \frac{1}{1 - p^{-1}}$ converges. If there were only finitely many primes, the
product of these series over all primes would be finite; but by unique factorisation the product is
$\sum_{n \ge 1} \frac{1}{n}$, which is not. The same idea shows more: the sum of the reciprocals of the
primes, $\sum_p \frac{1}{p}$, diverges.
"""


def _copies(articles: dict[str, SamplePage]) -> list[SamplePage]:
    """Second copies of articles, each of which leaves one document in the corpus."""
    exact, near, same_url = (frozenset({f"dedup:{reason}"}) for reason in ("exact", "near", "url"))

    def revised(page: SamplePage, old: str, new: str) -> bytes:
        text = page.body.decode()
        if old not in text:
            raise ValueError(f"{page.url} does not contain {old!r}")
        return text.replace(old, new).encode()

    unchanged = [
        replace(articles[slug], snapshot=OLDER, expected=same_url, shows="unchanged since then")
        for slug in ("binomial-theorem", "roots-of-unity", "dengcha-shulie", "sheet-quadratics")
    ]
    pythagoras, series = articles["pythagorean-theorem"], articles["geometric-series"]
    parabola, sheet = articles["erci-hanshu"], articles["sheet-prime-factors"]
    edited = [
        replace(
            pythagoras,
            snapshot=OLDER,
            body=revised(pythagoras, "uncovered region in the middle", "hole in the middle"),
            expected=same_url,
            shows="an earlier revision, before one sentence was improved",
        ),
        replace(
            series,
            snapshot=OLDER,
            body=revised(series, "Nearly everything cancels", "Almost everything cancels out"),
            expected=same_url,
            shows="an earlier revision, before one sentence was improved",
        ),
        replace(
            parabola,
            snapshot=OLDER,
            body=revised(parabola, "问怎样围才能使面积最大？", "怎样围面积最大？"),
            expected=same_url,
            shows="an earlier revision in Chinese",
        ),
        replace(
            sheet,
            url="https://mirror.example.net/prime-factors.html",
            snapshot=OLDER,
            body=revised(sheet, "Every integer greater than one", "Each whole number above one"),
            expected=near,
            shows="a copy on another site, with other words in its first sentence",
        ),
    ]
    mirrored = [
        replace(
            articles["quadratic-formula"],
            url="https://mirror.example.net/quadratic-formula.html",
            snapshot=OLDER,
            expected=exact,
            shows="a copy on another site",
        )
    ]
    rewritten = [
        replace(
            articles[newer],
            snapshot=OLDER,
            body=_article_page(_EN, "dollars", older).body,
            expected=same_url,
            shows="the same address, another text",
        )
        for newer, older in (
            ("integration-by-parts", Article("", "The substitution rule", _SUBSTITUTION)),
            ("bezout-identity", Article("", "Modular arithmetic", _CONGRUENCES)),
        )
    ]
    return [*unchanged, *edited, *mirrored, *rewritten]


_SUBSTITUTION = r"""
The chain rule, read backwards, is the substitution rule for integrals. If $F$ is an antiderivative of $f$
and $g$ is differentiable, then $F(g(x))$ has the derivative $f(g(x)) g'(x)$, and therefore

$$\int f(g(x)) g'(x) \, dx = \int f(u) \, du, \quad u = g(x)$$

## Example

In $\int 2x \cos(x^2) \, dx$ the factor $2x$ is the derivative of the inner function $u = x^2$. The
integral becomes $\int \cos u \, du = \sin u + C$, that is $\sin(x^2) + C$.

For a definite integral the limits change too: as $x$ runs from $0$ to $1$, the variable $u = x^2 + 1$ runs
from $1$ to $2$, and

$$\int_0^1 \frac{x}{x^2 + 1} \, dx = \frac{1}{2} \int_1^2 \frac{du}{u} = \frac{\ln 2}{2}$$

A good substitution is often suggested by a factor of the integrand that is the derivative of another part,
up to a constant. Trigonometric substitutions such as $x = \sin t$ work in the other direction and remove
square roots like $\sqrt{1 - x^2}$ from the integrand.
"""

_CONGRUENCES = r"""
Two integers $a$ and $b$ are congruent modulo $m$ if $m$ divides their difference; one writes
$a \equiv b \pmod{m}$. Congruences may be added and multiplied: if $a \equiv b$ and $c \equiv d$, then

$$a + c \equiv b + d, \quad ac \equiv bd \pmod{m}$$

## The last digit of a power

Which digit does $7^{100}$ end with? Modulo $10$ we have $7^2 \equiv 9$, $7^3 \equiv 3$ and
$7^4 \equiv 1$. Since $100 = 4 \cdot 25$, it follows that

$$7^{100} = (7^4)^{25} \equiv 1^{25} = 1 \pmod{10}$$

so the last digit is $1$.

## Divisibility by nine

Because $10 \equiv 1 \pmod{9}$, every power of ten is congruent to $1$ and a number is congruent to the sum
of its digits. For instance $5283 \equiv 5 + 2 + 8 + 3 = 18 \equiv 0 \pmod{9}$, so $5283$ is a multiple of
nine: indeed $5283 = 9 \cdot 587$. Division is more delicate: $2 \cdot 3 \equiv 2 \cdot 8 \pmod{10}$, but
$3$ and $8$ are not congruent modulo $10$. A factor may be cancelled if it is prime to the modulus.
"""
