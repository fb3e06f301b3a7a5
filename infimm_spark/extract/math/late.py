"""Converters bound on first use."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def _bound(module: str, name: str) -> Any:
    def call(argument: Any) -> str:
        try:
            function = getattr(import_module(f"infimm_spark.extract.math.{module}"), name)
        except ImportError:
            from infimm_spark.extract.math.mathml import ConversionError

            raise ConversionError("no_converter") from None
        return str(function(argument))

    return call


asciimath_to_latex = _bound("asciimath", "asciimath_to_latex")
katex_to_latex = _bound("katex_html", "katex_to_latex")
mathjax_to_latex = _bound("mathjax_output", "mathjax_to_latex")
