"""English articles, each with the encoding its page uses."""

from __future__ import annotations

from infimm_spark.sample.page import Article, lazy_figure, responsive_figure

# Relative addresses of these pages start here; two of them show the same picture.
_BASE = '<base href="https://cdn.example.org/figures/">'

ARTICLES: list[tuple[str, Article]] = [
    (
        "dollars",
        Article(
            "pythagorean-theorem",
            "The Pythagorean theorem and a proof by rearrangement",
            r"""
Let a right triangle have legs of length $a$ and $b$ and a hypotenuse of length $c$. The
Pythagorean theorem says that the square on the hypotenuse has the same area as the two squares on
the legs together:

$$a^2 + b^2 = c^2$$

!four-triangles: Four copies of a right triangle inside a square of side a + b

## Proof

Draw a large square of side $a + b$ and place four copies of the triangle in its corners, so that the
uncovered region in the middle is a tilted square of side $c$. The area of the large square is
$(a+b)^2$. It is also the area of four triangles, each $\frac{1}{2}ab$, plus the tilted square:

$$(a+b)^2 = 4 \cdot \frac{1}{2}ab + c^2 = 2ab + c^2$$

Expanding the left side gives $a^2 + 2ab + b^2$, and subtracting $2ab$ from both sides leaves the claim.

## Example

For legs $a = 5$ and $b = 12$ we get $c = \sqrt{25 + 144} = \sqrt{169} = 13$. A triple of whole numbers
such as $(5, 12, 13)$ is called a Pythagorean triple. If $m > n > 0$ are integers, then
$(m^2 - n^2, 2mn, m^2 + n^2)$ is always one, because

$$(m^2 - n^2)^2 + (2mn)^2 = (m^2 + n^2)^2$$

The converse holds as well: a triangle whose sides satisfy the equation has a right angle opposite
the longest side.
""",
            figure=responsive_figure,
        ),
    ),
    (
        "parentheses",
        Article(
            "derivative-from-the-definition",
            "Computing a derivative from the definition",
            r"""
The derivative of a function $f$ at a point $x$ is the limit of its difference quotients, provided
that this limit exists:

$$f'(x) = \lim_{h \to 0} \frac{f(x+h) - f(x)}{h}$$

!secant-to-tangent: Secant lines approaching the tangent line

Geometrically the quotient is the slope of a secant line through the points $(x, f(x))$ and
$(x+h, f(x+h))$ of the graph, and the limit is the slope of the tangent.

## The square function

Take $f(x) = x^2$. Expanding the square in the numerator, we find

$$\frac{(x+h)^2 - x^2}{h} = \frac{2xh + h^2}{h} = 2x + h$$

for every $h \ne 0$. As $h$ tends to zero the right side tends to $2x$, so $f'(x) = 2x$.

## The reciprocal

For $g(x) = \frac{1}{x}$ with $x \ne 0$ we put the difference over a common denominator:

$$\frac{1}{h}\left(\frac{1}{x+h} - \frac{1}{x}\right) = \frac{1}{h} \cdot \frac{-h}{x(x+h)} = -\frac{1}{x(x+h)}$$

The limit as $h \to 0$ is $g'(x) = -\frac{1}{x^2}$. Both results are instances of the power rule
$\frac{d}{dx} x^n = n x^{n-1}$, with $n = 2$ and $n = -1$. A function that has a derivative at a point
is continuous there, but the absolute value function shows that the converse fails.
""",
            figure=lazy_figure,
        ),
    ),
    (
        "tex_script",
        Article(
            "geometric-series",
            "When does a geometric series converge?",
            r"""
A geometric series has a constant ratio $r$ between successive terms. Its partial sums are

$$s_n = a + ar + ar^2 + \cdots + ar^{n-1}$$

Multiply by $r$ and subtract. Nearly everything cancels, and $s_n - r s_n = a - ar^n$ remains. For
$r \ne 1$ we may divide and obtain a closed formula:

$$s_n = a \cdot \frac{1 - r^n}{1 - r}$$

## Convergence

If $|r| < 1$ then $r^n \to 0$, so the sequence of partial sums has the limit

$$\sum_{k=0}^{\infty} a r^k = \frac{a}{1-r}$$

If $|r| \ge 1$ and $a \ne 0$ the terms do not tend to zero and the series diverges.

## Repeating decimals

The decimal $0.272727\ldots$ is a geometric series with first term $a = \frac{27}{100}$ and ratio
$r = \frac{1}{100}$. Its sum is

$$\frac{27/100}{1 - 1/100} = \frac{27}{99} = \frac{3}{11}$$

The same argument turns every repeating decimal into a fraction: a block of $m$ digits that repeats
contributes a denominator of $10^m - 1$. As an exercise, show that $0.999\ldots = 1$, and find the sum
of the series $1 - \frac{1}{2} + \frac{1}{4} - \frac{1}{8} + \cdots$.
""",
        ),
    ),
    (
        "katex",
        Article(
            "eigenvalues-of-a-symmetric-matrix",
            "Eigenvalues and eigenvectors of a two by two matrix",
            r"""
A number $\lambda$ is an eigenvalue of a square matrix $A$ if there is a vector $v \ne 0$ with
$Av = \lambda v$. Equivalently the matrix $A - \lambda I$ is singular, which gives the
characteristic equation

$$\det(A - \lambda I) = 0$$

## A symmetric example

Let $A$ have rows $(2, 1)$ and $(1, 2)$. Its characteristic polynomial is

$$(2 - \lambda)^2 - 1 = \lambda^2 - 4\lambda + 3 = (\lambda - 1)(\lambda - 3)$$

so the eigenvalues are $\lambda_1 = 1$ and $\lambda_2 = 3$. To find an eigenvector for $\lambda_2 = 3$
solve the homogeneous system $-x + y = 0$ and $x - y = 0$; every solution is a multiple of $(1, 1)$. For
$\lambda_1 = 1$ the system is $x + y = 0$ and we may take $(1, -1)$.

!notebook: A page from a notebook on linear and abstract algebra

## Orthogonality

The two eigenvectors are orthogonal, since $1 \cdot 1 + 1 \cdot (-1) = 0$. This is no accident. If $A$ is
symmetric and $Au = \lambda u$, $Av = \mu v$ with $\lambda \ne \mu$, then

$$\lambda (u \cdot v) = (Au) \cdot v = u \cdot (Av) = \mu (u \cdot v)$$

and hence $(\lambda - \mu)(u \cdot v) = 0$, so that $u \cdot v = 0$. The spectral theorem extends the
observation: a real symmetric matrix of any size has an orthonormal basis of eigenvectors, and in that
basis it is diagonal.
""",
            head=_BASE,
        ),
    ),
    (
        "mathml_annotated",
        Article(
            "bezout-identity",
            "Greatest common divisors and the identity of Bezout",
            r"""
The greatest common divisor of two integers that are not both zero is the largest integer that divides
both. Euclid's algorithm rests on one observation: if $a = qb + r$, then

$$\gcd(a, b) = \gcd(b, r)$$

because every common divisor of $a$ and $b$ divides $r = a - qb$, and every common divisor of $b$ and
$r$ divides $a$. Repeating the division with remainder makes the numbers smaller, so the process ends
with a remainder of zero.

## A computation

For $252$ and $198$ the divisions are $252 = 1 \cdot 198 + 54$, then $198 = 3 \cdot 54 + 36$, then
$54 = 1 \cdot 36 + 18$, and at last $36 = 2 \cdot 18 + 0$. The last nonzero remainder is the answer,
$\gcd(252, 198) = 18$.

## Working backwards

Solving each line for its remainder expresses the divisor as a combination of the two numbers:

$$18 = 54 - 36 = 54 - (198 - 3 \cdot 54) = 4 \cdot 54 - 198$$

$$18 = 4 \cdot (252 - 198) - 198 = 4 \cdot 252 - 5 \cdot 198$$

In general there are integers $x$ and $y$ with $ax + by = \gcd(a, b)$. A consequence is Euclid's lemma:
if a prime $p$ divides $ab$ but not $a$, then $ax + py = 1$ for some integers, and multiplying by $b$
shows that $p$ divides $b$.
""",
        ),
    ),
    (
        "mathml",
        Article(
            "quadratic-formula",
            "Deriving the quadratic formula by completing the square",
            r"""
We want all solutions of the equation $a x^2 + b x + c = 0$, where $a \ne 0$. Divide by $a$ and move
the constant term to the other side:

$$x^2 + \frac{b}{a} x = -\frac{c}{a}$$

The left side becomes a perfect square when the square of half the coefficient of $x$ is added to both
sides of the equation:

$$x^2 + \frac{b}{a} x + \frac{b^2}{4a^2} = \frac{b^2 - 4ac}{4a^2}$$

It now reads $(x + \frac{b}{2a})^2$ on the left. Taking square roots and isolating $x$ yields the
quadratic formula

$$x = \frac{-b \pm \sqrt{b^2 - 4ac}}{2a}$$

## The discriminant

The number $\Delta = b^2 - 4ac$ decides how many real solutions there are: two if $\Delta > 0$, one if
$\Delta = 0$, none if $\Delta < 0$.

## Example

For $2x^2 - 7x + 3 = 0$ the discriminant is $\Delta = 49 - 24 = 25$, and the formula gives the two
solutions $x_1 = \frac{7 + 5}{4} = 3$ and $x_2 = \frac{7 - 5}{4} = \frac{1}{2}$. Their sum is
$\frac{7}{2}$ and their product is $\frac{3}{2}$, in agreement with the relations
$x_1 + x_2 = -\frac{b}{a}$ and $x_1 x_2 = \frac{c}{a}$ between roots and coefficients.
""",
        ),
    ),
    (
        "mathjax3",
        Article(
            "binomial-theorem",
            "The binomial theorem and why its coefficients count subsets",
            r"""
For every natural number $n$ the power of a sum of two terms expands as

$$(x + y)^n = \sum_{k=0}^{n} \binom{n}{k} x^{n-k} y^k$$

where the binomial coefficient $\binom{n}{k}$ is the number of ways to choose $k$ elements from a set of
$n$ elements. The reason is simple. Multiplying out the product of $n$ equal factors, each term of the
result arises by choosing either $x$ or $y$ from every factor; the product $x^{n-k} y^k$ appears once for
each choice of the $k$ factors that contribute $y$.

## Recursion

A subset of size $k$ either contains a given element or does not, so the coefficients satisfy

$$\binom{n}{k} = \binom{n-1}{k-1} + \binom{n-1}{k}$$

which is the rule of Pascal's triangle.

## Two consequences

Setting $x = y = 1$ shows that a set with $n$ elements has $2^n$ subsets, since
$\sum_{k=0}^{n} \binom{n}{k} = 2^n$. Setting $x = 1$ and $y = -1$ shows that for $n \ge 1$ it has as many
subsets of even size as of odd size. For example the expansion
$(x + y)^4 = x^4 + 4x^3 y + 6x^2 y^2 + 4x y^3 + y^4$ has coefficients with sum $16$ and with alternating
sum $0$.
""",
        ),
    ),
    (
        "wikipedia",
        Article(
            "divergence-theorem",
            "Flux through a closed surface and the divergence theorem",
            r"""
In vector calculus the divergence theorem relates the flux of a vector field $\mathbf{F}$ through a
closed surface $S$ to the behaviour of the field inside the enclosed volume $V$. The divergence of a
field with components $F_1$, $F_2$ and $F_3$ is the scalar function

$$\nabla \cdot \mathbf{F} = \frac{\partial F_1}{\partial x} + \frac{\partial F_2}{\partial y} + \frac{\partial F_3}{\partial z}$$

The theorem states that the outward flux equals the integral of the divergence:

$$\oint_S \mathbf{F} \cdot d\mathbf{S} = \int_V \nabla \cdot \mathbf{F} \, dV$$

!flux-cube: Outward flux through the faces of a small cube

## Verification on a ball

Let $\mathbf{F} = (x, y, z)$ and let $V$ be the ball of radius $R$ about the origin. The divergence is
the constant $3$, so the right side is $3 \cdot \frac{4}{3} \pi R^3 = 4 \pi R^3$. On the sphere the field
is parallel to the outward normal and has length $R$, so the flux is $R \cdot 4 \pi R^2$, which is the
same number.

## Gauss's law

For the electric field of a charge density $\rho$ the differential law
$\nabla \cdot \mathbf{E} = \frac{\rho}{\varepsilon}$ is equivalent, by the theorem, to the statement that
the flux of $\mathbf{E}$ through a closed surface is the enclosed charge divided by $\varepsilon$.
""",
        ),
    ),
    (
        "codecogs",
        Article(
            "normal-distribution-standard-scores",
            "Standard scores and the normal distribution",
            r"""
A random variable $X$ with mean $\mu$ and standard deviation $\sigma$ is normally distributed if its
probability density function is

$$f(x) = \frac{1}{\sigma \sqrt{2\pi}} e^{-\frac{(x - \mu)^2}{2\sigma^2}}$$

The standard score of an observation measures its distance from the mean in units of the standard
deviation:

$$z = \frac{x - \mu}{\sigma}$$

If $X$ is normal then $Z$ is normal with mean $0$ and variance $1$, so a single table of the cumulative
distribution function $\Phi(z)$ serves for every normal distribution.

## Worked example

The length of bolts from a machine has mean $\mu = 40$ and standard deviation $\sigma = 0.5$, in
millimetres. Which proportion of bolts is longer than $41$? The standard score is
$z = \frac{41 - 40}{0.5} = 2$, and the table gives $\Phi(2) = 0.9772$. Hence

$$P(X > 41) = 1 - \Phi(2) = 0.0228$$

or a little over two percent. For the interval from $39$ to $41$ symmetry gives
$P(39 < X < 41) = 2 \Phi(2) - 1 = 0.9545$. The three numbers $0.6827$, $0.9545$ and $0.9973$ for one, two
and three standard deviations are worth remembering; statisticians call them the empirical rule.
""",
        ),
    ),
    (
        "wordpress",
        Article(
            "taylor-polynomial-of-the-exponential",
            "How good is the Taylor polynomial of the exponential function?",
            r"""
The Taylor polynomial of degree $n$ of a smooth function $f$ at the point $0$ agrees with $f$ in its
value and in its first $n$ derivatives:

$$T_n(x) = \sum_{k=0}^{n} \frac{f^{(k)}(0)}{k!} x^k$$

For the exponential function every derivative at $0$ equals $1$, and therefore

$$T_n(x) = 1 + x + \frac{x^2}{2!} + \frac{x^3}{3!} + \cdots + \frac{x^n}{n!}$$

## The remainder

Lagrange's form of the remainder says that there is a number $\xi$ between $0$ and $x$ such that

$$e^x - T_n(x) = \frac{e^{\xi}}{(n+1)!} x^{n+1}$$

At $x = 1$ we have $e^{\xi} < 3$, so the error of $T_n(1)$ is less than $\frac{3}{(n+1)!}$. With $n = 9$
this is smaller than $10^{-6}$, and indeed $T_9(1) = 2.7182815\ldots$ has six correct decimals.

## Irrationality

The same estimate proves that $e$ is irrational. Suppose $e = \frac{p}{q}$ with positive integers. Then
$q! (e - T_q(1))$ would be an integer, yet it lies strictly between $0$ and $\frac{3}{q+1}$, which for
$q \ge 2$ leaves no room for one. The exponential series converges for every real $x$, because the
factorial grows faster than any power.
""",
        ),
    ),
    (
        "mimetex",
        Article(
            "roots-of-unity",
            "Complex numbers in polar form and the roots of unity",
            r"""
A complex number $z = x + iy$ has the absolute value $r = \sqrt{x^2 + y^2}$ and, if it is not zero, an
argument $\theta$ with $x = r \cos\theta$ and $y = r \sin\theta$. Euler's formula writes it in polar form:

$$z = r e^{i\theta} = r(\cos\theta + i \sin\theta)$$

When two complex numbers are multiplied, their absolute values are multiplied and their arguments are
added. Repeating this $n$ times gives the formula of de Moivre:

$$(\cos\theta + i \sin\theta)^n = \cos n\theta + i \sin n\theta$$

## Roots of unity

The equation $z^n = 1$ has exactly $n$ solutions in the complex plane, namely

$$z_k = e^{2\pi i k / n}, \quad k = 0, 1, \ldots, n-1$$

They are the vertices of a regular polygon with $n$ sides inscribed in the unit circle. Their sum is zero
for $n \ge 2$, since multiplying the sum by $z_1 \ne 1$ only permutes its terms. For $n = 3$ the roots are
$1$ and $\frac{-1 \pm i\sqrt{3}}{2}$; both satisfy the quadratic equation $z^2 + z + 1 = 0$, the other
factor of $z^3 - 1$.
""",
        ),
    ),
    (
        "asciimath",
        Article(
            "area-and-circumference-of-a-circle",
            "Why the area of a circle is half its circumference times its radius",
            r"""
The number $\pi$ is defined as the ratio of the circumference of a circle to its diameter. A circle of
radius $r$ therefore has the circumference $C = 2 \pi r$. We show that its area is $A = \pi r^2$, with no
more than the area of a triangle.

Cut the disc into $n$ equal sectors, like slices of a pie. When $n$ is large each slice is nearly a
triangle of height $r$ with base $\frac{C}{n}$, and its area is nearly

$$\frac{1}{2} \cdot \frac{C}{n} \cdot r$$

There are $n$ slices, so the area of the whole disc is nearly $n$ times as much, and the error becomes as
small as we please as $n$ grows:

$$A = \frac{1}{2} \cdot C \cdot r = \frac{1}{2} \cdot 2 \pi r \cdot r = \pi r^2$$

## Example

A circular pond has the circumference $C = 31.4$ metres. With $\pi = 3.14$ its radius is $r = 5$ metres
and its area is $A = 3.14 \cdot 25 = 78.5$ square metres. If a path of width $1$ surrounds the pond, the
larger circle has radius $6$ and area $3.14 \cdot 36 = 113.04$, so the path covers $34.54$ square metres.
A square with the same area as the pond has sides of length $\sqrt{78.5}$, which is a little less than $9$.
""",
        ),
    ),
    (
        "math_container",
        Article(
            "question-sum-of-odd-numbers",
            "Prove by induction that the sum of the first n odd numbers is a square",
            r"""
I am asked to prove for all natural numbers $n \ge 1$ that

$$1 + 3 + 5 + \cdots + (2n - 1) = n^2$$

I see that it holds for small cases: $1 = 1^2$, $1 + 3 = 2^2$ and $1 + 3 + 5 = 3^2$. But I do not see how
the induction step works. Do I have to add $2n$ or $2n + 1$ to both sides?

## Answer

Write $S(n)$ for the left side. The base case $n = 1$ is what you checked. For the induction step assume
that $S(n) = n^2$ for some $n \ge 1$; this is the induction hypothesis. The next odd number after $2n - 1$
is $2n + 1$, so

$$S(n + 1) = S(n) + (2n + 1) = n^2 + 2n + 1 = (n + 1)^2$$

which is the statement for $n + 1$. By induction it holds for every $n$.

There is also a picture: an $n \times n$ square of dots becomes an $(n+1) \times (n+1)$ square when a
hook of $n + n + 1 = 2n + 1$ dots is added along two of its sides.

## Comment

Alternatively use the formula for triangular numbers, $\sum_{k=1}^{n} k = \frac{n(n+1)}{2}$. Then
$\sum_{k=1}^{n} (2k - 1) = 2 \cdot \frac{n(n+1)}{2} - n = n^2$ without any further induction.
""",
        ),
    ),
    (
        "align",
        Article(
            "integration-by-parts",
            "Integration by parts, with two integrals that need it twice",
            r"""
The product rule $(uv)' = u'v + uv'$, integrated over an interval, becomes a rule for integrals:

$$\int u \, dv &= uv - \int v \, du$$

It helps when $u$ becomes simpler by differentiation while $dv$ is easy to integrate.

## A polynomial times an exponential

To integrate $x^2 e^x$ put $u = x^2$ and $dv = e^x dx$. One application lowers the degree of the
polynomial, and a second one finishes the calculation:

$$\int x^2 e^x \, dx &= x^2 e^x - 2 \int x e^x \, dx \\ &= x^2 e^x - 2 x e^x + 2 e^x + C$$

Differentiating the result confirms the antiderivative.

## An integral that returns

For $I = \int e^x \cos x \, dx$ two applications lead back to the integral we started with:

$$I &= e^x \cos x + \int e^x \sin x \, dx \\ &= e^x \cos x + e^x \sin x - I$$

Solving this equation for $I$ gives $I = \frac{1}{2} e^x (\cos x + \sin x) + C$.

## Exercise

Show by the same method that $\int \ln x \, dx = x \ln x - x + C$, taking $u = \ln x$ and $dv = dx$, and
find a reduction formula that expresses $\int x^n e^x \, dx$ through the integral with $n - 1$.
""",
        ),
    ),
    (
        "sphinx",
        Article(
            "lagrange-theorem-for-groups",
            "Cosets and the theorem of Lagrange",
            r"""
Let $G$ be a finite group and $H$ a subgroup of $G$. For an element $g \in G$ the left coset of $H$ is
the set

$$gH = \{ gh \mid h \in H \}$$

!notebook: A page from a notebook on linear and abstract algebra

We show that the cosets cut the group into pieces of equal size.

- Every element lies in a coset: $g = g \cdot e \in gH$, where $e$ is the identity.
- Two cosets are equal or disjoint: if $gh_1 = kh_2$ then $k = g h_1 h_2^{-1}$, hence $kH = gH$.
- Each has $|H|$ elements, since the map $h \mapsto gh$ from $H$ to $gH$ is a bijection.

If there are $m$ distinct cosets it follows that

$$|G| = m \cdot |H|$$

so the order of a subgroup divides the order of the group. This is the theorem of Lagrange.

## Consequences

The powers of an element $g$ form a cyclic subgroup whose order is the order of $g$, so $g^{|G|} = e$ for
every element. Applied to the multiplicative group of residues modulo a prime $p$, which has $p - 1$
elements, this is Fermat's little theorem: $a^{p-1} \equiv 1 \pmod{p}$ whenever $p$ does not divide $a$. A
group of prime order has no subgroups except itself and the trivial one, and is therefore cyclic. The
converse of the theorem is false: the alternating group $A_4$ has order $12$ but no subgroup of order $6$.
""",
            head=_BASE,
        ),
    ),
]
