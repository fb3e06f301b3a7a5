"""Texts written here to train on: mathematics of every level in words, what only looks like it, and
spam.

The labelled sites show little mathematics without formulas, and hold little of what is taught
before university outside one of them. These sentences are general knowledge, put together at
random: word problems, explanations, proofs, chapter titles, and against them recipes, results,
reports, prices, manuals and school notices, which have numbers, questions and tables too. English
only: on Chinese pages such texts changed nothing for the better.
"""

from __future__ import annotations

import random

from infimm_spark.training.fitting import Example

_PAGES = 30
"""Texts of each topic; a topic is a site of its own."""

_WEIGHT = 0.3
"""Of a text beside a page's: at 1 the models trust words so much that formulas lose weight."""

_SENTENCES = (1, 2, 3, 4, 6, 9, 14)
_BREAKS = ("\n\n", "\n", " ")


def written_examples() -> list[Example]:
    """The texts of every topic, the same at every call; as quick and as extracted text, never
    measured."""
    order = random.Random(11)
    examples = []
    for label, topics in ((1, _MATHEMATICS), (0, _OTHER)):
        for topic, block in topics.items():
            templates = block.strip().splitlines()
            site = f"written-{topic}"
            for number in range(_PAGES):
                chosen = order.sample(templates, min(len(templates), order.choice(_SENTENCES)))
                sentences = [_filled(template.strip(), order) for template in chosen]
                text = order.choice(_BREAKS).join(sentences)
                for view in ("quick", "text"):
                    examples.append(
                        Example(
                            text=text,
                            language="en",
                            label=label,
                            site=site,
                            page=f"{site}/{number}",
                            view=view,
                            weight=_WEIGHT,
                            measured=False,
                            written=True,
                        )
                    )
    return examples


def _filled(template: str, order: random.Random) -> str:
    name, friend = order.sample(_NAMES, 2)
    return template.format(
        name=name,
        friend=friend,
        things=order.choice(_THINGS),
        a=order.randrange(10, 200),
        b=order.randrange(2, 13),
        c=order.randrange(2, 10),
    )


_NAMES = (
    *("Anna", "Ben", "Maria", "Omar", "Lucy", "Peter"),
    *("Sam", "Nina", "Tom", "Aisha", "Leo", "Grace"),
)
_THINGS = (
    *("apples", "oranges", "pencils", "stickers", "marbles", "books"),
    *("cookies", "cards", "stamps", "balloons", "coins", "shells"),
)

