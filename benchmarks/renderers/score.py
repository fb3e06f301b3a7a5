"""Round trip of formulas through real renderers: formula -> output -> our LaTeX.

    cd benchmarks/renderers && npm install && npm run generate
    python benchmarks/renderers/score.py [--show N] [--renderer NAME] [FILE]

The output is decoded without any source that the renderer left in it: annotations, assistive MathML
and `data-latex` do not count here.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
import time
from collections import defaultdict
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
if str(REPOSITORY) not in sys.path:
    sys.path.insert(0, str(REPOSITORY))

from selectolax.lexbor import LexborHTMLParser  # noqa: E402

from infimm_spark.extract.formulas.readers.katex_html import katex_to_latex  # noqa: E402
from infimm_spark.extract.formulas.readers.mathjax_output import mathjax_to_latex  # noqa: E402
from infimm_spark.extract.formulas.readers.mathml import ConversionError, mathml_to_latex  # noqa: E402
from infimm_spark.extract.latex import normal_form  # noqa: E402

_SELECTORS = {
    "katex-html": (".katex-html", katex_to_latex),
    "katex-new-html": (".katex-html", katex_to_latex),
    "katex-mathml": ("math", mathml_to_latex),
    "katex-new-mathml": ("math", mathml_to_latex),
    "temml": ("math", mathml_to_latex),
    "mathjax3-mathml": ("math", mathml_to_latex),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="?", default=str(Path(__file__).with_name("rendered.jsonl")))
    parser.add_argument("--show", type=int, default=0, help="print so many misses a renderer")
    parser.add_argument("--renderer", default="")
    arguments = parser.parse_args()
    if not Path(arguments.file).is_file():
        sys.exit(f"{arguments.file} is absent: run npm install && npm run generate first")
    loose_form = _loose_form()
    counts: dict[str, list[float]] = defaultdict(lambda: [0, 0, 0, 0.0])
    shown: dict[str, int] = defaultdict(int)
    for line in Path(arguments.file).read_text("utf-8").split("\n"):
        if not line:
            continue
        row = json.loads(line)
        renderer, tex = row["renderer"], row["tex"]
        if arguments.renderer not in renderer:
            continue
        selector, convert = _SELECTORS.get(renderer, ("mjx-container", mathjax_to_latex))
        started = time.perf_counter()
        node = LexborHTMLParser(row["html"]).css_first(selector)
        try:
            got = convert(node) if node is not None else "<not found>"
        except ConversionError as error:
            got = f"<{error.reason}>"
        count = counts[renderer]
        count[3] += time.perf_counter() - started
        count[0] += 1
        same = loose_form(got) == loose_form(tex)
        count[1] += normal_form(got) == normal_form(tex)
        count[2] += same
        if not same and shown[renderer] < arguments.show:
            shown[renderer] += 1
            print(f"{renderer}: {tex}\n    {got}")
    print(f"{'renderer':22} {'formulas':>8} {'normal':>7} {'loose':>7} {'per second':>11}")
    for renderer, (total, normal, loose, seconds) in sorted(counts.items()):
        print(
            f"{renderer:22} {total:8} {normal / total:7.1%} {loose / total:7.1%} "
            f"{total / seconds:11,.0f}"
        )


def _loose_form():
    """The loose form of `benchmarks/mathml.py`: one definition for both benchmarks."""
    path = REPOSITORY / "benchmarks" / "mathml.py"
    spec = importlib.util.spec_from_file_location("mathml_benchmark", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.loose_form


if __name__ == "__main__":
    main()
