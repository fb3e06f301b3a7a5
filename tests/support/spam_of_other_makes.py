r"""Spam of other makes than `spam_pages.py`: ten kinds, each three times in English and in Chinese.

Betting advice, homework for sale, spun articles, indexes of scraped lectures, hidden keywords,
locked answers, trading signals, invented LaTeX, document previews, sums with the numbers exchanged.
No phrase is shared with the negatives that training makes (`training/written.py`).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

PER_KIND = 3


def other_spam_pages(per_kind: int = PER_KIND, seed: int = 7) -> Iterator[tuple[str, str, str]]:
    """(language, kind, HTML); the same for the same arguments."""
    for language in ("en", "zh"):
        for kind, body in _KINDS.items():
            for number in range(per_kind):
                order = random.Random(f"{seed} {language} {kind} {number}")
                title, content = body(language, order)
                yield (
                    language,
                    kind,
                    f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
                    f"<title>{title}</title></head><body><h1>{title}</h1>{content}</body></html>",
                )


def _drawn(
    language: str,
    order: random.Random,
    sentences: dict[str, list[str]],
    count: tuple[int, int],
) -> str:
    """Paragraphs of sentences whose blanks are filled anew each time."""
    parts = []
    for _ in range(order.randrange(*count)):
        chosen = order.sample(sentences[language], min(3, len(sentences[language])))
        parts.append(f"<p>{' '.join(_filled(one, language, order) for one in chosen)}</p>")
    return "".join(parts)


def _filled(template: str, language: str, order: random.Random) -> str:
    return template.format(
        n=order.randrange(2, 99),
        m=order.randrange(100, 999),
        formula=f"${order.choice(_FORMULAS)}$",
        fake=f"${_invented(order)}$",
        subject=order.choice(_SUBJECTS[language]),
        other=order.choice(_SUBJECTS[language]),
        brand=order.choice(_BRANDS),
    )


_BRANDS = ["Luckmore", "AceTutor", "GradeRocket", "Fortunix", "ProfitOwl", "DocuHeap"]
_FORMULAS = [
    r"P(A|B)=\frac{P(B|A)P(A)}{P(B)}",
    r"E[X]=\sum_i x_i p_i",
    r"\binom{n}{k}",
    r"\sigma^2=\frac{1}{n}\sum (x_i-\mu)^2",
    r"f'(x)=\lim_{h\to 0}\frac{f(x+h)-f(x)}{h}",
    r"y=mx+b",
]
_SUBJECTS = {
    "en": [
        "linear algebra", "calculus", "probability", "number theory", "trigonometry",
        "differential equations", "real analysis", "topology", "combinatorics", "geometry",
    ],
    "zh": ["线性代数", "微积分", "概率论", "数论", "三角函数", "微分方程", "实分析", "拓扑", "组合数学", "几何"],
}  # fmt: skip


def _betting(language: str, order: random.Random) -> tuple[str, str]:
    """Casino advice that quotes theorems between its offers."""
    title = "Beat the odds with mathematics" if language == "en" else "用数学赢遍老虎机"
    return title, _drawn(language, order, _BETTING, (12, 30))


_BETTING = {
    "en": [
        "Our roulette engine at {brand} applies {formula} so you win {n}% more spins tonight.",
        "Experts of {subject} agree that {formula} is the secret of every jackpot worth ${m}.",
        "Claim {n} free spins, no deposit, and let {formula} do the rest.",
        "The bookmaker's margin is {formula}, which is why {brand} members always bet on red.",
        "Sign up with code MATH{m} before the bonus expires in {n} hours.",
        "Slot return to player is computed by {subject}; our table pays {n} to 1.",
    ],
    "zh": [
        "{brand}娱乐城运用{formula}，让您今晚多赢{n}%。",
        "{subject}专家一致认为{formula}就是{m}元大奖的秘诀。",
        "注册即送{n}次免费旋转，其余交给{formula}。",
        "庄家优势为{formula}，因此{brand}会员永远押红。",
        "输入优惠码{m}，奖金{n}小时后失效。",
        "老虎机返奖率由{subject}算出，我们一赔{n}。",
    ],
}


def _homework(language: str, order: random.Random) -> tuple[str, str]:
    """Assignments written for money, with the names of courses and a few formulas."""
    subject = order.choice(_SUBJECTS[language])
    title = (
        f"Pay someone to do my {subject} assignment" if language == "en" else f"{subject}作业代写"
    )
    return title, _drawn(language, order, _HOMEWORK, (10, 24))


_HOMEWORK = {
    "en": [
        "Stuck on {subject}? {brand} writers solve {formula} overnight from ${n} a page.",
        "Every proof is checked for plagiarism, and your {other} exam is taken by a PhD.",
        "Customers ask us: can you find {formula} before my deadline? Yes, in {n} minutes.",
        "We cover {subject}, {other}, lemmas, theorems, matrices and even {fake}.",
        "Upload the question, choose a tutor rated 4.{n}, and receive a typed solution.",
        "Order {n} problems and the next {other} quiz is half price with {brand}.",
    ],
    "zh": [
        "{subject}不会做？{brand}写手连夜解出{formula}，每页{n}元起。",
        "所有证明均查重，{other}考试由博士代考。",
        "客户问：能在截止前求出{formula}吗？{n}分钟搞定。",
        "我们承接{subject}、{other}、引理、定理、矩阵乃至{fake}。",
        "上传题目，选择评分4.{n}的老师，收到打印版解答。",
        "下单{n}题，下次{other}测验半价。",
    ],
}


def _spun(language: str, order: random.Random) -> tuple[str, str]:
    """An article whose words were exchanged by a program until it means nothing."""
    parts = []
    for _ in range(order.randrange(14, 30)):
        words = [order.choice(_SPUN[language]) for _ in range(order.randrange(9, 22))]
        words.insert(order.randrange(len(words)), f"${order.choice(_FORMULAS)}$")
        joined = " ".join(words).capitalize() if language == "en" else "".join(words)
        parts.append(f"<p>{joined}{'.' if language == 'en' else '。'}</p>")
    return _filled("{subject} {n}", language, order), "".join(parts)


_SPUN = {
    "en": ["theorem", "lemma", "whilst", "henceforth", "numeral", "evidence", "furnishes", "quantity", "integer", "manifold", "vector", "obtains", "amount", "derivative", "wherefore", "gauge", "figure", "modest", "digits", "hypothesis", "the", "of", "a", "which", "that", "by", "proof", "circle", "likewise", "arrangement", "variable", "equality", "solves", "limit"],
    "zh": ["定理", "引理", "于是", "数字", "证据", "提供", "数量", "整数", "流形", "向量", "得到", "总额", "导数", "故而", "衡量", "图形", "数位", "假设", "的", "了", "与", "由", "证明", "圆", "同样", "排列", "变量", "相等", "求解", "极限"],
}  # fmt: skip


def _scraped_index(language: str, order: random.Random) -> tuple[str, str]:
    """Titles of lectures taken from elsewhere, each with a date, a size and a link."""
    rows = []
    for number in range(order.randrange(40, 110)):
        subject = order.choice(_SUBJECTS[language])
        name = (
            f"Lecture {number}: {subject} ({order.choice(['theorem', 'exercises', 'proof'])})"
            if language == "en"
            else f"第{number}讲：{subject}（{order.choice(['定理', '习题', '证明'])}）"
        )
        formula = f" ${order.choice(_FORMULAS)}$" if order.random() < 0.2 else ""
        rows.append(
            f'<li><a href="/get/{order.randrange(10**6)}">{name}{formula}</a> '
            f"2019-0{order.randrange(1, 9)}-1{order.randrange(9)} {order.randrange(1, 90)} MB</li>"
        )
    title = "All lectures mirror" if language == "en" else "全部讲义镜像"
    return title, f"<ul>{''.join(rows)}</ul>"


def _hidden_keywords(language: str, order: random.Random) -> tuple[str, str]:
    """A shop's page with mathematical words and formulas in the colour of its background."""
    shop = _drawn(language, order, _SHOP, (4, 9))
    words = [
        order.choice(
            [order.choice(_SUBJECTS[language]), f"${order.choice(_FORMULAS)}$", *_KEYS[language]]
        )
        for _ in range(order.randrange(80, 200))
    ]
    separator = " " if language == "en" else "、"
    return (
        "Summer sale" if language == "en" else "夏季特卖",
        f'{shop}<div style="color:#fff">{separator.join(words)}</div>',
    )


