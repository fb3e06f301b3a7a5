"""Pages a build must not keep: other subjects, other languages, spam, and records that are
broken."""

from __future__ import annotations

from dataclasses import replace
from html import escape

from infimm_spark.sample.formulas import MATHJAX_DOLLARS
from infimm_spark.sample.page import (
    NO_MATHEMATICS_IN_SOURCE,
    NOT_MATHEMATICS,
    OTHER_LANGUAGE,
    SamplePage,
    page_html,
)


def other_pages() -> list[SamplePage]:
    """All of them, in the newer snapshot."""
    return [
        *_other_subjects(),
        *_other_languages(),
        *_caught_by_rules(),
        *_odd_records(),
    ]


def nested_page(depth: int) -> bytes:
    """Elements nested so deeply that a parser would take minutes."""
    return b"<!DOCTYPE html><title>deep</title>" + b"<div>" * depth + b"x = 1" + b"</div>" * depth


def _page(
    url: str,
    title: str,
    text: str,
    shows: str,
    expected: frozenset[str],
    language: str = "en",
    head: str = "",
) -> SamplePage:
    paragraphs = "\n".join(f"<p>{escape(p.strip())}</p>" for p in text.strip().split("\n\n"))
    html = page_html(title, f"<h1>{escape(title)}</h1>\n{paragraphs}", language=language, head=head)
    return SamplePage(url, html.encode(), shows, expected)


