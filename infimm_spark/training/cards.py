"""A trained model on disk: its file, and its card as JSON and for people."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from infimm_spark.classify.facts import FACTS
from infimm_spark.classify.features import FEATURE_VERSION
from infimm_spark.classify.mathematics import Kind, ModelCard, card_file, load_classifier
from infimm_spark.classify.trees import Judgement
from infimm_spark.training.beside import beside_markdown, reliability_markdown
from infimm_spark.training.fitting import TrainingParameters
from infimm_spark.training.measures import RECALLS

BESIDE, RELIABILITY, SPREAD = "beside", "reliability", "spread"
"""Parts of a card's evaluation that are no group of texts."""


def write_model(
    folder: Path,
    kind: Kind,
    model: bytes,
    *,
    parameters: TrainingParameters,
    data: dict[str, Any],
    evaluation: dict[str, Any],
    shift: dict[str, float],
    default_threshold: float,
    trained: datetime.date,
    notes: Sequence[str] = (),
    judgement: Judgement | None = None,
    thresholds: Mapping[str, float] | None = None,
) -> Path:
    """Write ``{kind}.ftz``, its card as JSON and as Markdown; the path of the model.

    The model is loaded back as a check.
    """
    path = folder / f"{kind}.ftz"
    card = ModelCard(
        kind=kind,
        feature_version=FEATURE_VERSION,
        sha256=hashlib.sha256(model).hexdigest(),
        max_chars=parameters.max_chars,
        trained=trained.isoformat(),
        data=data,
        parameters=asdict(parameters),
        evaluation=evaluation,
        shift=shift,
        default_threshold=default_threshold,
        notes=list(notes),
        judgement=judgement,
        thresholds=dict(thresholds or {}),
    )
    write_with_card(path, model, card, "A fastText model")
    load_classifier(path, kind)
    return path


def write_with_card(path: Path, model: bytes, card: ModelCard, make: str) -> None:
    """Write a model, and beside it its card as JSON and as Markdown; `make` says what it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(model)
    card_file(path).write_text(card.model_dump_json(indent=1) + "\n", encoding="utf-8")
    text = card_markdown(card, len(model), make)
    path.with_suffix(".md").write_text(text, encoding="utf-8")


def card_markdown(card: ModelCard, size: int, make: str = "A fastText model") -> str:
    """The card for people to read."""
    rows = []
    for group, figures in card.evaluation.items():
        if isinstance(figures, dict) and "auc" in figures:
            points = figures["operating_points"]
            by_recall = {
                point["recall_wanted"]: point for point in points if "recall_wanted" in point
            }
            cells = [
                f"{by_recall[r]['precision']:.3f} ({by_recall[r]['threshold']:.3f})"
                if r in by_recall
                else "–"
                for r in RECALLS
            ]
            rows.append(
                f"| {group} | {figures['positive']} / {figures['negative']} | "
                f"{figures['auc']:.4f} | " + " | ".join(cells) + " |"
            )
    heads = " | ".join(f"precision at recall {r} (threshold)" for r in RECALLS)
    data = "\n".join(f"- {key}: {value}" for key, value in card.data.items())
    parameters = "\n".join(f"- {key}: {value}" for key, value in card.parameters.items())
    notes = "\n".join(f"- {note}" for note in card.notes)
    return (
        f"# {card.kind.capitalize()} classifier\n\n"
        f"{make} of {size / 1e6:.2f} MB, trained {card.trained}, feature version "
        f"{card.feature_version}, SHA-256 `{card.sha256}`. It looks at {card.max_chars} "
        "characters of a "
        f"text. Default threshold {card.default_threshold}. Log-odds shifted by language: "
        f"{card.shift or 'none'}.{_judgement_markdown(card)}\n\n"
        "## Figures\n\nEach site is scored by a model that did not see it.\n\n"
        f"| texts | positive / negative | AUC | {heads} |\n|---|---|---|"
        + "---|" * len(RECALLS)
        + "\n"
        + "\n".join(rows)
        + beside_markdown(card.evaluation.get(BESIDE, []))
        + reliability_markdown(card.evaluation.get(RELIABILITY, {}))
        + _bands_markdown(card)
        + f"\n\n## Data\n\n{data}\n\n## Parameters\n\n{parameters}\n"
        + (f"\n## Notes\n\n{notes}\n" if notes else "")
    )


def _judgement_markdown(card: ModelCard) -> str:
    """Trees and thresholds by language in a sentence each."""
    text = ""
    if card.thresholds:
        of = ", ".join(f"{name} {value:g}" for name, value in card.thresholds.items())
        text += f" Thresholds by language: {of}."
    if card.judgement is not None:
        trees = card.judgement.trees
        text += (
            f" {len(trees.leaves)} trees of {len(trees.leaves[0])} leaves over {len(FACTS)} facts "
            f"of a text decide with it; its log-odds weigh {card.judgement.words:g} beside theirs."
        )
    for language, found in card.evaluation.get(SPREAD, {}).items():
        text += (
            f" Area over {found['deals']} other deals of the {language} sites: {found['mean']:.4f} "
            f"± {found['deviation']:.4f}."
        )
    return text


def _bands_markdown(card: ModelCard) -> str:
    """Scores depend on length: a table of the bands, each with a threshold of its own."""
    rows = []
    for group, figures in card.evaluation.items():
        if not isinstance(figures, dict):
            continue
        for band, of_band in figures.get("length_bands", {}).items():
            point = next(
                (
                    p
                    for p in of_band.get("operating_points", [])
                    if "recall_wanted" not in p
                    and p["threshold"] == round(card.default_threshold, 4)
                ),
                None,
            )
            means = of_band.get("mean_score", {})
            cells = [
                f"{of_band['positive']} / {of_band['negative']}",
                " / ".join(
                    f"{means[k]:.3f}" if k in means else "–" for k in ("positive", "negative")
                ),
                f"{of_band['auc']:.4f}" if "auc" in of_band else "–",
                f"{point['recall']:.3f} / {point['precision']:.3f}" if point else "–",
                f"{of_band['equal_recall_threshold']:.3f}"
                if "equal_recall_threshold" in of_band
                else "–",
            ]
            rows.append(f"| {group} | {band} | " + " | ".join(cells) + " |")
    if not rows:
        return ""
    return (
        "\n\n## By length\n\nCharacters of the text. The last column is the threshold at which a "
        "band "
        "keeps as much of its positives as the default threshold keeps of all.\n\n"
        "| texts | from | positive / negative | mean score of each | AUC | recall / precision at "
        f"{card.default_threshold:g} | threshold of equal recall |\n|---|---|---|---|---|---|---|\n"
        + "\n".join(rows)
    )
