"""Training a classifier from tables anyone can supply: what stands behind `infimm train`.

Spark samples the tables with balanced hosts; what comes to the driver is at most the configured
number of texts, each cut to what the classifier looks at. From there on it is
`training/fitting.py`: hosts are split, every text is scored by a model that did not see its host,
and the model that is written is trained on all.
"""

from __future__ import annotations

import datetime
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infimm_spark import store
from infimm_spark.annotation.documents import PARQUET, data_files, language_of
from infimm_spark.classify.mathematics import Kind
from infimm_spark.config import BuildConfig
from infimm_spark.config.models import PACKAGED_PRECISION, PACKAGED_RECALL
from infimm_spark.errors import ConfigError, InputError, OutputError
from infimm_spark.spark.connectors import spark_location
from infimm_spark.training.cards import write_model
from infimm_spark.training.convex import ConvexParameters
from infimm_spark.training.fasttext_train import FastTextParameters
from infimm_spark.training.figures import precision_recall_png
from infimm_spark.training.fitting import Example, TrainingParameters, train_model, tuned
from infimm_spark.training.labelled import GRADE
from infimm_spark.training.measures import Prediction, evaluate, operating_threshold

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_DEFAULT_THRESHOLD: dict[Kind, float] = {"recall": PACKAGED_RECALL, "precision": PACKAGED_PRECISION}


@dataclass(frozen=True, slots=True)
class TrainingRequest:
    """What is trained, on what, and what is asked of it."""

    kind: Kind
    output: Path
    positives: tuple[str, ...] = ()
    """Tables (Parquet, JSON Lines; local, S3) of texts that are mathematical, or worth keeping."""
    negatives: tuple[str, ...] = ()
    labelled: tuple[str, ...] = ()
    """Tables whose rows say it themselves: `label` (1, 0), or `score` (0–10) as `infimm annotate`
    writes it."""
    sample: int = 50_000
    """Texts taken at most of each of the three."""
    max_host_share: float = 0.05
    """Of the texts of each, one host gives at most so much."""
    parameters: TrainingParameters = field(default_factory=TrainingParameters)
    autotune: int = 0
    """fastText parameters to try on held-out hosts; 0 takes those given."""
    recall: float | None = None
    """The default threshold is the highest that keeps so much of each language's positives."""
    precision: float | None = None
    """The default threshold is the lowest at which so much of what each language keeps is
    positive."""
    date: datetime.date | None = None
    """For the card; the same texts, parameters and date give the same bytes. None is today."""


def train(request: TrainingRequest, spark: SparkSession) -> Path:
    """Sample, train, measure, and write ``KIND.ftz``, its cards and ``KIND.pr.png``; the model's
    path.

    Raises `InputError` for tables that cannot be trained on (nothing in them, one class only,
    labels of a third kind, too few hosts) and for a recall or precision that is not reached.
    """
    check_request(request)
    examples, data = sampled_examples(request, spark)
    return train_on(examples, data, request)


def train_command(
    *,
    kind: str,
    solver: str,
    parameters: Path | None,
    max_chars: int,
    folds: int,
    seed: int,
    config: BuildConfig,
    **request: Any,
) -> Path:
    """What `infimm train` does with its options; the model's path."""
    from infimm_spark.spark.session import open_session

    if kind not in ("recall", "precision"):
        raise ConfigError(f"--kind {kind!r}: expected recall or precision")
    if solver not in ("convex", "fasttext"):
        raise ConfigError(f"--solver {solver!r}: expected convex or fasttext")
    base = ConvexParameters() if solver == "convex" else FastTextParameters()
    wanted = TrainingRequest(
        kind="recall" if kind == "recall" else "precision",
        parameters=TrainingParameters(
            solver=solver_from_file(parameters, base), max_chars=max_chars, folds=folds, seed=seed
        ),
        **request,
    )
    check_request(wanted)
    locations = (*wanted.positives, *wanted.negatives, *wanted.labelled)
    return train(wanted, open_session(config.spark, config.store, locations))


def check_request(request: TrainingRequest) -> None:
    """Refuse what cannot be, before Spark starts; raises `ConfigError`, `InputError`,
    `OutputError`."""
    if request.recall is not None and request.precision is not None:
        raise ConfigError(
            "--recall and --precision both choose the threshold; expected one of them"
        )
    if not request.labelled and not (request.positives and request.negatives):
        raise ConfigError("expected --positives and --negatives, or --labelled")
    if request.autotune and not isinstance(request.parameters.solver, FastTextParameters):
        raise ConfigError("--autotune searches fastText's parameters; expected --solver fasttext")
    for location in (*request.positives, *request.negatives, *request.labelled):
        data_files(location)
    try:
        request.output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{request.output} cannot be made: {error.strerror}") from None