_KEYS = {
    "en": ["solution", "definition", "let x be", "equation", "QED", "corollary"],
    "zh": ["解", "定义", "设x为", "方程", "证毕", "推论"],
}
_SHOP = {
    "en": [
        "Leather sandals in {n} colours, shipped from our warehouse within {n} hours.",
        "Returns are free for {m} days; refunds go to your original card.",
        "Customers rated these boots 4.{n} for comfort and fit.",
        "Join the {brand} club and collect {m} points with your first basket.",
    ],
    "zh": [
        "真皮凉鞋{n}种颜色，{n}小时内发货。",
        "{m}天内免费退换，退款原路返回。",
        "顾客给这双靴子的舒适度打4.{n}分。",
        "加入{brand}会员，首单即得{m}积分。",
    ],
}


def _locked_answers(language: str, order: random.Random) -> tuple[str, str]:
    """Questions whose answers are behind a payment, one like the other."""
    parts = []
    for number in range(1, order.randrange(15, 35)):
        parts.append(
            f"<h3>{number}</h3><p>{_filled(order.choice(_LOCKED[language]), language, order)}</p>"
        )
    return ("Top questions answered" if language == "en" else "热门题目解答"), "".join(parts)


_LOCKED = {
    "en": [
        "Find {formula} in {subject}. Answer: unlock with {brand} Premium ({m} students unlocked).",
        "What is the value of {formula} when n = {n}? The expert answer is hidden, start your trial.",
        "Which theorem of {subject} gives {fake}? Verified solution, {n} steps, members only.",
        "True or false: {formula}. Log in to see the explanation and {m} related flashcards.",
    ],
    "zh": [
        "在{subject}中求{formula}。答案：开通{brand}会员查看（{m}人已解锁）。",
        "当n={n}时{formula}等于多少？专家答案已隐藏，立即试用。",
        "{subject}的哪个定理给出{fake}？已验证解答共{n}步，仅限会员。",
        "判断对错：{formula}。登录查看解析及{m}张相关卡片。",
    ],
}


