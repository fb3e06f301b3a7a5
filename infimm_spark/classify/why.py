"""Why a text has its score: what its log-odds would lose without each word and each fact.

A word or fact of a fastText classifier is taken out of the line and the rest scored again, so that
pairs with its neighbours count with it; what is left out changes the average of all others as well.
An encoder judge's trees say it themselves: at each split the mean moves, and the feature that was
asked gets the difference. Effects are of log-odds: positive ones speak for keeping.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import Any

import numpy as np

from infimm_spark.classify.encoder.judge import EncoderJudge, passage_scores, text_view
from infimm_spark.classify.encoder.windows import windows
from infimm_spark.classify.encoder.words import BUCKETS
from infimm_spark.classify.facts import FACTS
from infimm_spark.classify.facts import facts as text_facts
from infimm_spark.classify.features import excerpt, normalise, read
from infimm_spark.classify.mathematics import Classifier
from infimm_spark.classify.own_scorer import OwnScorer

TOP = 10
"""Words, and facts, that are named."""

_MAX_WORDS = 600
"""Different words that are tried: the most frequent."""

_FACT = re.compile(r"__(?P<name>[a-z]{2})(?P<step>\d+)")
_FACTS = {
    "fc": "number of formulas",
    "fs": "share of the text in formulas",
    "ln": "length of the text",
    "cm": "different LaTeX commands",
    "rl": "formulas with a relation",
    "sy": "mathematical symbols in the text",
    "bc": "LaTeX outside formulas",
    "cd": "signs of code",
    "nm": "numbers",
    "dv": "variety of words",
    "dp": "displayed formulas",
    "mw": "mathematical words",
    "ms": "words of school mathematics",
    "mh": "words of secondary mathematics",
    "mu": "words of advanced mathematics",
    "mt": "different mathematical terms",
    "ml": "words of reasoning",
    "me": "words of exercises",
    "mc": "words of computing",
    "mo": "words of news and the web",
    "mv": "words for variables",
}
"""Facts of a line by the two letters of their tokens (see `features.py`)."""


def why(
    model: Classifier | OwnScorer | EncoderJudge, text: str, language: str
) -> dict[str, list[dict[str, Any]]]:
    """`facts`, `words` and, where a judge reads them, `passages`, each the strongest first: what it
    is, and its `effect` on the log-odds. An empty text has none."""
    if not text.strip():
        return {}
    if isinstance(model, Classifier):
        return _of_line(model, text, language)
    if isinstance(model, EncoderJudge):
        return _of_judge(model, text, language)
    return {"passages": _of_paragraphs(model, text, language)}


def _of_line(model: Classifier, text: str, language: str) -> dict[str, list[dict[str, Any]]]:
    tokens = normalise(excerpt(text, model.card.max_chars), language).split()
    whole = _odds(model.predict(" ".join(tokens)))
    counts = Counter(tokens)
    facts: list[dict[str, Any]] = []
    words: list[dict[str, Any]] = []
    for token, count in counts.most_common(_MAX_WORDS):
        rest = " ".join(other for other in tokens if other != token)
        effect = round(whole - _odds(model.predict(rest)), 4)
        fact = _fact(token)
        if fact is not None:
            facts.append({"fact": fact, "effect": effect})
        else:
            words.append({"word": token, "times": count, "effect": effect})
    judgement = model.card.judgement
    if judgement is not None:
        # Words move the sum by their weight; facts of the text also move the trees beside them.
        slope = judgement.calibration.get(language, (1.0, 0.0))[0]
        for row in (*facts, *words):
            row["effect"] = round(slope * judgement.words * row["effect"], 4)
        values = text_facts(text, language, read(excerpt(text, model.card.max_chars), language))
        facts += [
            {"fact": name, "value": round(value, 4), "effect": round(slope * float(effect), 4)}
            for name, value, effect in zip(
                FACTS.values(), values, judgement.trees.effects(values), strict=True
            )
        ]
    return {"facts": _strongest(facts), "words": _strongest(words)}


def _fact(token: str) -> str | None:
    """`__fc4` -> `number of formulas, step 4`; a field's word has a name too; else None."""
    found = _FACT.fullmatch(token)
    if found is not None:
        name = _FACTS.get(found["name"], found["name"])
        return f"{name}, step {found['step']}"
    if token == "__few":
        return "shortness of the text"
    return f"words of the field {token[2:]}" if token.startswith("__") else None


def _of_judge(judge: EncoderJudge, text: str, language: str) -> dict[str, list[dict[str, Any]]]:
    head = judge.head
    view = text_view(text, language, head.max_chars)
    features = head.quick_features([view])
    step, names = head.quick, head.quick_names
    passages: list[dict[str, Any]] = []
    if head.in_doubt(step.probabilities(features))[0]:
        vectors = judge.vectors(text, language)
        features = head.full_features(features, [vectors])
        step, names = head.full, head.full_names
        shown = windows(text, language, head.windows, head.window_chars)
        mean = passage_scores(vectors, head.passage)[0]
        passages = [
            {
                "passage": passage[:80],
                "score": round(score, 4),
                "above_mean": round(score - mean, 4),
            }
            for passage, vector in zip(shown, vectors, strict=True)
            for score in passage_scores(vector[None, :], head.passage)[:1]
        ]
    effects = step.slope * step.trees.effects(features[0])
    facts = [
        {"fact": name, "value": round(float(value), 4), "effect": round(float(effect), 4)}
        for name, value, effect in zip(names, features[0], effects, strict=True)
    ]
    return {
        "facts": _strongest(facts),
        "words": _strongest(_word_effects(judge, text, language)),
        **({"passages": passages} if passages else {}),
    }


def _word_effects(judge: EncoderJudge, text: str, language: str) -> list[dict[str, Any]]:
    """Each word's part of the score of the words, on its scale; pairs count for neither word."""
    import xxhash

    head = judge.head
    tokens = normalise(excerpt(text, head.max_chars), language).split()
    view = text_view(text, language, head.max_chars)
    buckets = np.array(list(view.words))
    values = np.array(list(view.words.values())) * head.rarity[buckets]
    length = float(np.linalg.norm(values)) or 1.0
    part = dict(zip(buckets.tolist(), values * head.words[buckets] / length, strict=True))
    return [
        {
            "word": _fact(token) or token,
            "times": count,
            "effect": round(float(part[xxhash.xxh3_64_intdigest(token.encode()) % BUCKETS]), 4),
        }
        for token, count in Counter(tokens).items()
    ]


def _of_paragraphs(model: OwnScorer, text: str, language: str) -> list[dict[str, Any]]:
    """For a scorer that nothing is known of: what it says without each paragraph."""
    parts = [part for part in text.split("\n\n") if part.strip()][:_MAX_WORDS]
    without = ["\n\n".join(parts[:i] + parts[i + 1 :]) for i in range(len(parts))]
    whole, *scores = model.score_many([text, *without], [language] * (len(parts) + 1))
    return _strongest(
        [
            {"passage": part[:80], "effect": round(_odds(whole) - _odds(score), 4)}
            for part, score in zip(parts, scores, strict=True)
        ]
    )


def _strongest(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    moving = [row for row in rows if row["effect"]]
    return sorted(moving, key=lambda row: -abs(row["effect"]))[:TOP]


def _odds(probability: float) -> float:
    p = min(max(probability, 1e-6), 1 - 1e-6)
    return math.log(p / (1 - p))