_MATHEMATICS: dict[str, str] = {
    "counting": """
        {name} has {a} {things} and gives {b} of them to {friend}. How many {things} does {name} have left?
        There are {a} {things} in each box. How many {things} are there in {b} boxes altogether?
        {name} shares {a} {things} equally among {b} friends. How many does each friend get, and how many are left over?
        To find the total, add the two numbers. To find how many more, subtract the smaller number from the larger one.
        Multiply the number of rows by the number of {things} in each row.
        Count on from {a} in steps of {b}. What number comes next in the pattern?
        What is the sum of {a} and {b}? What is their difference?
        Write the number in words and then in expanded form. The digit in the tens place tells how many tens there are.
        Round {a} to the nearest ten, then to the nearest hundred.
        Which number is greater, {a} or {b}? Use the signs for greater than, less than or equal to.
        We regroup one ten as ten ones, then subtract the ones, the tens and the hundreds.
        Multiplication is repeated addition, and division is the inverse of multiplication.
        Is {a} an even or an odd number? Explain how you know.
        List all the factors of {a}. Which of the factors are prime numbers?
        Find the greatest common factor and the least common multiple of {a} and {b}.
        A number is divisible by three if the sum of its digits is divisible by three.
    """,
    "parts": """
        What fraction of the {things} is left? Write the answer in simplest form.
        To add fractions with different denominators, first find a common denominator, then add the numerators.
        To divide by a fraction, multiply by its reciprocal.
        {name} ate a third of the cake and {friend} ate a quarter of it. How much of the cake remains?
        Convert the improper fraction into a mixed number.
        A coat costs {a} dollars and is reduced by {b} percent. What is the new price?
        Write each decimal as a fraction and as a percentage.
        The ratio of boys to girls in a class is {b} to {c}. If there are {a} pupils, how many of them are girls?
        Two quantities are proportional if their ratio is constant.
        If {b} {things} cost {a} cents, what do {c} {things} cost?
        How much simple interest does {a} dollars earn in {b} years at a rate of {c} percent?
        Move the decimal point two places to the right to multiply by one hundred.
        Shade three fifths of the bar. What part is not shaded?
        Compare the fractions and arrange them from the smallest to the largest.
    """,
    "shapes": """
        What is the area of a rectangle that is {a} cm long and {b} cm wide? What is its perimeter?
        The angles of a triangle add up to one hundred and eighty degrees. Find the third angle.
        A circle has a radius of {a} centimetres. Find its circumference and its area.
        How many edges, faces and vertices does a cube have?
        Two parallel lines are cut by a transversal. Name a pair of corresponding angles and a pair of alternate angles.
        The hypotenuse is the longest side of a right triangle. Use the Pythagorean theorem to find its length.
        Name the shape: it has four equal sides, and its opposite sides are parallel.
        Reflect the figure in the vertical line, then rotate it by a quarter turn about the origin.
        The volume of a box is its length times its width times its height.
        Measure the angle with a protractor. Is it acute, right or obtuse?
        Two triangles are similar when their angles are equal; their sides are then in proportion.
        Draw the perpendicular bisector of the segment with compass and ruler.
        A chord that passes through the centre of the circle is a diameter.
        The surface of a cylinder consists of two circles and a rectangle.
        How many lines of symmetry does the figure have?
    """,
    "measures": """
        The train leaves at {b} o'clock and the journey takes {a} minutes. At what time does it arrive?
        Convert {a} metres to centimetres and {b} kilograms to grams.
        {name} has {b} quarters, {c} dimes and some pennies. How much money is that in cents?
        A car travels {a} kilometres in {b} hours. What is its average speed?
        What time does the clock show when the minute hand points to six?
        A jug holds {a} millilitres. How many glasses of {b} millilitres can be filled from it?
        The map has a scale of one to one thousand. What is the real distance between the points?
        {name} is {b} years older than {friend}. Together they are {a} years old. How old is each of them?
        How many seconds are there in {b} hours and {c} minutes?
        Working alone, {name} needs {a} hours and {friend} needs {b} hours. How long do they need together?
        The temperature was {b} degrees below zero and rose by {c} degrees. What is it now?
    """,
    "chance": """
        A bag holds {a} red and {b} blue marbles. One is drawn at random. What is the probability that it is red?
        Two fair dice are rolled. What is the probability that the sum is {b}?
        A coin is tossed {b} times. How many outcomes are possible, and how likely are exactly two heads?
        In how many ways can {b} books be arranged on a shelf?
        How many committees of {c} people can be chosen from {a} people? The order does not matter.
        The events are independent, so we multiply their probabilities.
        The probability of an event and that of its complement add up to one.
        Divide the number of favourable outcomes by the number of all possible outcomes.
        A spinner has {b} equal sectors. Find the expected number of times it stops at the first one in {a} spins.
        If an event cannot happen, its probability is zero; if it is certain, its probability is one.
    """,
    "data": """
        Find the mean, the median, the mode and the range of the numbers {a}, {b}, {c}, {b} and {a}.
        The bar chart shows how many {things} each pupil collected. Who collected the most?
        To find the mean, add all the values and divide by how many there are.
        What does {name} need on the next test to bring the average up to {a}?
        Read the value from the line graph. Between which two points does it grow fastest?
        The median is the middle value once the data are put in order.
        Describe the correlation in the scatter plot and draw a line of best fit.
        The standard deviation measures how far the values spread about the mean.
        The box plot shows the quartiles, the median and the outliers of the data set.
        Test the null hypothesis at the five percent level. Compute the test statistic and the p value.
        A confidence interval for the mean becomes narrower as the sample grows.
        The random variables are independent and identically distributed with finite variance.
        By the central limit theorem the distribution of the sample mean is approximately normal.
    """,
    "algebra": """
        Solve the equation for x. Subtract {b} from both sides, then divide both sides by {c}.
        Let n be the smallest of three consecutive integers whose sum is {a}. Find the integers.
        Expand the brackets and collect like terms.
        Factor the quadratic expression and find the zeros of the polynomial.
        Substitute the value of y from the first equation into the second one.
        Simplify the expression; when powers of the same base are multiplied, the exponents are added.
        The discriminant tells how many real roots a quadratic equation has.
        Solve the inequality and show the solution set on a number line.
        Is the sequence arithmetic or geometric? Write a formula for the nth term.
        The sum of two numbers is {a} and their difference is {b}. Write a system of equations and solve it.
        Rationalise the denominator and write the square root in simplest form.
        Divide the polynomials and state the quotient and the remainder.
        Rewrite the logarithm of a product as the sum of the logarithms.
        Plot the complex number in the plane and find its absolute value and its conjugate.
    """,
    "functions": """
        Find the slope and the y-intercept of the line through the two points.
        State the domain and the range of the function. Does it have an inverse?
        The graph of a quadratic function is a parabola; its axis of symmetry passes through the vertex.
        Shift the graph {b} units to the right and stretch it by a factor of {c}.
        An exponential function grows by the same factor over equal intervals.
        Find the exact value of the sine and the cosine of the angle on the unit circle.
        Use the law of cosines to find the missing side of the triangle.
        A rational function has a vertical asymptote where its denominator is zero.
        Identify the conic section: circle, ellipse, parabola or hyperbola.
        The composition of two functions applies one function to the output of the other.
        The period of the function is the length of one full cycle; its amplitude is half the distance from trough to crest.
    """,
    "calculus": """
        Find the derivative of the function and determine where it is increasing.
        The derivative at a point is the slope of the tangent line to the graph at that point.
        Chapter {b}: Limits and continuity
        Chapter {c}: Applications of the integral
        Evaluate the definite integral by substitution. Then check your result by differentiating.
        By the chain rule we differentiate the outer function and multiply by the derivative of the inner one.
        Find the local maxima and minima and the points of inflection.
        The series converges by the ratio test, so its radius of convergence is finite.
        The fundamental theorem of calculus relates the integral to the antiderivative.
        Use the squeeze theorem to show that the limit is zero.
        Approximate the area under the curve by a Riemann sum with {b} subintervals of equal width.
        Solve the separable differential equation with the given initial condition.
        The partial derivatives are continuous, hence the function is differentiable.
        Use a Taylor polynomial to approximate the function near the point and bound the error.
        A water tank is filled at a constant rate. How fast does the level rise when the water is {b} metres deep?
    """,
    "linear": """
        Find a basis of the null space and determine the rank of the matrix.
        The determinant is zero, therefore the matrix is not invertible.
        Show that the vectors are linearly independent and span the space.
        Compute the eigenvalues and the eigenvectors, then diagonalize the matrix.
        Every symmetric matrix has real eigenvalues and an orthonormal basis of eigenvectors.
        Use Gaussian elimination to bring the augmented matrix into row echelon form.
        The projection onto the subspace is the closest point in the least squares sense.
        Let T be a linear map between finite dimensional vector spaces; its kernel is a subspace.
        The inner product of two orthogonal vectors is zero.
        The power method converges to the dominant eigenvalue when it is simple.
        The singular values are the square roots of the eigenvalues of the Gram matrix.
    """,
    "proofs": """
        Theorem. There are infinitely many prime numbers.
        Proof. Suppose, for contradiction, that there are only finitely many of them.
        We prove the claim by induction on n. The base case is trivial.
        Let G be a finite group and let H be a subgroup of G. By Lagrange's theorem the order of H divides the order of G.
        It follows that the map is injective; since both sets are finite and of equal size, it is a bijection.
        A set is compact if and only if every open cover has a finite subcover.
        Hence the sequence is Cauchy and converges, because the space is complete.
        Lemma. Every bounded sequence of real numbers has a convergent subsequence.
        The relation is reflexive, symmetric and transitive, thus an equivalence relation.
        Without loss of generality we may assume that both integers are coprime.
        Corollary. The ring of integers modulo a prime is a field.
        Every connected graph with n vertices and no cycle has exactly one edge less than vertices.
        This completes the proof. The converse is false, as the following counterexample shows.
        Suppose that the manifold is compact and oriented; then its top cohomology is one dimensional.
        The functor is left adjoint to the forgetful functor and therefore preserves colimits.
        Exercise. Show that the intersection of two normal subgroups is normal.
        Definition. A function is continuous at a point if its limit there equals its value.
    """,
    "headings": """
        Unit {b}: Adding and subtracting fractions
        Unit {c}: Area, perimeter and volume
        Lesson {b}: Solving linear equations
        Section {b}: Systems of linear equations and matrices
        Section {c}: Sequences and series
        Preface. This book is a first course in mathematics for students who know some algebra.
        In this chapter we study functions, their graphs and their derivatives.
        After this lesson you can solve quadratic equations and check the solution.
        Each section ends with exercises; answers to odd numbered problems are at the end of the book.
        In this activity students discover how the slope of a line relates to its equation.
        Practice: word problems with multiplication and division
        Practice problems on probability and statistics
        Students explore the concept of a limit before the formal definition is given.
        The prerequisites are calculus and linear algebra; no knowledge of topology is assumed.
    """,
}

