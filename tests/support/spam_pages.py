r"""Search-engine spam around mathematical words, written here: what fooled the paper's classifiers.

No phrase is shared with the negatives that training makes (`training/recipes.py`), so that a page that
is dropped was recognised by its kind and not by its words.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from infimm_spark.cascade.judge import build_judge
from infimm_spark.classify.broadcast import load_mathematics, read_model
from infimm_spark.classify.thresholds import with_thresholds
from infimm_spark.config import BuildConfig
from infimm_spark.rules.filters import first_failed
from infimm_spark.rules.metrics import text_metrics

_TOPICS = {
    "en": [
        "compound interest", "standard deviation", "triangle area", "derivative", "matrix inverse",
        "fraction to decimal", "volume of a cylinder", "prime factors", "slope intercept", "p value",
        "concrete mix ratio", "roof pitch", "screw conveyor capacity", "body mass index",
    ],
    "zh": ["复利", "标准差", "三角形面积", "导数", "逆矩阵", "分数化小数", "圆柱体积", "质因数", "斜率", "卡方", "混凝土配比", "屋面坡度", "螺旋输送机产量", "体重指数"],
}  # fmt: skip
_SITES = ["toolkingdom", "easyfigure", "quickcalc99", "solvemore", "numberhub", "answerpal"]
_FORMULAS = [
    r"a^2+b^2=c^2",
    r"x=\frac{-b\pm\sqrt{b^2-4ac}}{2a}",
    r"\int_0^1 x^2\,dx",
    r"E=mc^2",
    r"\sum_{i=1}^n i",
]


def spam_pages(per_kind: int = 8, seed: int = 5) -> Iterator[tuple[str, str, str]]:
    """(language, kind, HTML); the same for the same arguments."""
    for language in ("en", "zh"):
        for kind, body in _KINDS.items():
            for number in range(per_kind):
                order = random.Random(f"{seed} {language} {kind} {number}")
                yield language, kind, _page(body(language, order), language, order)


class Judge:
    """Takes pages through a build's steps, in this process, with the packaged models."""

    def __init__(self, config: BuildConfig) -> None:
        models = {kind: read_model(None, kind) for kind in ("language", "recall", "precision")}
        self.config = with_thresholds(config)
        self._judge = build_judge(models["language"], models["recall"], config.extract)
        self._precision = load_mathematics(models["precision"], "precision")

    def dropped(self, html: str) -> tuple[str | None, float]:
        """The step that drops the page, None if none does; and its quality, 0 if it was not
        scored."""
        verdict = self._judge(html.encode(), url="http://spam.example/", content_type="text/html")
        if verdict.document is None or verdict.outcome != "kept":
            return f"extract/{verdict.reason}", 0.0
        text, language = verdict.document.text, verdict.language
        quality = self._precision.score(text, language)
        if verdict.math_prob < self.config.dedup.recall_threshold:
            return "recall/math_prob", quality
        failed = first_failed(text, language, text_metrics(text, language), self.config.rules)
        if failed is not None:
            return f"rules/{failed[0]}", quality
        threshold = self.config.rules.precision_threshold_at(verdict.document.text_length, language)
        if quality < threshold:
            return "precision/quality_prob", quality
        return None, quality


def _page(body: str, language: str, order: random.Random) -> str:
    title = order.choice(_TOPICS[language]) + (" calculator" if language == "en" else "计算器")
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8"><title>{title}</title>'
        '<script src="https://cdn.example/mathjax/MathJax.js"></script></head>'
        f"<body><h1>{title}</h1>{body}</body></html>"
    )


def _snippet_farm(language: str, order: random.Random) -> str:
    """Titles and cut sentences as a search engine shows them, one calculator after the other."""
    parts = []
    for _ in range(order.randrange(25, 60)):
        topic, other = order.sample(_TOPICS[language], 2)
        site = order.choice(_SITES)
        if language == "en":
            parts.append(
                f"<h3>{topic.title()} Calculator - {site}.example</h3><p>{order.choice(_EN_SNIPPETS)}</p>".format(
                    topic=topic, other=other, n=order.randrange(2, 90)
                )
            )
        else:
            parts.append(
                f"<h3>{topic}计算器 - {site}.example</h3><p>{order.choice(_ZH_SNIPPETS)}</p>".format(
                    topic=topic, other=other, n=order.randrange(2, 90)
                )
            )
    return "".join(parts)


