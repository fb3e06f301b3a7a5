"""Exercise sheets: pages whose numbers and steps are computed, not written."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import gcd, isqrt

from infimm_spark.sample.page import Article


def sheets() -> Iterator[tuple[str, Article]]:
    """(encoding, article) of each sheet."""
    yield "parentheses", _quadratics()
    yield "katex", _divisions()
    yield "tex_script", _elimination()
    yield "dollars", _derivatives()
    yield "mathml_annotated", _factorisations()
    yield "wordpress", _number_bases()
    yield "katex", _chinese_quadratics()
    yield "dollars", _chinese_divisions()


def _quadratics() -> Article:
    parts = [
        "Each of these quadratic equations is solved by factoring. We look for two numbers whose sum is"
        " the negative of the linear coefficient and whose product is the constant term."
    ]
    for number, (p, q) in enumerate([(2, 3), (-1, 6), (4, 7), (-5, -2), (3, -8)], 1):
        b, c = -(p + q), p * q
        equation = f"x^2 {b:+d}x {c:+d} = 0"
        parts += [
            f"## Problem {number}",
            f"$${equation}$$",
            f"The numbers ${p}$ and ${q}$ have the sum ${p + q}$ and the product ${c}$. Hence the left side"
            f" factors as $(x {-p:+d})(x {-q:+d})$, and a product is zero only if one of its factors is. The"
            f" solutions are $x = {p}$ and $x = {q}$. The discriminant confirms that there are two of them:"
            f" $\\Delta = ({b})^2 - 4 \\cdot ({c}) = {b * b - 4 * c} = {isqrt(b * b - 4 * c)}^2$.",
        ]
    return Article("sheet-quadratics", "Solved quadratic equations", "\n\n".join(parts))


def _euclid(a: int, b: int) -> list[tuple[int, int, int, int]]:
    """(dividend, quotient, divisor, remainder) of each division."""
    steps = []
    while b:
        steps.append((a, a // b, b, a % b))
        a, b = b, a % b
    return steps


def _divisions() -> Article:
    parts = [
        "The Euclidean algorithm finds the greatest common divisor by division with remainder. In every"
        " line the divisor and the remainder of the line before take the place of the two numbers."
    ]
    for a, b in [(1071, 462), (987, 610), (2024, 748), (3553, 527)]:
        parts.append(f"## The numbers {a} and {b}")
        parts += [f"$${n} = {q} \\cdot {d} + {r}$$" for n, q, d, r in _euclid(a, b)]
        g = gcd(a, b)
        parts.append(
            f"The last remainder that is not zero gives $\\gcd({a}, {b}) = {g}$. The least common multiple"
            f" follows from the product of the numbers: $\\frac{{{a} \\cdot {b}}}{{{g}}} = {a * b // g}$. The"
            f" reduced form of the fraction is $\\frac{{{a}}}{{{b}}} = \\frac{{{a // g}}}{{{b // g}}}$."
        )
    return Article("sheet-euclid", "Euclidean algorithm: worked exercises", "\n\n".join(parts))


def _elimination() -> Article:
    parts = [
        "To solve two linear equations in two unknowns, multiply them so that one unknown has the same"
        " coefficient in both, subtract, and substitute the value that results."
    ]
    for (a, b, x), (c, d, y) in [
        ((2, 3, 1), (5, -2, 4)),
        ((3, 7, -2), (4, 5, 3)),
        ((6, -5, 2), (7, 8, -1)),
    ]:
        e, f = a * x + b * y, c * x + d * y
        parts += [
            f"## System with right sides {e} and {f}",
            f"$${a}x {b:+d}y = {e}, \\quad {c}x {d:+d}y = {f}$$",
            f"Multiply the first equation by ${c}$ and the second by ${a}$. Subtracting eliminates $x$ and"
            f" leaves ${c * b - a * d}y = {c * e - a * f}$, so $y = {y}$. Substituting into the first equation"
            f" gives ${a}x = {e - b * y}$ and therefore $x = {x}$.",
            f"The determinant of the system is ${a} \\cdot ({d}) - ({b}) \\cdot {c} = {a * d - b * c} \\ne 0$,"
            " which is why the solution is unique.",
        ]
    return Article(
        "sheet-linear-systems", "Linear systems solved by elimination", "\n\n".join(parts)
    )


def _polynomial(coefficients: list[int]) -> str:
    """LaTeX of a polynomial, highest power first."""
    degree = len(coefficients) - 1
    terms = []
    for i, c in enumerate(coefficients):
        if c:
            power = degree - i
            factor = "" if abs(c) == 1 and power else str(abs(c))
            variable = "" if power == 0 else "x" if power == 1 else f"x^{power}"
            terms.append(("-" if c < 0 else "+") + factor + variable)
    return "".join(terms).lstrip("+") or "0"


def _derivatives() -> Article:
    parts = [
        "The derivative of a polynomial is found term by term: by the power rule $x^n$ becomes"
        " $n x^{n-1}$, constants are kept as factors, and a constant term vanishes. A zero of the"
        " derivative is a candidate for a local extremum."
    ]
    for p in ([1, -6, 9, 2], [2, 3, -36, 5], [1, 0, -12, 1], [1, -3, -24, 7]):
        first = [c * (3 - i) for i, c in enumerate(p[:3])]
        second = [first[0] * 2, first[1]]
        a, b, c = first
        root = isqrt(b * b - 4 * a * c)
        low, high = Fraction(-b - root, 2 * a), Fraction(-b + root, 2 * a)
        parts += [
            f"$$f(x) = {_polynomial(p)}$$",
            f"Here $f'(x) = {_polynomial(first)}$ and $f''(x) = {_polynomial(second)}$. The derivative is zero"
            f" at $x = {low}$ and at $x = {high}$. Since $f''({low}) = {second[0] * low + second[1]} < 0$, the"
            f" first is a local maximum; since $f''({high}) = {second[0] * high + second[1]} > 0$, the second"
            " is a local minimum.",
        ]
    return Article("sheet-derivatives", "Extrema of cubic polynomials", "\n\n".join(parts))


def _prime_factors(n: int) -> dict[int, int]:
    factors: dict[int, int] = {}
    p = 2
    while n > 1:
        while n % p == 0:
            factors[p] = factors.get(p, 0) + 1
            n //= p
        p += 1
    return factors


def _factorisations() -> Article:
    parts = [
        "Every integer greater than one is a product of primes in exactly one way, apart from the order of"
        " the factors. The exponents tell how many divisors the number has: each divisor chooses an"
        " exponent between zero and the largest one for every prime."
    ]
    for n in (360, 1001, 2310, 4096, 7056):
        factors = _prime_factors(n)
        product = r" \cdot ".join(f"{p}^{e}" if e > 1 else str(p) for p, e in factors.items())
        count = 1
        for e in factors.values():
            count *= e + 1
        choices = r" \cdot ".join(f"({e} + 1)" for e in factors.values())
        parts += [
            f"$${n} = {product}$$",
            f"The number ${n}$ has ${choices} = {count}$ divisors. It is"
            f" {'a perfect square' if isqrt(n) ** 2 == n else 'not a perfect square'}, which one sees from"
            f" the parity of the exponents, and its largest prime factor is ${max(factors)}$.",
        ]
    return Article("sheet-prime-factors", "Prime factorisation and divisors", "\n\n".join(parts))


def _number_bases() -> Article:
    parts = [
        "To write a number in base $b$, divide by $b$ again and again; the remainders are the digits, the"
        " last one first. The value is recovered by Horner's rule or by summing powers of the base."
    ]
    for n, base in [(156, 2), (2023, 7), (1729, 12), (255, 3)]:
        digits: list[int] = []
        m = n
        parts.append(f"## {n} in base {base}")
        while m:
            parts.append(f"$${m} = {m // base} \\cdot {base} + {m % base}$$")
            digits.append(m % base)
            m //= base
        powers = " + ".join(f"{d} \\cdot {base}^{k}" for k, d in reversed(list(enumerate(digits))))
        parts.append(
            "The quotient is zero now and the division stops. Reading the remainders upwards gives the"
            f" {len(digits)} digits of the number, because ${base}^{len(digits) - 1} \\le {n} <"
            f" {base}^{len(digits)}$. As a check, expand the number in powers of the base: ${powers} = {n}$."
        )
    return Article("sheet-number-bases", "Converting numbers to other bases", "\n\n".join(parts))


def _chinese_quadratics() -> Article:
    parts = [
        "下面各题用公式法解一元二次方程，先求判别式，再代入求根公式，最后用根与系数的关系检验。"
    ]
    for number, (p, q) in enumerate([(1, 4), (-3, 5), (2, -7), (-6, -1), (8, 3)], 1):
        b, c = -(p + q), p * q
        delta = b * b - 4 * c
        parts += [
            f"## 第{number}题",
            f"$$x^2 {b:+d}x {c:+d} = 0$$",
            f"解：这里 $a = 1$，$b = {b}$，$c = {c}$，判别式 $\\Delta = b^2 - 4ac = {delta}$，大于零，所以方程有"
            f"两个不相等的实数根 $x = \\frac{{{-b} \\pm {isqrt(delta)}}}{{2}}$，即 $x_1 = {max(p, q)}$，"
            f"$x_2 = {min(p, q)}$。检验：两根之和等于 ${p + q}$，两根之积等于 ${c}$，与系数一致。",
        ]
    return Article(
        "lianxi-erci-fangcheng", "一元二次方程练习与解答", "\n\n".join(parts), language="zh"
    )


def _chinese_divisions() -> Article:
    parts = [
        "辗转相除法用带余除法求两个正整数的最大公约数：每一步用除数和余数代替原来的两个数，直到余数为零。"
    ]
    for a, b in [(319, 377), (1254, 665), (8251, 6105)]:
        parts.append(f"## 求 {a} 与 {b} 的最大公约数")
        parts += [f"$${n} = {q} \\times {d} + {r}$$" for n, q, d, r in _euclid(a, b)]
        g = gcd(a, b)
        parts.append(
            f"最后一个不为零的余数是 ${g}$，因此最大公约数为 ${g}$。两数的乘积除以最大公约数得到最小公倍数："
            f"$\\frac{{{a} \\times {b}}}{{{g}}} = {a * b // g}$。"
        )
    return Article(
        "lianxi-zhanzhuan-xiangchu", "辗转相除法求最大公约数", "\n\n".join(parts), language="zh"
    )