_OTHER: dict[str, str] = {
    "recipes": """
        Preheat the oven to {a} degrees and bake for {b} minutes until golden.
        Add {b} cups of flour, {c} eggs and half a teaspoon of salt, then stir.
        Divide the dough into {b} equal pieces and let it rise for an hour.
        Serves {b}. Preparation time: {a} minutes. Calories per serving: {a}.
        Chop the onions, fry them in butter and season with pepper.
    """,
    "sports": """
        The home team won {b} to {c} in front of {a} thousand fans.
        {name} scored {b} points and added {c} rebounds in the third quarter.
        He finished second with a time of {b} minutes and {a} seconds.
        The club signed the striker for {a} million and a four year contract.
        League table: played {b}, won {c}, lost {b}, goal difference {c}.
    """,
    "products": """
        Width {a} cm, height {b} cm, weight {c} kg, colour black, two year warranty.
        Was ${a}.99, now only ${b}.99. Free shipping on orders over ${a}.
        Rated {c} out of five by {a} customers. In stock, delivered in {b} days.
        Add to cart. Compare models. Choose size and colour.
        Battery {a} mAh, screen {b} inches, {c} cameras, {b} GB of memory.
    """,
    "travel": """
        The bus departs daily at {b}:30 and arrives {c} hours later; tickets cost ${a}.
        The hotel has {a} rooms and is a ten minute walk from the square.
        Take the second exit at the roundabout and follow the road for {b} miles.
        The old town with its castle, its market and its river is worth a day.
        Opening hours: Monday to Friday {b} am to {c} pm, closed on public holidays.
    """,
    "business": """
        Revenue rose by {b} percent to ${a} million in the third quarter.
        Shares fell {c} percent after the company cut its forecast for the year.
        The survey of {a} people found that {b} percent trust the government less than before.
        The minister said the budget deficit would shrink to {c} percent.
        Prices of homes in the county went up {b} percent on average.
    """,
    "api": """
        Returns the number of elements in the list, or raises an error if it is empty.
        class Reader(path, mode, encoding=None): opens the file and reads it line by line.
        Parameters: name, the name of the column; value, the value to add; default None.
        public static void main(String[] args) {{ for (int i = 0; i < n; i++) count += i; }}
        Deprecated since version {b}.{c}; use the other method instead.
        This function returns true if both objects are equal.
        Overrides the method of the base class. See also: constructor, interface, package.
        Inherits from object. Definition at line {a} of file main.cpp.
    """,
    "reports": """
        Total {a} of {b} lines covered, {c} percent, {b} branches missed, {a} methods.
        Build {a} passed in {b} minutes; {c} tests skipped.
        Version {b}.{c}: fixed a crash, added an option, removed two dependencies.
        | name | size | count | time | total | {a} | {b} | {c} |
        Benchmark: {a} requests a second with {b} threads, {c} ms on average.
        File size {a} kB, modified {b} days ago, {c} downloads.
    """,
    "howto": """
        Install the package with pip install and set the path in the configuration file.
        Open the terminal, clone the repository and run the tests.
        Include the header file and compile the program with the compiler's flag for threads.
        The loop runs in parallel; each process sends its part of the array to process zero.
        The script reads a table, groups the rows by a column and writes the result as a file.
        Create a virtual environment, then start the server on port {a}.
        Example: print the variable in a loop until the user stops the program.
        Exercise: write a program that reads a file and counts its words.
    """,
    "lessons": """
        Choose the correct form of the verb and fill in the blank.
        Which of these countries has the longest coast? Which river flows through the capital?
        Read the text and answer the questions. What does the author think of the city?
        Which part of the plant makes food? Explain the role of the leaf.
        Quiz: how many bones are in the human body? Who wrote the novel?
        Term dates: the school is closed from the {b}th to the {c}th of next month.
        Homework is to learn the new words and write a short story about your family.
    """,
    "forms": """
        Enter your name and your password. Forgot your password? Reset it here.
        Select a country, choose a date and click next. Fields marked with a star are required.
        By subscribing you agree to our terms and our privacy policy.
        Show {b} results per page. Sort by date. Page {b} of {a}.
        Home. About. Contact. Careers. Copyright {a}. All rights reserved.
        {a} comments. Posted by {name} {b} days ago. Reply. Share. Report.
    """,
}


def spam_examples() -> list[Example]:
    """Search-engine spam in both languages.

    Lists of "calculator" phrases with numbered pictures, sales talk with formulas thrown in,
    sentences said over and over: the kind of page that fooled the paper's own classifiers.
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