def sampled_examples(
    request: TrainingRequest, spark: SparkSession
) -> tuple[list[Example], dict[str, Any]]:
    """The texts to train on and, for the card, where they are from."""
    examples: list[Example] = []
    sources: dict[str, Any] = {}
    for name, locations, label in (
        ("positives", request.positives, 1),
        ("negatives", request.negatives, 0),
        ("labelled", request.labelled, None),
    ):
        if locations:
            rows, counts = _sampled(request, spark, name, locations, label)
            examples += [_example(row, request.kind) for row in rows]
            sources[name] = {"tables": [_last(at) for at in locations], **counts}
    return examples, {"sources": sources, **counts_of(examples)}


def train_on(examples: Sequence[Example], data: dict[str, Any], request: TrainingRequest) -> Path:
    """Train, measure and write; needs no Spark."""
    parameters = request.parameters
    notes = ["Texts were sampled with balanced hosts; each host is scored by a model without it."]
    if request.autotune and isinstance(parameters.solver, FastTextParameters):
        parameters = replace(parameters, solver=tuned(examples, parameters, request.autotune))
        notes.append(
            f"fastText's parameters are the best of {request.autotune} tried on hosts held out; "
            "given "
            "with --parameters, they make these bytes without the search."
        )
        write_file(
            request.output / f"{request.kind}.parameters.json", _json(asdict(parameters.solver))
        )
    trained = train_model(examples, parameters)
    threshold = threshold_of(trained.predictions, request)
    if request.recall is not None:
        notes.append(f"Default threshold: highest with recall {request.recall} in each language.")
    if request.precision is not None:
        notes.append(
            f"Default threshold: lowest with precision {request.precision} in each language."
        )
    path = write_model(
        request.output,
        request.kind,
        trained.model,
        parameters=parameters,
        data=data,
        evaluation=evaluate(trained.predictions, threshold),
        shift=trained.shift,
        default_threshold=threshold,
        trained=request.date or datetime.datetime.now(datetime.UTC).date(),
        notes=notes,
    )
    title = f"{request.kind} classifier on unseen hosts"
    write_file(path.with_suffix(".pr.png"), precision_recall_png(trained.predictions, title))
    return path


def counts_of(examples: Iterable[Example]) -> dict[str, Any]:
    """Of texts, pages and sites, and of texts by language, view and label: for a card."""
    examples = list(examples)
    by = Counter((e.language, e.view, e.label) for e in examples)
    return {
        "texts": len(examples),
        "pages": len({e.page for e in examples}),
        "sites": len({e.site for e in examples}),
        "by language, view and label": {
            f"{language}/{view}/{label}": count
            for (language, view, label), count in sorted(by.items())
        },
    }


def solver_from_file(
    path: Path | None, base: ConvexParameters | FastTextParameters
) -> ConvexParameters | FastTextParameters:
    """`base` with the values of a JSON file; raises `ConfigError` naming what is wrong."""
    if path is None:
        return base
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"parameters {path} cannot be read: {error.strerror}") from None
    except ValueError:
        raise ConfigError(f"parameters {path} are not JSON") from None
    known = {f.name: type(getattr(base, f.name)) for f in fields(base)}
    if not isinstance(values, dict) or not values.keys() <= known.keys():
        unknown = sorted(values.keys() - known.keys()) if isinstance(values, dict) else values
        raise ConfigError(
            f"parameters {path}: {unknown} unknown; expected some of {', '.join(known)}"
        )
    for name, value in values.items():
        if type(value) is not known[name] and not (known[name] is float and type(value) is int):
            raise ConfigError(
                f"parameters {path}: {name} = {value!r}; expected {known[name].__name__}"
            )
    return replace(base, **values)


def _sampled(
    request: TrainingRequest,
    spark: SparkSession,
    name: str,
    locations: Sequence[str],
    label: int | None,
) -> tuple[list[dict[str, Any]], dict[str, int]]:
    from infimm_spark.training.sample import balanced_sample, labels_of, shortened

    table = _table(spark, name, locations, label)
    if label is None:
        found = labels_of(table)
        strange = [value for value in found if value not in ("0", "1")]
        if strange:
            shown = ", ".join("null" if value is None else repr(value) for value in strange)
            raise InputError(
                f"{name} has rows labelled {shown}; expected label 1 or 0, or a score of 0 to 10"
            )
    sample, counts = balanced_sample(
        table, request.sample, request.max_host_share, request.parameters.seed, name=name
    )
    rows = shortened(sample, request.parameters.max_chars).toLocalIterator()
    return [row.asDict() for row in rows], counts._asdict()