def _other_subjects() -> list[SamplePage]:
    return [
        _page(
            "https://kitchen.example.com/recipes/rye-bread",
            "A rye bread that rises overnight",
            """
The evening before, stir the starter into lukewarm water and mix it with half of the flour. Cover the
bowl with a cloth and leave it on the kitchen table. By morning the dough has doubled and smells
pleasantly sour.

Add the rest of the flour, the salt and a spoonful of honey. Knead for ten minutes until the dough comes
away from the sides of the bowl, then shape it into a loaf, put it into a buttered tin and let it rest
for another two hours while the oven heats.

Bake the bread hot for a quarter of an hour, turn the oven down, and give it forty minutes more. It is
done when it sounds hollow as you knock on its crust. Let it cool before you cut it, however hard that
is. My grandmother kept hers in a linen bag, and it was still good after a week.
""",
            "a recipe",
            NOT_MATHEMATICS,
        ),
        _page(
            "https://news.example.com/2023/11/harbour-bridge-reopens",
            "Harbour bridge reopens after two years of repairs",
            """
Hundreds of people walked across the old harbour bridge on Saturday morning, the first to do so since it
was closed for repairs two years ago. The mayor cut a ribbon, a brass band played, and the ferry that had
carried commuters in the meantime sounded its horn.

The work took eight months longer than planned. Divers had found that the piers were in worse condition
than the drawings suggested, and the city had to look for more money. Shopkeepers on the northern bank,
who lost many of their customers, have asked for compensation.

"I did not believe it until I stood on it," said one resident who has lived near the bridge all her life.
Buses will cross it again from Monday. Cars have to wait until the spring, when the new traffic lights
are installed.
""",
            "a news story",
            NOT_MATHEMATICS,
        ),
        _page(
            "https://council.example.org/minutes/2023-11",
            "Minutes of the town council",
            "\n\n".join(
                f"The council heard {who} on {what}. It was agreed to ask for two offers, to write to "
                f"the people who live nearby, and to come back to {what} in the spring. {who} thanked "
                "the clerk for her work and left the room before the vote, as the rules of the "
                "council ask of those who have a share in a matter."
                for what in ("the lamps in Mill Lane", "the roof of the library", "the market hall")
                for who in (
                    *("Mr Appleby", "Mrs Dunn", "Ms Ferris", "Mr Holt", "Mrs Iqbal", "Mr Judd"),
                    *("Ms Kerr", "Mr Lowe", "Mrs Marsh", "Ms Nolan"),
                )
            ),
            "long minutes without a formula or a word of mathematics",
            NO_MATHEMATICS_IN_SOURCE,
        ),
        _page(
            "https://shop.example.com/garden/chairs?page=2",
            "Garden chairs and benches",
            """
Folding chair, oiled acacia: $49.90, was $64.00. Two for $89. Free delivery on orders over $75.

Bench for three, powder-coated steel: $129.00. Cushion in green or grey: $24.50, or $22 each when you
buy four. Add to basket. Compare. Save for later.

Rocking chair: from $159 to $199, depending on the colour. Gift cards are available from $10 to $500.
Prices include tax. Our summer sale ends on Sunday: take $20 off any order of $150 or more with the code
at checkout. Customers who bought this also bought a parasol ($39.95) and a side table ($34.95).

Returns are free for thirty days. Subscribe to our newsletter and get $5 off your next order.
""",
            "prices: dollars that are no formulas",
            NOT_MATHEMATICS,
        ),
        _page(
            "https://football.example.com/reports/late-winner",
            "Late winner settles a wet derby",
            """
A header in the last minute decided a derby that neither side deserved to lose. The rain had made the
pitch heavy, passes stuck in the puddles, and for most of the evening both goalkeepers had little to do.

The home side took the lead against the run of play when a corner was only half cleared and the ball
fell to the captain at the edge of the area. The visitors answered after the break with a penalty that
their bench had been demanding all night.

With extra time looming the left back crossed once more from the line and the substitute, on the field
for barely five minutes, rose above two defenders. The stand behind the goal was still singing when the
lights went out. On Thursday the same teams meet again in the cup.
""",
            "a match report",
            NOT_MATHEMATICS,
        ),
        _page(
            "https://cook.example.cn/caipu/hongshao-qiezi",
            "家常红烧茄子的做法",
            """
茄子洗净后切成滚刀块，撒少许盐腌一刻钟，挤去水分。这样处理过的茄子不吸油，吃起来也不腻。大蒜切片，青椒切块备用。

锅里倒油烧热，放入茄子用中火慢慢煎软，两面都微微发黄时盛出来。锅里留一点底油，把蒜片炒香，加生抽、老抽、少许白糖和半碗清水，煮开以后把茄子倒回锅里。

盖上锅盖焖几分钟，等汤汁变浓再放青椒，翻炒均匀就可以出锅了。喜欢吃辣的朋友可以加两个干辣椒。这道菜配米饭非常好吃，我家孩子每次都要多吃一碗。
""",
            "a Chinese recipe",
            NOT_MATHEMATICS,
            "zh",
        ),
        _page(
            "https://xinwen.example.cn/2023/ditie-kaitong",
            "新地铁线路今天开通运营",
            """
今天上午，连接老城区与新火车站的地铁线路正式开通。第一趟列车从起点站驶出时，站台上响起了热烈的掌声，许多市民特意带着孩子来体验。

据介绍，新线路全程设有十几座车站，其中三座可以换乘其他线路。高峰时段列车间隔较短，沿线居民上班的时间将明显缩短。车站里设置了母婴室和无障碍电梯，墙上的壁画由本地的美术学院师生创作。

有乘客表示，以前坐公共汽车去火车站要一个多小时，现在方便多了。交通部门提醒市民，开通初期客流较大，请按照工作人员的引导有序乘车。
""",
            "a Chinese news story",
            NOT_MATHEMATICS,
            "zh",
        ),
        _page(
            "https://cheap-solver-tools.example.net/best-calculator-online-free",
            "Best Free Online Calculator Math Solver Calculator Download",
            "\n\n".join(
                f"{adjective} {thing} calculator free online. Click here to download the {thing} "
                f"calculator app. Our {thing} calculator is the {adjective.lower()} calculator on the "
                f"internet. Reviews of {thing} calculator tools, buy {thing} calculator today, order now, "
                "best price, fast shipping, no registration."
                for adjective in ("Best", "Top", "Cheap")
                for thing in ("percentage", "conveyor motor", "mortgage", "scientific")
            ),
            "search-engine spam made of the word calculator",
            NOT_MATHEMATICS,
        ),
    ]


