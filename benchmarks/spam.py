"""What the default settings make of spam around mathematical words.

    python benchmarks/spam.py

The pages are made by `tests/support/spam_pages.py`: snippet farms of calculator phrases, numbered
pictures, repeated sentences, tags, sales talk with formulas; and by
`tests/support/spam_of_other_makes.py`: betting, homework for sale, spun articles, scraped indexes,
hidden keywords, locked answers, trading signals, invented LaTeX, document previews, sums with
exchanged numbers. Prints, by language and kind, how many are dropped at which step, the highest
scores, and how many would be left without the repetition rule.
"""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "support"))

from spam_of_other_makes import other_spam_pages
from spam_pages import Judge, spam_pages

from infimm_spark.config import BuildConfig, RulesConfig

PER_KIND = 25


def main() -> None:
    """Print the table."""
    judge = Judge(BuildConfig())
    lenient = Judge(BuildConfig(rules=RulesConfig(max_repeated_share=1.0)))
    rows: defaultdict[tuple[str, str], list[tuple[str, float, bool]]] = defaultdict(list)
    for language, kind, html in [*spam_pages(PER_KIND), *other_spam_pages()]:
        step, quality = judge.dropped(html)
        rows[language, kind].append((step or "PASSED", quality, lenient.dropped(html)[0] is None))
    passed = total = 0
    for (language, kind), pages in rows.items():
        steps = Counter(step for step, _, _ in pages)
        highest = max(quality for _, quality, _ in pages)
        without = sum(left for _, _, left in pages)
        passed += steps["PASSED"]
        total += len(pages)
        print(
            f"{language} {kind:<20}{len(pages):>4} pages, {steps['PASSED']:>3} passed, "
            f"{without:>3} without "
            f"the repetition rule, highest quality {highest:.3f}; {dict(steps)}"
        )
    print(f"passed in all: {passed} of {total}")


if __name__ == "__main__":
    main()