def _signals(language: str, order: random.Random) -> tuple[str, str]:
    """Trading signals dressed up with statistics."""
    title = "Quant signals of the day" if language == "en" else "今日量化信号"
    return title, _drawn(language, order, _TRADING, (10, 26))


_TRADING = {
    "en": [
        "Buy above {m}, target {m}, stop {n}: our model {formula} never lost in {n} weeks.",
        "The band is {formula}, so the coin must rise {n}% by Friday.",
        "Deposit ${m} with {brand} and copy the robot that trades {fake}.",
        "By {subject} the drawdown is below {n}%, guaranteed by our analysts.",
        "Traders who ignore {formula} leave money on the table; join the channel.",
    ],
    "zh": [
        "突破{m}买入，目标{m}，止损{n}：模型{formula}连续{n}周零亏损。",
        "通道为{formula}，周五前币价必涨{n}%。",
        "入金{m}元，跟单{brand}机器人，策略{fake}。",
        "由{subject}可知回撤低于{n}%，分析师担保。",
        "忽视{formula}的交易者正在错过财富，立即进群。",
    ],
}


def _invented_latex(language: str, order: random.Random) -> tuple[str, str]:
    """Formulas put together at random, between words put together at random."""
    parts = []
    for _ in range(order.randrange(12, 30)):
        words = [order.choice(_CHATTER[language]) for _ in range(order.randrange(4, 12))]
        joined = (" " if language == "en" else "").join(words)
        parts.append(f"<p>{joined} $${_invented(order)}$$</p>")
    return _filled("{brand} {m}", language, order), "".join(parts)


