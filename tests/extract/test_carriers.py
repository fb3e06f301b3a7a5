"""Each carrier of formulas is read, and is seen in the bytes of a page: none can be forgotten."""

from __future__ import annotations

from collections import Counter
from operator import attrgetter

import pytest

from infimm_spark.classify.evidence import Evidence, signs_of
from infimm_spark.extract import extract_page
from infimm_spark.extract.formulas.carriers import CARRIERS, ORDINARY, Carrier
from infimm_spark.extract.formulas.readers import platforms

_EACH = pytest.mark.parametrize("carrier", CARRIERS, ids=[carrier.name for carrier in CARRIERS])


@_EACH
def test_the_example_of_a_carrier_is_read(carrier: Carrier) -> None:
    """The smallest HTML of each carrier gives a formula; prose around it stays."""
    page = f"<p>Consider the formula {carrier.example} in this sentence.</p>"
    document = extract_page(page.encode(), url="https://example.org/")
    assert [formula.outcome for formula in document.formulas] == ["valid"]
    assert "Consider the formula" in document.text


@_EACH
def test_the_evidence_sees_every_carrier(carrier: Carrier) -> None:
    """A page that carries formulas in one way only is never taken for one without formulas."""
    page = f"<p>Consider the formula {carrier.example} in this sentence.</p>"
    found = Evidence(page.encode())
    assert found.hides_formulas if carrier.hides else found.shows_formulas or found.hides_formulas


@_EACH
def test_each_name_of_a_carrier_is_evidence(carrier: Carrier) -> None:
    """Every tag, class and attribute counts, in either quotes, in any letter case of markup."""
    seen = attrgetter("hides_formulas" if carrier.hides else "shows_formulas")
    pages = [f"<p><{tag}>x</{tag}>" for tag in carrier.tags if tag not in ORDINARY]
    pages += [f'<p><SPAN CLASS="a {name}">x</SPAN>' for name in carrier.classes]
    pages += [f"<p><span class='{name} b'>x</span>" for name in carrier.classes]
    pages += [f"<p><span class={name}>x</span>" for name in carrier.classes]
    pages += [f'<p><span id="a" {name}="x">x</span>' for name in carrier.attributes]
    assert [page for page in pages if not seen(Evidence(page.encode()))] == []


def test_a_name_has_one_carrier() -> None:
    """No tag, class or attribute is read by two carriers, so that the order of records means
    nothing."""
    for names in (
        [tag for one in CARRIERS if one.reader for tag in one.tags],
        [name for one in CARRIERS for name in one.classes],
        [name for one in CARRIERS for name in one.attributes],
    ):
        assert [name for name, count in Counter(names).items() if count > 1] == []


def test_a_carrier_without_evidence_is_refused() -> None:
    """A carrier known by an ordinary element alone has to say what shows it in the bytes."""
    with pytest.raises(ValueError, match="carrier 'toy': expected signs"):
        Carrier("toy", "<div>x</div>", platforms.read_raw, tags=("div",))


def test_a_new_carrier_is_one_record() -> None:
    """The evidence of a carrier follows from its record."""
    toy = Carrier("toy", "<toy-math>x</toy-math>", platforms.read_raw, tags=("toy-math",))
    assert signs_of([toy]) == [rb"<(?i:toy\-math)[\s/>]"]
