"""Sizing: products of rates that stand in a file with their sources."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from commands import infimm
from hypothesis import given
from hypothesis import strategies as st

from infimm_spark.errors import ConfigError
from infimm_spark.inspect.plan import Rates, load_prices, load_rates, make_plan, print_plan

CONF = Path(__file__).resolve().parents[2] / "conf"
RATES = load_rates(CONF / "rates.yaml")


def test_one_snapshot_by_hand() -> None:
    """Core-hours of extraction are pages by how far they come, each times its seconds."""
    plan = make_plan(1, 512, RATES)
    extract = plan.stages[0]
    pages = 2.77e9
    seconds = pages * (0.531 * 0.00039 + 0.375 * 0.00171 + 0.094 * 0.00485) + 90_000 * 1.0
    assert extract.tasks == 90_000
    assert extract.core_hours == pytest.approx(seconds / 3600)
    assert extract.hours == pytest.approx(seconds / 3600 / 512)
    assert extract.memory_gigabytes == 512 * 2.5
    assert plan.stages[1].shuffle_bytes == pytest.approx(pages * 0.0779 * 6000)


@given(snapshots=st.integers(1, 200), cores=st.integers(1, 100_000))
def test_work_is_linear_in_snapshots_and_time_in_cores(snapshots: int, cores: int) -> None:
    """Twice the snapshots is twice the work; more cores never take longer, nor work more."""
    one, two = make_plan(snapshots, cores, RATES), make_plan(2 * snapshots, cores, RATES)
    for figure in ("core_hours", "reads", "shuffle_bytes", "stored_bytes"):
        assert two.total(figure) == pytest.approx(2 * one.total(figure))
    more = make_plan(snapshots, cores + 1, RATES)
    assert more.total("hours") <= one.total("hours") * (1 + 1e-9)
    assert more.total("core_hours") == pytest.approx(one.total("core_hours"))


def test_costs_are_hours_requests_and_bytes_at_their_prices() -> None:
    """Computing weighs Spot by its share; without prices there are no costs."""
    prices = load_prices(CONF / "prices.yaml")
    plan = make_plan(44, 2048, RATES, prices, months_stored=2)
    assert plan.costs["computing"] == pytest.approx(
        plan.total("core_hours") * (0.9 * 0.025 + 0.1 * 0.06)
    )
    assert plan.costs["storage"] == pytest.approx(plan.total("stored_bytes") / 1e9 * 0.023 * 2)
    assert make_plan(44, 2048, RATES).costs == {}


def test_the_printed_plan_names_the_source_of_every_rate() -> None:
    """A reader sees which figures were measured and which are assumptions."""
    text = print_plan(make_plan(1, 512, RATES, load_prices(CONF / "prices.yaml")))
    for name in Rates.model_fields:
        assert getattr(RATES, name).source in text
    assert "core-hours" in text
    assert "cost in USD" in text


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"share_recalled": None}, "share_recalled"),
        ({"seconds_a_task": {"value": -1, "source": "x"}}, "seconds_a_task.value"),
        ({"pages": {"value": 1, "source": "x"}}, "pages: Extra inputs"),
    ],
)
def test_a_wrong_rates_file_is_refused(
    tmp_path: Path, change: dict[str, object], message: str
) -> None:
    """A missing, negative or unknown rate is named with its file."""
    content = yaml.safe_load((CONF / "rates.yaml").read_text())
    for key, value in change.items():
        if value is None:
            del content[key]
        else:
            content[key] = value
    file = tmp_path / "rates.yaml"
    file.write_text(yaml.safe_dump(content))
    with pytest.raises(ConfigError, match=message):
        load_rates(file)


def test_the_command_prints_a_plan_and_refuses_a_missing_price_file() -> None:
    """`infimm plan` works from the checkout; a price file that is not there is one line."""
    command = ["plan", "--snapshots", "44", "--price-file"]
    good = infimm(*command, "conf/prices.yaml", cwd=CONF.parent)
    assert good.returncode == 0, good.stderr
    assert good.stdout.startswith("44 snapshots, 1.22e+11 pages, 3.96 PB of WARC files, 512 cores")
    bad = infimm(*command, "nowhere.yaml", cwd=CONF.parent)
    assert bad.returncode == 2
    assert bad.stderr == "infimm: prices file nowhere.yaml does not exist\n"


def test_an_encoder_makes_refine_dearer() -> None:
    """By its seconds for each document that refine sees, and no other stage."""
    plain, encoder = make_plan(1, 512, RATES), make_plan(1, 512, RATES, encoder=True)
    rate = RATES.seconds_an_encoded_document
    assert rate is not None
    unique = RATES.pages_a_snapshot.value * RATES.share_unique.value
    for before, after in zip(plain.stages, encoder.stages, strict=True):
        more = unique * rate.value / 3600 if before.stage == "refine" else 0.0
        assert after.core_hours - before.core_hours == pytest.approx(more)
    without = RATES.model_copy(update={"seconds_an_encoded_document": None})
    with pytest.raises(ConfigError, match="no seconds_an_encoded_document"):
        make_plan(1, 512, without, encoder=True)