def _other_languages() -> list[SamplePage]:
    def page(
        host: str, title: str, text: str, language: str, *found: tuple[str, float]
    ) -> SamplePage:
        shows = f"mathematics in a language the corpus does not take ({language})"
        if found:
            shows += ", as the crawl's metadata says"
        plain = _page(f"https://{host}/", title, text, shows, OTHER_LANGUAGE, language)
        return replace(plain, languages=found)

    return [
        page(
            "mathe.example.de",
            "Der Satz des Pythagoras",
            """
In jedem rechtwinkligen Dreieck ist das Quadrat über der Hypotenuse genauso groß wie die beiden Quadrate
über den Katheten zusammen. Sind die Katheten drei und vier Einheiten lang, so hat die Hypotenuse die
Länge fünf.

Zum Beweis legt man vier gleiche Dreiecke in ein großes Quadrat. Die Fläche, die dabei frei bleibt, lässt
sich auf zwei Arten berechnen. Der Vergleich der beiden Ergebnisse liefert die Behauptung.
""",
            "de",
        ),
        page(
            "maths.example.fr",
            "Résoudre une équation du second degré",
            """
Pour résoudre une équation du second degré, on calcule d'abord son discriminant. S'il est positif,
l'équation possède deux solutions réelles ; s'il est nul, elle en possède une seule ; s'il est négatif,
elle n'en possède aucune.

On peut vérifier le résultat en calculant la somme et le produit des racines, qui s'expriment simplement
à l'aide des coefficients de l'équation.
""",
            "fr",
            ("fr", 0.99),
        ),
        page(
            "matematika.example.ru",
            "Что такое производная",
            """
Производной функции в точке называется предел отношения приращения функции к приращению аргумента, когда
приращение аргумента стремится к нулю. Если такой предел существует, функцию называют дифференцируемой.

Геометрически производная равна угловому коэффициенту касательной к графику функции в данной точке.
""",
            "ru",
        ),
        page(
            "sugaku.example.jp",
            "二次方程式の解き方",
            """
二次方程式を解くには、まず因数分解ができるかどうかを考えます。できないときは解の公式を使います。判別式の値が正ならば、
方程式は異なる二つの実数の解をもちます。

たとえば、長方形のたての長さと横の長さの和がわかっていて、面積もわかっているとき、それぞれの長さは二次方程式の解として
求めることができます。
""",
            "ja",
            ("ja", 0.94),
            ("en", 0.05),
        ),
    ]


_CALCULUS = r"""
The function $f(x) = x^3 - 3x$ has the derivative $f'(x) = 3x^2 - 3 = 3(x-1)(x+1)$. It is zero at
$x = 1$ and $x = -1$. Since $f''(x) = 6x$, the point $x = 1$ is a local minimum and $x = -1$ is a local
maximum of the function. The integral of the polynomial is $\int f(x) \, dx = \frac{x^4}{4} -
\frac{3x^2}{2} + C$, by the power rule for antiderivatives.
"""


_VECTORS = r"""
The scalar product of two vectors $u = (u_1, u_2, u_3)$ and $v = (v_1, v_2, v_3)$ is the number
$u \cdot v = u_1 v_1 + u_2 v_2 + u_3 v_3$. It measures the angle $\theta$ between them, because
$u \cdot v = |u| |v| \cos\theta$; the vectors are perpendicular exactly if the product is zero.

For $u = (1, 2, 2)$ and $v = (2, -2, 1)$ we compute $u \cdot v = 2 - 4 + 2 = 0$, so the angle is a right
angle. The cross product $u \times v = (6, 3, -6)$ is perpendicular to both, and its length
$\sqrt{36 + 9 + 36} = 9$ is the area of the rectangle that the two vectors span.
"""

