"""Are evaluation questions found where they are, and nowhere else? Beside datatrove's n-gram filter.

    python benchmarks/decontamination.py --data ../shared/data --texts texts.jsonl.gz

`--texts` are documents (JSON lines with `text` or `segments`); `--run` takes those of a run. Each
question is planted into the text of a document: as it is; with its formulas written otherwise; with
other numbers; with two words changed. Recall is counted over the questions of each kind, those too
short to be looked for included, and stated apart for these. All documents are then searched as they
are: what is found is printed to be read (`--evidence FILE`). Both programs see the same texts in
one run; speed is a core's, over processor time.
"""

from __future__ import annotations

import argparse
import gzip
import json
import logging
import random
import re
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from infimm_spark.config import DecontaminateConfig, EvaluationSet
from infimm_spark.extract.latex.facts import WRITTEN_FORMULA
from infimm_spark.rules.decontamination import Question, QuestionIndex
from infimm_spark.rules.evaluation_sets import load_questions

SETS: dict[str, dict[str, Any]] = {
    "gsm8k": {"preset": "gsm8k"},
    "mmlu_stem": {"preset": "mmlu-stem"},
    "cmath": {"preset": "cmath"},
    "mgsm_zh": {"preset": "mgsm-zh"},
    "gaokao-mathqa": {"preset": "gaokao"},
    "gaokao-mathcloze": {"preset": "gaokao"},
    "asdiv": {"columns": ["body", "question"]},
    "svamp": {"columns": ["Body", "Question"]},
    "mawps": {"columns": ["input"]},
    "mathqa": {"columns": ["problem"]},
    "amc": {"columns": ["problem"]},
    "aime24": {"columns": ["problem"]},
    "aime25": {"columns": ["problem"]},
    "ocw": {"columns": ["problem"]},
    "sat": {"columns": ["question"]},
}
CHINESE = {"cmath", "mgsm_zh", "gaokao-mathqa", "gaokao-mathcloze"}
SEED = 1


def main() -> None:
    """Plant, search, print."""
    options = _options()
    folder = options.data / "benchmarks"
    sets = [
        EvaluationSet(path=str(folder / f"{name}.jsonl"), name=name, **fields)
        for name, fields in SETS.items()
    ]
    config = DecontaminateConfig(sets=sets)
    started = time.process_time()
    questions = load_questions(config)
    index = QuestionIndex(questions, config)
    print(
        f"{len(questions):,} questions, {len(index.questions):,} looked for, {index.ngrams:,} n-grams, index in {time.process_time() - started:.1f} s"
    )
    documents = list(_documents(options))
    print(f"{len(documents):,} documents, {sum(map(len, documents)) / 1e6:.1f} M characters\n")
    peer = _peer(questions) if options.peer else None
    short = {(q.set, q.number) for q in index.too_short}
    chosen = random.Random(SEED).sample(questions, min(options.questions, len(questions)))
    print(f"{'planted':<22}{'questions':>10}{'ours':>8}{'of long':>9}{'datatrove':>11}")
    for name, variant in VARIANTS.items():
        _recall(name, variant, chosen, documents, index, peer, short)
    _false_alarms(documents, index, peer, options)


