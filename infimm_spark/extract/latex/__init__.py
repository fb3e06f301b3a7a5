r"""LaTeX strings: cleaning, checking, comparing, tokens and macros.

One tokenizer and one normal form serve the whole package: extraction cleans and checks formulas,
deduplication and the benchmarks compare normal forms, the classifiers count tokens.
"""

from infimm_spark.extract.latex.check import MAX_LENGTH, check, clean, is_tex
from infimm_spark.extract.latex.macros import Macro, expand_macros, parse_macros
from infimm_spark.extract.latex.normal_form import normal_form
from infimm_spark.extract.latex.tokenizer import tokens

__all__ = [
    "MAX_LENGTH",
    "Macro",
    "check",
    "clean",
    "expand_macros",
    "is_tex",
    "normal_form",
    "parse_macros",
    "tokens",
]