_LIMITS = r"""
A sequence $(a_n)$ converges to the limit $a$ if for every $\varepsilon > 0$ there is a number $N$ such that
$|a_n - a| < \varepsilon$ for all $n > N$. A bounded increasing sequence of real numbers converges; its
limit is the least upper bound of its terms.

Consider $a_n = \frac{2n + 1}{n + 3}$. Dividing the numerator and the denominator by $n$ shows that
$a_n = \frac{2 + 1/n}{1 + 3/n} \to 2$. Indeed $|a_n - 2| = \frac{5}{n + 3}$, and this is smaller than
$\varepsilon$ as soon as $n > \frac{5}{\varepsilon} - 3$.
"""


def _caught_by_rules() -> list[SamplePage]:
    """Mathematics by any classifier, each page with the one flaw that a rule looks for."""
    marks = "\n\n".join(
        f"Exercise {n} : the function , its derivative , its integral ! Find : the limit of the function ; "
        "the slope of the tangent ; the area under the graph ; the maximum , the minimum , the zeros . . . ? "
        f"Prove , or disprove ! ? Is the polynomial of degree {n} : even ? odd ? continuous ? convex ? . . ."
        for n in range(2, 12)
    )
    return [
        _page(
            "https://template.example.org/lesson-1",
            "Lesson 1: extrema of a cubic function",
            _CALCULUS + "\n\nLorem ipsum dolor sit amet, to be replaced by an introduction.",
            "an unfinished page: placeholder text beside a calculation",
            frozenset({"rules:lorem_ipsum"}),
            head=MATHJAX_DOLLARS,
        ),
        _page(
            "https://worksheets.example.org/functions-and-limits",
            "Functions, limits; derivatives, integrals: exercises",
            marks,
            "more punctuation than words",
            frozenset({"rules:punctuation_ratio"}),
            head=MATHJAX_DOLLARS,
        ),
        _page(
            "https://forum.example.org/hijacked-thread",
            "How do I find the angle between two vectors?",
            _VECTORS + "\n\nxvideos porn hentai",
            "a forum thread that a spammer found",
            frozenset({"rules:nsfw"}),
            head=MATHJAX_DOLLARS,
        ),
        _page(
            "https://archive.example.org/badly-converted",
            "Convergent sequences",
            _LIMITS
            + "\n\nThe theorem is due to Bolzano and Weierstra\ufffd, the notation to Cauchy\ufffds school.",
            "letters lost in a conversion years ago",
            frozenset({"rules:unicode_error"}),
            head=MATHJAX_DOLLARS,
        ),
    ]


def _odd_records() -> list[SamplePage]:
    deep = "https://broken.example.org/nested"
    return [
        SamplePage(
            deep,
            nested_page(100_000),
            "100,000 nested elements, refused before any parser sees them",
            frozenset({"extract:too_deep"}),
        ),
        SamplePage(
            "https://papers.example.org/preprint.pdf",
            b"%PDF-1.4\n% a document that is no web page\n%%EOF\n",
            "a PDF",
            frozenset({"extract:mime:application/pdf"}),
            content_type="application/pdf",
        ),
        SamplePage(
            "https://math.example.org/moved-away",
            page_html("Not found", "<h1>Not found</h1>").encode(),
            "an error page",
            frozenset({"extract:status:404"}),
            status="404 Not Found",
        ),
        SamplePage(
            "https://math.example.org/unchanged",
            page_html("Unchanged", "<p>Unchanged since the last visit.</p>").encode(),
            "a revisit record, which holds no page",
            frozenset({"extract:record_type:revisit"}),
            revisit=True,
        ),
        SamplePage(
            "https://math.example.org/empty",
            b"<!DOCTYPE html><html><body></body></html>",
            "a page without text",
            frozenset({"extract:no_text"}),
        ),
        SamplePage(
            "https://math.example.org/damaged",
            page_html(
                "Damaged", "<p>" + "This record is damaged on disk. " * 200 + "</p>"
            ).encode(),
            "a record whose compressed bytes are damaged",
            frozenset({"extract:damaged_gzip_member"}),
            damaged=True,
        ),
    ]