def _recall(
    name: str,
    variant: Callable[[str, random.Random], str],
    chosen: Sequence[Question],
    documents: Sequence[str],
    index: QuestionIndex,
    peer: Callable[[str], bool] | None,
    short: set[tuple[str, int]],
) -> None:
    dice = random.Random(SEED)
    tried: Counter[str] = Counter()
    ours: Counter[str] = Counter()
    theirs: Counter[str] = Counter()
    long = long_found = 0
    for question in chosen:
        planted = variant(question.text, dice)
        if name != "as it is" and planted == question.text:
            continue  # nothing to change
        host = dice.choice(documents)
        cut = host.find("\n\n", dice.randrange(max(1, min(len(host), 4_000))))
        cut = cut if cut >= 0 else len(host)
        text = f"{host[max(0, cut - 2_000) : cut]}\n\n{planted}\n\n{host[cut : cut + 2_000]}"
        found = any(
            match.question.set == question.set and match.question.number == question.number
            for match in index.matches(text)
        )
        language = "zh" if question.set in CHINESE else "en"
        tried[language] += 1
        ours[language] += found
        theirs[language] += peer is not None and peer(text)
        if (question.set, question.number) not in short:
            long += 1
            long_found += found
    total = sum(tried.values())
    print(
        f"{name:<22}{total:>10,}{sum(ours.values()) / total:>8.3f}{long_found / max(long, 1):>9.3f}{sum(theirs.values()) / total:>11.3f}"
    )
    for language in sorted(tried):
        n = tried[language]
        print(
            f"  {language:<20}{n:>10,}{ours[language] / n:>8.3f}{'':>9}{theirs[language] / n:>11.3f}"
        )


def _false_alarms(
    documents: Sequence[str],
    index: QuestionIndex,
    peer: Callable[[str], bool] | None,
    options: argparse.Namespace,
) -> None:
    started = time.process_time()
    found = [(number, m) for number, text in enumerate(documents) for m in index.matches(text)]
    ours = time.process_time() - started
    flagged = {number for number, _ in found}
    size = sum(len(text.encode()) for text in documents) / 1e6
    print(
        f"\nours: {len(flagged):,} of {len(documents):,} documents with a question, {len(documents) / ours:,.0f} documents/s and {size / ours:.1f} MB/s a core"
    )
    if options.evidence is not None:
        lines = [
            json.dumps(
                {
                    "document": number,
                    "set": m.question.set,
                    "number": m.question.number,
                    "share": round(m.share, 3),
                    "longest": m.longest,
                    "question": m.question.text,
                    "span": documents[number][m.start : m.end],
                },
                ensure_ascii=False,
            )
            for number, m in found
        ]
        options.evidence.write_text("\n".join(lines) + "\n", "utf-8")
    if peer is None:
        return
    some = documents[: options.peer]
    started = time.process_time()
    for text in some:
        index.matches(text)
    ours = time.process_time() - started
    started = time.process_time()
    theirs = {number for number, text in enumerate(some) if peer(text)}
    peers = time.process_time() - started
    both = theirs & flagged
    print(
        f"the first {len(some):,}: ours {len(flagged & set(range(len(some)))):,}, datatrove {len(theirs):,}, both {len(both):,}; ours is {peers / ours:.1f} times as fast"
    )


# -- variants --------------------------------------------------------------------------------------

_NUMBER = re.compile(r"\d+")
_WORD = re.compile(r"[A-Za-z]{2,}|[\u4e00-\u9fff]")


def _as_it_is(text: str, dice: random.Random) -> str:
    return text


def _formulas_otherwise(text: str, dice: random.Random) -> str:
    """The same formulas in another hand: braces, sizes, synonyms, blanks, delimiters."""

    def rewritten(match: re.Match[str]) -> str:
        tex = match[1] or match[2]
        tex = (
            re.sub(r"\^\{(\w)\}", r"^\1", tex)
            if dice.random() < 0.5
            else re.sub(r"\^(\w)", r"^{\1}", tex)
        )
        tex = (
            re.sub(r"_\{(\w)\}", r"_\1", tex)
            if dice.random() < 0.5
            else re.sub(r"_(\w)", r"_{\1}", tex)
        )
        tex = (
            tex.replace(r"\frac", r"\dfrac")
            if dice.random() < 0.5
            else re.sub(r"\\frac\{(\d)\}\{(\d)\}", r"\\frac\1\2", tex)
        )
        tex = re.sub(
            r"\\leq?(?![a-z])", lambda _: r"\leqslant" if dice.random() < 0.3 else r"\le ", tex
        )
        tex = re.sub(r"\\geq?(?![a-z])", r"\\geq ", tex)
        tex = re.sub(r"(?<![\\A-Za-z])([=+<>])", r" \1 ", tex)
        tex = (
            tex.replace("(", r"\left(").replace(")", r"\right)")
            if r"\left" not in tex and tex.count("(") == tex.count(")")
            else tex
        )
        return f"$${tex}$$" if dice.random() < 0.3 else f"${tex}$"

    return WRITTEN_FORMULA.sub(rewritten, text) if "\\" in text or "^" in text else text