_CHATTER = {
    "en": ["cheap", "flights", "insurance", "quote", "weather", "celebrity", "recipe", "mattress", "loan", "lyrics", "download", "wallpaper", "coupon", "horoscope", "casino", "vitamin", "hotel", "tattoo", "plumber"],
    "zh": ["机票", "保险", "报价", "天气", "明星", "菜谱", "床垫", "贷款", "歌词", "下载", "壁纸", "优惠券", "星座", "彩票", "维生素", "酒店", "纹身", "开锁"],
}  # fmt: skip


def _invented(order: random.Random) -> str:
    pieces = [
        r"\alpha", r"\beta_{3}", r"\frac{q}{\nabla}", "=", "+", r"\oint", "7^{x}", r"\mathbb{R}",
        r"\le", r"\sqrt{\pi}", r"\otimes", "k", r"\sum",
    ]  # fmt: skip
    return " ".join(order.choice(pieces) for _ in range(order.randrange(4, 14)))


def _document_preview(language: str, order: random.Random) -> tuple[str, str]:
    """Cut pieces of documents, each followed by points and a button."""
    parts = []
    for _ in range(order.randrange(8, 18)):
        parts.append(f"<p>{_filled(order.choice(_PREVIEWS[language]), language, order)}</p>")
    return ("Document library" if language == "en" else "文档库"), "".join(parts)


_PREVIEWS = {
    "en": [
        "{subject} final 20{n}.docx – {m} pages – Let f be continuous and {formula} then we ... download for {n} points",
        "Handbook of {subject}, {m} reads: Chapter {n}. Theorem. If {formula} ... [preview ends here]",
        "{brand} upload: {other} formula sheet {formula} {formula} ... {n} likes, report, embed, share",
        "Solutions manual {subject} {n}th edition, 1.{n} By definition {formula} ... view full text with a pass",
    ],
    "zh": [
        "{subject}期末20{n}.docx 共{m}页 设f连续且{formula}，则……下载需{n}积分",
        "{subject}手册 阅读{m} 第{n}章 定理 若{formula}……预览结束",
        "{brand}上传：{other}公式表{formula} {formula}……点赞{n} 举报 分享",
        "{subject}第{n}版习题解答 1.{n} 由定义{formula}……凭会员阅读全文",
    ],
}  # fmt: skip


def _exchanged_numbers(language: str, order: random.Random) -> tuple[str, str]:
    """One sum with other numbers: made by the million for searches."""
    a, b = order.randrange(3, 97), order.randrange(40, 900)
    rows = [
        f"<p>{_filled(order.choice(_SUMS[language]), language, order)}</p>"
        f"<p>${n}\\% \\times {m} = {n * m / 100:g}$</p>"
        for n, m in ((a + step, b + 3 * step) for step in range(order.randrange(15, 40)))
    ]
    title = f"What is {a} percent of {b}?" if language == "en" else f"{b}的百分之{a}是多少"
    return title, "".join(rows)


_SUMS = {
    "en": [
        "People also look for {n} percent of {m}, {n} percent of {m} dollars, {m} in percent.",
        "Convert {n} of {m} as a percentage with one click, share this result.",
        "Next: {n} percent off {m}, {n} percent increase of {m}, tip for {m}.",
    ],
    "zh": [
        "大家还在搜：{m}的百分之{n}、{m}元打{n}折、{m}占比。",
        "一键换算{m}的{n}%，分享结果。",
        "下一个：{m}减百分之{n}、{m}涨百分之{n}、{m}小费。",
    ],
}

_KINDS: dict[str, Callable[[str, random.Random], tuple[str, str]]] = {
    "betting": _betting,
    "homework for sale": _homework,
    "spun article": _spun,
    "scraped index": _scraped_index,
    "hidden keywords": _hidden_keywords,
    "locked answers": _locked_answers,
    "trading signals": _signals,
    "invented LaTeX": _invented_latex,
    "document preview": _document_preview,
    "exchanged numbers": _exchanged_numbers,
}
