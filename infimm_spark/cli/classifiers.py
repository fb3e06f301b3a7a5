"""Commands that make classifiers: annotate, train, mine."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from infimm_spark.cli.options import (
    ConfigOption,
    RunOption,
    TablesOption,
)


def annotate(
    documents: Annotated[str, typer.Argument(help="Parquet or JSON Lines, local or S3.")],
    output: Annotated[
        Path, typer.Option(help="Grades, JSON Lines; a file that is there is continued.")
    ],
    endpoint: Annotated[str, typer.Option(help="OpenAI-compatible address: http://HOST:PORT/v1.")],
    model: Annotated[str, typer.Option(help="Name of the model, as the endpoint knows it.")],
    api_key_env: Annotated[
        str, typer.Option(help="Environment variable that holds the API key.")
    ] = "INFIMM_API_KEY",
    concurrency: Annotated[int, typer.Option(min=1, help="Requests under way at once.")] = 8,
    attempts: Annotated[int, typer.Option(min=1, help="Tries of one request.")] = 6,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds for one answer.")] = 120.0,
    max_tokens: Annotated[int, typer.Option(min=1, help="Tokens of one answer.")] = 1_024,
    max_chars: Annotated[int, typer.Option(min=100, help="Characters sent of a text.")] = 6_000,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many documents.")] = None,
    price_in: Annotated[float, typer.Option(min=0, help="Of a million prompt tokens.")] = 0.0,
    price_out: Annotated[float, typer.Option(min=0, help="Of a million answer tokens.")] = 0.0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Send nothing; count.")] = False,
) -> None:
    """Grade documents 0-10 by the rubric with a language model."""
    from infimm_spark.annotation import annotate as annotation
    from infimm_spark.annotation.client import Endpoint, key_from_environment

    to = Endpoint(
        endpoint,
        model,
        api_key=key_from_environment(api_key_env),
        timeout=timeout,
        attempts=attempts,
        max_tokens=max_tokens,
    )
    settings = annotation.AnnotationSettings(
        concurrency=concurrency, max_chars=max_chars, price_in=price_in, price_out=price_out
    )
    source = annotation.ungraded(documents, limit)
    if dry_run:
        report, first = annotation.dry_run(source, output, to, settings)
    else:
        report, first = annotation.annotate(source, output, to, settings), None
    print(annotation.describe(report, settings, first))


def train(
    kind: Annotated[str, typer.Option(help="recall or precision.")],
    output: Annotated[Path, typer.Option(help="Folder for the model, its card and its curve.")],
    positives: TablesOption = None,
    negatives: TablesOption = None,
    labelled: Annotated[
        list[str] | None, typer.Option(help="Tables with a column label (1, 0) or score (0-10).")
    ] = None,
    sample: Annotated[int, typer.Option(min=1, help="Texts taken at most of each.")] = 50_000,
    max_host_share: Annotated[
        float, typer.Option(min=1e-6, max=1.0, help="Of these, at most so much is of one host.")
    ] = 0.05,
    solver: Annotated[
        str, typer.Option(help="convex (ours), or fasttext (DeepSeekMath's parameters).")
    ] = "convex",
    parameters: Annotated[Path | None, typer.Option(help="JSON of the solver's values.")] = None,
    autotune: Annotated[
        int, typer.Option(min=0, help="fastText parameters to try on held-out hosts.")
    ] = 0,
    recall: Annotated[
        float | None, typer.Option(min=0.01, max=1.0, help="Choose the threshold for it.")
    ] = None,
    precision: Annotated[
        float | None, typer.Option(min=0.01, max=1.0, help="Choose the threshold for it.")
    ] = None,
    max_chars: Annotated[int, typer.Option(min=100, help="Characters looked at.")] = 6_000,
    folds: Annotated[int, typer.Option(min=2, help="Parts that hosts are dealt into.")] = 5,
    seed: Annotated[int, typer.Option(help="Of the sample.")] = 1,
    date: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="For the card.")
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Train a classifier on your own tables, measured on hosts it did not see."""
    from infimm_spark.training.command import train_command

    path = train_command(
        kind=kind,
        solver=solver,
        parameters=parameters,
        max_chars=max_chars,
        folds=folds,
        seed=seed,
        config=config,
        output=output,
        positives=tuple(positives or ()),
        negatives=tuple(negatives or ()),
        labelled=tuple(labelled or ()),
        sample=sample,
        max_host_share=max_host_share,
        autotune=autotune,
        recall=recall,
        precision=precision,
        date=date.date() if date else None,
    )
    print(path.with_suffix(".md").read_text(encoding="utf-8"))


def mine(
    run: RunOption,
    output: Annotated[str, typer.Option(help="New directory for the proposals.")],
    kind: Annotated[
        str, typer.Option(help="The classifier to teach: recall, precision.")
    ] = "recall",
    width: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="How near to the threshold scores must lie.")
    ] = 0.2,
    per_stratum: Annotated[int, typer.Option(min=1, help="Pages of a stratum.")] = 50,
    per_host: Annotated[int, typer.Option(min=1, help="Pages of a host.")] = 3,
    min_pages: Annotated[int, typer.Option(min=1, help="Smaller hosts are not judged.")] = 20,
    min_share: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Recalled share that makes a host mathematical.")
    ] = 0.1,
    seed: Annotated[int, typer.Option(help="Of the sample.")] = 1,
) -> None:
    """Propose pages of a scored run for annotation and the next training."""
    from infimm_spark.inspect.proposals import MiningRequest
    from infimm_spark.inspect.proposals import mine as propose

    request = MiningRequest(
        run.rstrip("/"), output, kind, width, per_stratum, per_host, min_pages, min_share, seed
    )
    print(json.dumps(propose(request), indent=1))