def _renumbered(text: str, dice: random.Random) -> str:
    return _NUMBER.sub(lambda found: str(dice.randrange(2, 10 ** len(found[0]) + 2)), text)


def _two_words_changed(text: str, dice: random.Random) -> str:
    words = list(_WORD.finditer(text))
    for word in sorted(dice.sample(words, min(2, len(words))), key=lambda w: -w.start()):
        other = "某" if len(word[0]) == 1 and not word[0].isascii() else "something"
        text = text[: word.start()] + other + text[word.end() :]
    return text


VARIANTS: dict[str, Callable[[str, random.Random], str]] = {
    "as it is": _as_it_is,
    "formulas otherwise": _formulas_otherwise,
    "other numbers": _renumbered,
    "two words changed": _two_words_changed,
}


# -- inputs ----------------------------------------------------------------------------------------


def _peer(questions: Sequence[Question]) -> Callable[[str], bool]:
    """Whether datatrove's filter removes a text; its index holds the questions' 12-grams."""
    from datatrove.data import Document
    from datatrove.pipeline.decont.n_grams import NGramsDecontConfig, NGramsDecontFilter
    from datatrove.utils.text import ngrams, simplify_text

    logging.disable(logging.INFO)
    folder = tempfile.mkdtemp()
    config = NGramsDecontConfig(find_query_ngrams=True)
    step = NGramsDecontFilter(folder, config)
    hashed = step.hash_func  # given bytes: today's xxhash takes no text
    step.hash_func = lambda gram: hashed(gram.encode())
    hashes = set()
    for question in questions:  # as its indexer does, which needs the sets from a hub
        words = step.tokenizer.word_tokenize(simplify_text(question.text, config.norm_config))
        hashes.update(step.hash_func(" ".join(gram)) for gram in ngrams(words, config.n_grams))
    np.array(list(hashes), dtype=config.hash_config.np_descr).tofile(f"{folder}/all.index.hashes")
    return lambda text: step.filter(Document(text=text, id="")) is not True


def _documents(options: argparse.Namespace) -> Iterator[str]:
    seen = set()
    for path in options.texts:
        with (
            gzip.open(path, "rt", encoding="utf-8")
            if path.suffix == ".gz"
            else path.open(encoding="utf-8") as lines
        ):
            for line in lines:
                text = json.loads(line).get("text") or ""
                if len(text) > 200 and hash(text) not in seen:
                    seen.add(hash(text))
                    yield text
    for run in options.run:
        import pyarrow.dataset as ds

        from infimm_spark.run.layout import RunLayout
        from infimm_spark.run.tables import locations
        from infimm_spark.stages.segments import document_texts

        for file in locations(RunLayout(run), "extract", "documents"):
            for batch in ds.dataset(file).to_batches(columns=["segments"]):
                for text in document_texts(batch.column("segments")):
                    if len(text) > 200 and hash(text) not in seen:
                        seen.add(hash(text))
                        yield text


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of the shared data")
    parser.add_argument("--texts", type=Path, nargs="*", default=[], help="JSON lines of documents")
    parser.add_argument("--run", nargs="*", default=[], help="runs whose documents are searched")
    parser.add_argument("--questions", type=int, default=3_000, help="questions planted")
    parser.add_argument(
        "--peer", type=int, default=500, metavar="N", help="documents for datatrove; 0: none of it"
    )
    parser.add_argument("--evidence", type=Path, help="what is found in the documents, to be read")
    return parser.parse_args()


if __name__ == "__main__":
    main()
