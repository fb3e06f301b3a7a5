#!/usr/bin/env python3
"""Write the reference pages from the code they describe: configuration, tables, exit codes.

    python docs/generate.py            # rewrites docs/pages/reference/*.md
    python docs/generate.py --check    # fails where a page is not what the code says

Types and defaults come from the models themselves; what a key or a column means is the docstring or
comment beside it in the source.
"""

from __future__ import annotations

import ast
import inspect
import io
import sys
import tokenize
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any, get_args, get_origin

import pyarrow as pa
import yaml
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from infimm_spark import errors, schemas
from infimm_spark.config import decontaminate, images, models
from infimm_spark.config.models import BuildConfig

PAGES = Path(__file__).parent / "pages" / "reference"
_WORDS = {str: "text", int: "integer", float: "number", bool: "true or false"}
_GENERATED = "<!-- written by docs/generate.py: edit the code instead -->\n\n"


def main(arguments: list[str]) -> int:
    """0, or 1 where `--check` finds a page that differs."""
    stale = []
    for name, text in pages().items():
        path = PAGES / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
            if "--check" not in arguments:
                path.write_text(text, encoding="utf-8")
    if stale and "--check" in arguments:
        print(f"{', '.join(stale)}: run python docs/generate.py", file=sys.stderr)
        return 1
    return 0


def pages() -> dict[str, str]:
    """File name -> Markdown."""
    return {
        "configuration.md": configuration(),
        "tables.md": tables(),
        "exit-codes.md": exit_codes(),
    }


def configuration() -> str:
    """Every key of a configuration file: type, default, meaning."""
    texts: dict[tuple[str, str], str] = {}
    for module in (models, decontaminate, images):
        texts |= _attribute_docs(module)
    lines = [
        "# Configuration\n\n",
        _GENERATED,
        "`--config` takes a YAML file or the name of a configuration of the package (`infimm "
        "config "
        "list`); `--set KEY=VALUE` overrides one key; `infimm config show` prints the result with "
        "the source of each value. Unknown keys, wrong types and impossible values are refused "
        "before Spark starts.\n",
    ]
    for section, model in _sections(BuildConfig):
        lines.append(f"\n## {section or 'Top level'}\n\n{_prose(inspect.getdoc(model))}\n\n")
        lines.append("| key | type | default | meaning |\n|---|---|---|---|\n")
        for name, field in model.model_fields.items():
            if _model_of(field.annotation) is not None and get_origin(field.annotation) is None:
                continue  # a section of its own
            owner = next(
                base for base in model.__mro__ if name in vars(base).get("__annotations__", ())
            )
            text = texts.get((owner.__name__, name), "")
            default = _default(field)
            lines.append(
                f"| `{name}` | {_cell(_type(field.annotation))} | {_cell(default)} "
                f"| {_cell(_prose(text))} |\n"
            )
    return "".join(lines)


def tables() -> str:
    """Every table: what a row is, its columns, their types and meaning."""
    source = inspect.getsource(schemas)
    comments = _column_comments(source)
    docs = _attribute_docs(schemas)
    lines = [
        "# Tables\n\n",
        _GENERATED,
        "All tables are Parquet. Columns that the code does not comment on are named for what they "
        "hold.\n",
    ]
    for name, schema in vars(schemas).items():
        if isinstance(schema, pa.Schema) and not name.startswith("_"):
            lines.append(f"\n## {name.lower()}\n\n{_prose(docs.get(('', name), ''))}\n\n")
            lines.append("| column | type | meaning |\n|---|---|---|\n")
            for column in schema:
                said = comments.get((name, column.name)) or comments.get(("", column.name), "")
                kind = str(column.type).replace("element: ", "").replace("item: ", "")
                lines.append(f"| `{column.name}` | `{_cell(kind)}` | {_cell(said)} |\n")
    return "".join(lines)


def exit_codes() -> str:
    """Exit codes of `infimm` and the errors behind each."""
    lines = [
        "# Exit codes\n\n",
        _GENERATED,
        "A user's mistake and a failure of the surroundings are one line on stderr, `infimm: …`, "
        "and each kind "
        "has an exit code of its own; the classes are in `infimm_spark.errors`, `InfimmError` at "
        "their root.\n\n"
        "| code | error | meaning |\n|---|---|---|\n",
    ]
    for code, name, meaning in errors.exit_codes():
        lines.append(f"| {code} | {f'`{name}`' if name else ''} | {_cell(_prose(meaning))} |\n")
    return "".join(lines)


def _sections(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, type[BaseModel]]]:
    """The model and all models below it, by dotted key; of a mapping or list the element."""
    yield prefix, model
    for name, field in model.model_fields.items():
        inner = _model_of(field.annotation)
        if inner is not None:
            origin = get_origin(field.annotation)
            suffix = ".NAME" if origin is dict else "[]" if origin is list else ""
            yield from _sections(inner, f"{prefix}.{name}{suffix}".lstrip("."))


def _model_of(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model_of(part))), None)


def _type(annotation: Any) -> str:
    """`int | None` as "int or null", without what the validators add."""
    if annotation is type(None):
        return "null"
    if hasattr(annotation, "__metadata__"):
        return _type(get_args(annotation)[0])
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is list:
        return f"list of {_type(arguments[0])}"
    if origin is dict:
        return f"mapping to {_type(arguments[1])}"
    if arguments and origin is not None:
        if all(isinstance(argument, str) for argument in arguments):
            return " or ".join(f"`{argument}`" for argument in arguments)
        return " or ".join(_type(argument) for argument in arguments)
    return _WORDS.get(annotation) or str(getattr(annotation, "__name__", annotation))


def _default(field: Any) -> str:
    value = field.get_default(call_default_factory=True)
    if value is PydanticUndefined:
        return "required"
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json")
    dumped = yaml.safe_dump(value, default_flow_style=True, width=1_000, allow_unicode=True)
    plain = dumped.removesuffix("...\n").strip()
    return f"`{plain}`"


def _attribute_docs(module: ModuleType) -> dict[tuple[str, str], str]:
    """(class or "", name) -> the string below the assignment."""
    found = {}
    tree = ast.parse(inspect.getsource(module))
    owners = [("", tree.body)]
    owners += [(node.name, node.body) for node in tree.body if isinstance(node, ast.ClassDef)]
    for owner, body in owners:
        for node, after in pairwise(body):
            target = (
                node.target
                if isinstance(node, ast.AnnAssign)
                else node.targets[0]
                if isinstance(node, ast.Assign)
                else None
            )
            if (
                isinstance(target, ast.Name)
                and isinstance(after, ast.Expr)
                and isinstance(after.value, ast.Constant)
                and isinstance(after.value.value, str)
            ):
                found[owner, target.id] = inspect.cleandoc(after.value.value)
    return found


def _column_comments(source: str) -> dict[tuple[str, str], str]:
    """(table or "", column) -> the comment at the end of its line; "" where a list is shared."""
    found: dict[tuple[str, str], str] = {}
    table = column = before = ""
    line = 0
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.NAME and token.start[1] == 0:
            table = token.string
        elif token.type == tokenize.STRING and before == "(":
            column, line = ast.literal_eval(token.string), token.start[0]
        elif token.type == tokenize.COMMENT and column:
            alone = not token.line[: token.start[1]].strip()
            if not alone and token.start[0] - line <= 4:
                text = token.string.removeprefix("#").strip()
                found[table, column] = text
                found.setdefault(("", column), text)
            column = ""
        if token.type not in (tokenize.NL, tokenize.COMMENT):
            before = token.string
    return found


def _prose(text: str | None) -> str:
    return " ".join((text or "").split())


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
