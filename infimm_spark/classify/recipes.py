"""The recipes of the packaged models: parameters, thresholds, and examples nobody labelled."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from infimm_spark.classify.convex import ConvexParameters
from infimm_spark.classify.features import QUICK_CHARS
from infimm_spark.classify.mathematics import Kind
from infimm_spark.classify.training import Example, TrainingParameters
from infimm_spark.classify.written import written_examples


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one packaged model is made."""

    parameters: TrainingParameters
    threshold: float
    notes: list[str] = field(default_factory=list)


_REPRODUCE = (
    "To make it again: `python jobs/train_defaults.py --data DATA --output DIR --date TRAINED`, where "
    "DATA holds the labelled crawl and the graded pages. The same data, version of this repository and "
    "date give the same bytes. `benchmarks/unseen_hosts.py` measures the whole cascade on unseen sites."
)

RECIPES: dict[Kind, Recipe] = {
    "recall": Recipe(
        parameters=TrainingParameters(
            solver=ConvexParameters(inverse_penalty=200.0),
            max_chars=4_000,
            quick_chars=6_000,
            quick_excerpt=QUICK_CHARS,
            site_cap=60,
            folds=5,
            bare=True,
            calibrated={"en": 0.984, "zh": 0.993},
        ),
        threshold=0.2,
        notes=[
            "Log-odds are shifted by language so that the paper's threshold 0.4 keeps, of extracted "
            "texts of unseen sites, 0.984 of the English and 0.993 of the Chinese mathematical ones; "
            "Chinese is kept higher because its quick texts score lower at the floor.",
            "Trained on two views of each page: quick visible text and extracted text; and on graded "
            "excerpts of pages that the crawl lacks.",
            "Texts written for it are trained on too, in every fold, and never measured: spam, mathematics in "
            "words, and everyday texts with numbers and questions (`classify/written.py`).",
            "Where a reader's grade contradicts a label, the grade was trained on; figures are by label.",
            "Labels of many pages come from counting formulas in the markup: figures on extracted text "
            "are partly circular.",
            _REPRODUCE,
        ],
    ),
    "precision": Recipe(
        parameters=TrainingParameters(
            solver=ConvexParameters(inverse_penalty=1_000.0),
            max_chars=6_000,
            site_cap=30,
            folds=8,
            bare=True,
        ),
        threshold=0.5,
        notes=[
            "Positives scored 6 or more of 10 on the rubric. Views named excerpt are the graded "
            "passages as graders saw them, often without formulas; the job scores extracted text. The quick "
            "text of graded pages is trained on, not measured.",
            "Spam and everyday texts written for it are negatives, in every fold, and never measured.",
            _REPRODUCE,
        ],
    ),
}


def extra_examples(kind: Kind) -> list[Example]:
    """Texts written here, never measured: spam, and sentences with and without mathematics.

    Those with mathematics are for recall alone: precision asks what is worth keeping, and a few sentences
    are not, nor are they to be dropped for what they are about.
    """
    written = [e for e in written_examples() if kind == "recall" or not e.label]
    return [*_spam_examples(), *written]


def _spam_examples() -> list[Example]:
    """Search-engine spam in both languages.

    Lists of "calculator" phrases with numbered pictures, sales talk with formulas thrown in, sentences
    said over and over: the kind of page that fooled the paper's own classifiers.
    """
    order = random.Random(7)
    examples = []
    for language, (subjects, templates) in _SPAM.items():
        for number in range(_SPAM_PAGES):
            site = f"spam-{language}-{number % _SPAM_SITES}"
            chosen = order.sample(subjects, 4)
            sentences = [
                order.choice(templates).format(
                    subject=order.choice(chosen), n=n, formula=order.choice(_SPAM_FORMULAS)
                )
                for n in range(1, order.randrange(15, 90))
            ]
            text = ("\n" if number % 2 else " ").join(sentences)
            page = f"{site}/{number}"
            for view in ("quick", "text"):
                examples.append(
                    Example(text, language, 0, site, page, view, measured=False, written=True)
                )
    return examples


_SPAM_FORMULAS = (
    r"y=mx+b",
    r"\frac{dy}{dx}",
    r"\sigma=\sqrt{\mu}",
    r"P(A\cap B)",
    r"F=ma",
    r"\lim_{n\to\infty} a_n",
    r"\theta",
)
_SPAM_PAGES = 60
_SPAM_SITES = 6

_SPAM: dict[str, tuple[list[str], list[str]]] = {
    "en": (
        [
            "conveyor motor power calculation",
            "belt conveyor design calculator",
            "ball mill critical speed formula",
            "jaw crusher capacity equation",
            "math solver with steps",
            "algebra calculator online",
            "percentage formula worksheet",
            "grade 7 maths exam papers",
            "mortgage equation calculator",
            "geometry homework answers",
            "statistics formula sheet",
            "quadratic equation app",
        ],
        [
            "{n}. {subject} pdf free download.",
            "Picture {n}: {subject} image gallery.",
            "Best {subject} online, click here for a quote.",
            "{subject} excel, {subject} ppt, {subject} price in India.",
            "Related searches: {subject}, {subject} {n}, cheap {subject}.",
            "How to use {subject}? Contact our sales team today.",
            "Download {n} {subject} vectors and stock photos.",
            "Buy {subject} software ${formula}$ at a discount of {n} percent.",
            "The {subject} ${formula}$ is popular among buyers, ask for a sample.",
        ],
    ),
    "zh": (
        [
            "破碎机产量计算公式",
            "皮带输送机功率计算",
            "球磨机临界转速公式",
            "在线数学计算器",
            "小学数学公式大全",
            "初中几何题答案",
            "方程求解软件",
            "概率统计公式表",
            "房贷利率计算器",
            "高考数学真题",
        ],
        [
            "{n}、{subject}免费下载，点击咨询客服。",
            "图片{n}：{subject}高清图片大全。",
            "{subject}厂家直销，获取最新报价。",
            "相关搜索：{subject}，{subject}多少钱，{subject}哪里有。",
            "{subject}在线使用，{subject}手机版，{subject}破解版。",
            "联系我们了解更多{subject}，电话{n}00{n}。",
            "{subject}软件${formula}$限时{n}折，立即购买。",
            "客户喜爱的{subject}${formula}$，免费寄样品。",
        ],
    ),
}