def _table(
    spark: SparkSession, name: str, locations: Sequence[str], label: int | None
) -> DataFrame:
    """All tables of one kind, as `training_sample.COLUMNS`."""
    from pyspark.sql import functions as F

    from infimm_spark.training.sample import training_table

    union: DataFrame | None = None
    for location in locations:
        files = data_files(location)
        parquet = [_for_spark(spark, file) for file in files if file.endswith(PARQUET)]
        lines = [_for_spark(spark, file) for file in files if not file.endswith(PARQUET)]
        frames = [spark.read.parquet(*parquet)] if parquet else []
        if lines:
            frames.append(_json_lines(spark, lines, location))
        for frame in frames:
            frame = _graded(frame) if label is None else frame
            try:
                part = training_table(frame, label)
            except InputError as error:
                raise InputError(f"{store.shown(location)}: {error}") from None
            if label is None:
                graded = F.when(F.col("score") >= GRADE, "1").when(F.col("score") < GRADE, "0")
                part = part.withColumn("label", F.coalesce("label", graded))
            union = part if union is None else union.unionByName(part)
    assert union is not None
    return union


def _graded(frame: DataFrame) -> DataFrame:
    """Without the rows of `infimm browse` that hold marks and no grade."""
    from pyspark.sql import functions as F

    if "wrong_formula" not in frame.columns or "score" not in frame.columns:
        return frame
    marked_only = F.col("wrong_formula").isNotNull() & F.col("score").isNull()
    if "label" in frame.columns:
        marked_only &= F.col("label").isNull()
    return frame.where(~marked_only)


def _json_lines(spark: SparkSession, files: list[str], location: str) -> DataFrame:
    from pyspark.sql import functions as F

    frame = spark.read.schema(
        "id string, url string, host string, site string, language string, lang string, text "
        "string, "
        "segments array<struct<text: string>>, text_list array<string>, label string, score "
        "double, wrong_formula boolean, "
        "_corrupt_record string"
    ).json(files)
    texts = ("text", "segments", "text_list")
    found = frame.agg(
        F.min("_corrupt_record").alias("broken"), *[F.count(name).alias(name) for name in texts]
    ).first()
    assert found is not None
    if found["broken"] is not None:
        raise InputError(
            f"{store.shown(location)}: a line cannot be read: {found['broken'][:60]!r}…; expected "
            "JSON "
            "objects with text, url, and perhaps label or score"
        )
    used = [name for name in texts if found[name]]
    if not used:
        raise InputError(f"{store.shown(location)}: no row has text, segments or text_list")
    return frame.drop("_corrupt_record", *(name for name in texts if name not in used[:1]))


def _example(row: dict[str, Any], kind: Kind) -> Example:
    return Example(
        text=row["text"],
        language=row["language"] or language_of(row),
        label=int(row["label"]),
        site=row["host"],
        page=row["id"],
        view="text",
        score=row["score"],
    )


def threshold_of(predictions: Sequence[Prediction], request: TrainingRequest) -> float:
    """The default threshold that the request asks for; raises `InputError` where none reaches
    it."""
    measured = [p for p in predictions if p.measured]
    if request.recall is not None:
        return operating_threshold(measured, recall=request.recall)
    if request.precision is not None:
        return operating_threshold(measured, precision=request.precision)
    return _DEFAULT_THRESHOLD[request.kind]


def _for_spark(spark: SparkSession, location: str) -> str:
    """S3 by the session's connector; a local path must not be taken for one in HDFS."""
    if "://" in location:
        return spark_location(spark, location)
    # Not as_uri(): Hadoop takes the percent signs of an encoded blank for the name itself.
    return f"file://{Path(location).absolute()}"


def _last(location: str) -> str:
    """The last part of a location: cards are published, and paths are nobody's business."""
    return store.shown(location).rstrip("/").rpartition("/")[2]


def _json(values: dict[str, Any]) -> bytes:
    return (json.dumps(values, indent=1, sort_keys=True) + "\n").encode()


def write_file(path: Path, data: bytes) -> None:
    """Write a file of the training; raises `OutputError`."""
    try:
        path.write_bytes(data)
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror}") from None