_EN_SNIPPETS = [
    "This free {topic} calculator gives you the result and the formula in seconds. Also try our {other} tool ...",
    "The {topic} formula is used to find the {topic}. Enter the values and press solve. See also: {other} equation ...",
    "{n} results. How do you calculate {topic}? Use the {topic} equation solver with steps, {other} worksheet pdf ...",
    "Jun {n} - Online {topic} solver. Learn the {other} theorem, function grapher and matrix app ...",
    "Rating {n}% - {topic} examples with answers, {other} practice problems, download the excel sheet ...",
]
_ZH_SNIPPETS = [
    "免费{topic}计算器，输入数值立即得到结果和公式。还可以试试{other}计算工具……",
    "{topic}公式怎么用？{topic}的计算方法，{other}方程在线求解，点击查看……",
    "共{n}条结果。{topic}计算公式大全，{other}函数图像，例题答案下载……",
    "{topic}在线计算，支持{other}、矩阵、方程、概率，手机版免费安装……",
]


def _numbered_pictures(language: str, order: random.Random) -> str:
    """A gallery of numbered pictures under phrases, with a lone formula here and there."""
    topic = order.choice(_TOPICS[language])
    rows = []
    for n in range(1, order.randrange(40, 120)):
        caption = f"{topic} formula picture {n}" if language == "en" else f"{topic}公式图片{n}"
        formula = f" ${order.choice(_FORMULAS)}$" if n % 9 == 0 else ""
        rows.append(
            f'<p>{n}. {caption}{formula}</p><img src="/img/{order.randrange(10**6)}.jpg" alt="{caption}">'
        )
    return "".join(rows)


def _repeated_sentence(language: str, order: random.Random) -> str:
    """A sound sentence with its formula, said over and over with other numbers."""
    topic, formula = order.choice(_TOPICS[language]), order.choice(_FORMULAS)
    if language == "en":
        sentence = f"The equation of the {topic} with {{n}} variables is proved by the theorem ${formula}$ as shown."
    else:
        sentence = f"由定理${formula}$可以证明{topic}有{{n}}个变量时的方程成立。"
    separator = order.choice(["", "<br>", "</p><p>"])
    said = [sentence.replace("{n}", str(n)) for n in range(2, order.randrange(40, 90))]
    return f"<p>{separator.join(said)}</p>"


def _keyword_list(language: str, order: random.Random) -> str:
    """Tags: combinations of mathematical words and things for sale."""
    if language == "en":
        ends = [
            "formula",
            "equation",
            "solver",
            "worksheet",
            "theorem proof",
            "price",
            "supplier",
            "pdf",
        ]
        words = [f"{t} {e}" for t in _TOPICS[language] for e in ends]
    else:
        ends = ["公式", "方程", "求解", "证明", "价格", "厂家", "下载", "大全"]
        words = [t + e for t in _TOPICS[language] for e in ends]
    order.shuffle(words)
    return "<p>" + (", " if language == "en" else "，").join(words) + "</p>"


def _formula_shop(language: str, order: random.Random) -> str:
    """Machine-made sales text that throws formulas in to look learned."""
    parts = []
    for _ in range(order.randrange(10, 20)):
        topic = order.choice(_TOPICS[language])
        formula = order.choice(_FORMULAS)
        parts.append(
            f"<p>Our {topic} machine has the best capacity ${formula}$ in the industry. Contact us for "
            f"a {topic} quotation, delivery in {order.randrange(3, 40)} days.</p>"
            if language == "en"
            else f"<p>本厂{topic}设备产量${formula}$行业领先，欢迎来电咨询{topic}报价，"
            f"{order.randrange(3, 40)}天发货。</p>"
        )
    return "".join(parts)


_KINDS: dict[str, Callable[[str, random.Random], str]] = {
    "snippet farm": _snippet_farm,
    "numbered pictures": _numbered_pictures,
    "repeated sentence": _repeated_sentence,
    "keyword list": _keyword_list,
    "formula shop": _formula_shop,
}
