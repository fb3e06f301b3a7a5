"""Words of mathematics and of its neighbours, by field, in English and Chinese.

Labelled pages come from a few dozen sites, so a word of mathematics that none of them uses would
say nothing on a new one. Here it belongs to a field (`school`, `university`, `computing`, …), and
the words of a field share what was learnt of it. The lists are general knowledge, not drawn from
any labelled page. A word of several fields stands in the one that tells most: mathematics before
the rest.
"""

from __future__ import annotations

REASONING_ENGLISH = (
    *("thus", "therefore", "hence", "then", "since", "because", "suppose", "let", "assume", "if"),
    *("so that", "implies", "follows", "given", "denote", "consider", "prove", "show that"),
    *("that is", "recall", "note that", "where", "equation", "in other words", "there is"),
    *("we have", "we get", "we obtain", "we see", "we can", "we know", "we find", "we note"),
    *("we need", "we define", "for all", "for every", "for each", "for any", "for some"),
    *("there exists", "there exist", "which means", "which gives", "which is", "substitute"),
    *("substituting", "substitution", "some"),
)
"""Words and phrases that carry an argument."""

REASONING_CHINESE = """
    因此 所以 因为 由于 则 即 设 若 假设 令 故 从而 可得 得到 我们 证明 如果 那么 根据 由此
    显然 其中 满足 推出 等价 记 对于 存在 任意 考虑 求 解
"""

SMALL_ENGLISH = (
    *("the", "of", "and", "to", "in", "is", "that", "it", "for", "as", "with", "by", "this"),
    *("be", "are", "on", "at", "from", "an", "or", "we", "can", "which", "have", "not"),
)
SMALL_CHINESE = "的是在有和了与这不以为中个我们也对就而"
"""Words that join others: in prose nearly half of all words, in lists of keywords hardly any."""

ENGLISH: dict[str, str] = {
    "variable": """
        b c f g h j k n p q r u v w x y z xy dx dy dt
    """,
    "school": """
        add addition adding sum subtract subtraction minus plus multiply multiplication times
        divide division divisor dividend quotient remainder product factor multiple prime
        composite number numeral digit integer whole even odd fraction numerator denominator
        decimal percent percentage ratio proportion rate average mean median mode range half
        halves third quarter fifth tenth hundredth thousandth double triple twice count counting
        total difference equal greater less fewer more least greatest smallest largest round
        rounding estimate estimation place value ones tens hundreds thousands million zero
        negative positive absolute order ascending descending compare comparison pattern
        sequence skip pair group dozen shape triangle square rectangle circle polygon pentagon
        hexagon octagon quadrilateral parallelogram rhombus trapezoid trapezium kite cube cuboid
        prism pyramid cone cylinder sphere edge vertex face side corner angle acute obtuse right
        reflex straight degree protractor ruler compass parallel perpendicular line segment ray
        point length width height depth breadth perimeter area volume surface capacity radius
        diameter circumference centimeter centimetre meter metre kilometer kilometre millimeter
        inch foot feet yard mile gram kilogram liter litre ounce pound gallon minute hour second
        clock calendar coin cent penny nickel dime dollar change cost price marble dice die
        spinner card bag red blue green apple orange cookie pencil block counter tally bar graph
        chart pictograph table axis axes symmetry reflection rotation translation flip slide
        turn congruent similar mixed improper simplest reduce equivalent common lowest
        commutative associative distributive measure measurement unit equation mental arithmetic
        abacus subitize worksheet grade pupil bodmas pemdas parentheses bracket two three four
        five six seven eight nine eleven twelve thirteen fourteen fifteen sixteen seventeen
        eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety
    """,
    "secondary": """
        algebra algebraic variable constant coefficient term monomial binomial trinomial
        polynomial quadratic cubic quartic linear exponent exponential power base root radical
        surd factorise factorize factoring factored expand expansion simplify simplification
        substitute substitution eliminate elimination simultaneous inequality interval domain
        codomain image function inverse slope intercept gradient coordinate cartesian quadrant
        origin plane abscissa ordinate parabola hyperbola ellipse conic asymptote focus
        directrix discriminant completing rational irrational real imaginary complex conjugate
        modulus logarithm logarithmic ln log exp sine cosine tangent secant cosecant cotangent
        sin cos tan sec csc cot arcsin arccos arctan arcsine arccosine arctangent trigonometry
        trigonometric radian hypotenuse pythagorean pythagoras adjacent opposite bisector bisect
        midpoint centroid circumcenter incenter orthocenter chord arc sector inscribed
        circumscribed concentric congruence similarity transversal alternate corresponding
        interior exterior supplementary complementary collinear coplanar locus construction
        geometry geometric euclid progression series recursive explicit nth permutation
        combination factorial probability outcome event sample independent conditional mutually
        exclusive tree venn set subset union intersection complement element statistic
        statistical quartile percentile deviation variance standard skew histogram boxplot box
        outlier scatterplot scatter correlation regression residual distribution normal
        bivariate frequency cumulative relative interest compound principal mixture matrix
        matrices determinant vector scalar magnitude dot cross parametric polar notation
        expression formula identity unknown solve solving solution undefined infinite infinity
        limit derivative differentiation differentiate integral integrate integration
        antiderivative maximum minimum maxima minima extremum concave convex inflection
        increasing decreasing monotonic velocity acceleration optimization calculus precalculus
        graphing plot plotting dilation transformation translate rotate reflect scale divisible
        divisibility gcd lcm hcf modulo euclidean sigma summation telescoping mathematic
        mathematical math mathematically mathematician calculator theorem proof prove
    """,
    "university": """
        lemma corollary proposition conjecture axiom axiomatic definition proven proved qed
        counterexample converse contrapositive contradiction induction inductive quantifier
        predicate propositional tautology bijection bijective injection injective surjection
        surjective mapping map homomorphism isomorphism isomorphic automorphism endomorphism
        epimorphism monomorphism subgroup coset abelian cyclic ring ideal field module semigroup
        monoid kernel nullspace rank nullity basis span dimension dimensional eigenvalue
        eigenvector eigenfunction eigenspace diagonal diagonalizable diagonalize jordan
        orthogonal orthonormal orthogonality unitary hermitian transpose adjoint symmetric
        antisymmetric tridiagonal triangular invertible singular nonsingular trace projection
        schmidt decomposition factorization qr svd cholesky householder krylov norm inner
        bilinear multilinear tensor metric topology topological compact compactness connected
        closure neighborhood neighbourhood hausdorff homeomorphism homeomorphic continuous
        continuity uniformly pointwise convergence convergent converge diverge divergent cauchy
        weierstrass bolzano supremum infimum sup inf limsup liminf lim epsilon delta alpha beta
        gamma theta lambda mu phi psi omega rho zeta eta xi chi tau kappa pi partial
        differentiable differential jacobian hessian laplacian divergence curl stokes gauss
        gaussian riemann riemannian lebesgue measurable borel fubini dominated monotone holder
        minkowski banach hilbert sobolev functional operator bounded unbounded analytic
        holomorphic meromorphic residue contour pole singularity laurent taylor maclaurin
        fourier laplace transform convolution wavelet bessel legendre hermite chebyshev laguerre
        hypergeometric ode pde homogeneous nonhomogeneous inhomogeneous boundary initial
        wronskian sturm liouville separable integrating stability equilibrium bifurcation
        attractor chaotic lyapunov lipschitz contraction fixed iteration iterative newton
        bisection interpolation spline quadrature trapezoidal simpson runge kutta euler
        discretization discretize discretized finite truncation numerically numerical
        approximation approximate asymptotic asymptotically expectation stochastic random
        martingale markov brownian poisson bernoulli multinomial likelihood posterior prior
        bayes bayesian estimator unbiased bias consistent confidence hypothesis null covariance
        moment generating characteristic cdf pdf pmf density quantile ergodic stationary
        combinatorial combinatoric pigeonhole inclusion exclusion recurrence recursion vertices
        bipartite hamiltonian eulerian planar chromatic coloring spanning matching adjacency
        enumeration stirling catalan partition diophantine totient fermat primitive reciprocity
        cardinality countable uncountable equivalence reflexive transitive relation poset
        lagrange multiplier convexity simplex duality feasible constraint objective optimum
        minimizer maximize minimize maximization minimization argmin argmax subspace hyperplane
        affine linearly nonlinear nonnegative nonzero multivariable multivariate univariate
        derivation derive derived trivially arbitrary arbitrarily summand integrand operand
    """,
    "logic": """
        hence thus therefore then let suppose assume assuming assumption denote denoted denoting
        define defined satisfy satisfying satisfied imply implying iff whence follow yield
        obtain obtained deduce deduction conclude consider given such exist every any unique
        uniqueness whenever sufficient sufficiently necessary respectively namely otherwise
        write rewrite rewriting rewritten recall remark notice observe note show shown claim
        clearly obvious obviously trivial straightforward without generality where because since
        if
    """,
    "exercise": """
        how many what which find determine calculate compute evaluate answer hint exercise
        problem question explain justify verify check correct incorrect true false choose select
        identify draw sketch complete fill blank match express step example practice quiz test
        worked homework tutorial lesson assignment activity try think remember know known
        explanation word meaning
    """,
    "science": """
        energy momentum mass force quantum particle electron proton neutron atom atomic molecule
        molecular photon magnetic electric charge current voltage circuit wave wavelength
        oscillator oscillation harmonic pendulum potential kinetic thermodynamic temperature
        pressure entropy heat gas fluid viscosity turbulence relativity relativistic spacetime
        gravity gravitational orbit planet star galaxy cosmology lagrangian schrodinger
        wavefunction spin fermion boson hartree fock ising spectrum spectral optic optical laser
        lens diffraction chemistry chemical reaction acid concentration physic physical mechanic
        dynamic simulation experiment experimental laboratory signal noise filter sampling
        neural network learning training classifier classification cluster descent loss layer
        neuron activation
    """,
    "computing": """
        code file folder directory path install installation installer pip conda npm docker
        container git github repository commit branch merge pull api endpoint http url request
        response json xml yaml html css javascript typescript python java scala ruby rust php
        perl bash shell script command terminal console linux ubuntu windows mac server client
        host port node cloud aws azure database sql query index schema string int float bool
        boolean char void none return def class method constructor instance object inherit
        inheritance interface abstract static public private protected const var import include
        namespace package library dependency version release changelog license build compile
        compiler compiled debug debugger unittest coverage exception error warning throw catch
        async await thread process memory pointer heap stack array list dict tuple iterator loop
        while elif else switch argument parameter default option flag config configuration
        setting environment callback listener handler widget button click mouse keyboard cursor
        screen browser plugin extension template macro struct enum typedef header inline
        overload override deprecated undocumented doxygen javadoc readme documentation
        doc download upload tokenizer dataset pipeline spark hadoop dataframe tensorflow pytorch
        numpy pandas matplotlib scipy jupyter notebook gpu cpu cuda byte bit buffer cache
        encoding decode unicode ascii regex parser parse token syntax deploy deployment runtime
        kubernetes user username password login account admin email backend frontend software
        hardware implementation
    """,
    "web": """
        privacy policy subscribe subscription newsletter logout signup register cart checkout
        shop shopping store buy sell sale discount deal coupon offer shipping delivery payment
        credit refund warranty brand customer review rating seller supplier manufacturer factory
        quote contact advertisement advertise sponsor sponsored affiliate marketing seo
        copyright reserved menu home about navigation search share facebook twitter instagram
        youtube linkedin pinterest whatsapp tweet comment reply post posted blog author editor
        read reading next previous page tag category archive sitemap feed rss content toggle
        sidebar footer link app mobile free video photo picture gallery hotel travel trip flight
        booking restaurant recipe food fashion beauty health medical insurance loan mortgage
        bank casino bet crusher conveyor machine machinery equipment
    """,
    "news": """
        president government minister parliament senate congress election vote voter party
        democrat republican politic political politician police court judge lawyer attorney law
        legal crime criminal arrest murder prison war military army soldier attack bomb
        terrorist country nation national state city town mayor county american america british
        chinese european russia russian ukraine israel iran france german london york washington
        california texas company corporate ceo executive business market investor investment
        stock profit revenue economy economic tax job worker employee trade film movie actor
        actress director television tv episode season netflix music song singer album band
        concert artist art museum book novel writer story fiction magazine newspaper journalist
        reporter news game player team coach league football soccer basketball baseball tennis
        championship win fan olympic family mother father wife husband child children son
        daughter friend love life death born died woman women man men people school student
        teacher university college hospital doctor patient disease covid virus vaccine cancer
        church god religion religious christian muslim history century ancient king queen said
        says told asked year week yesterday monday tuesday wednesday thursday friday saturday
        sunday january february april june july august september october november december car
        driver airline house climate weather animal dog cat evening morning
    """,
    "research": """
        manifold submanifold diffeomorphism bundle fibration fiber cohomology homology homotopy
        cohomological sheaf scheme variety functor functorial categorical morphism adjunction
        colimit pullback pushforward pushout topos toposes groupoid operad simplicial exact
        triangulated noetherian artinian krull dedekind galois valuation adele idele modular
        automorphic hecke eisenstein elliptic moduli cohen macaulay gorenstein projective flat
        semisimple nilpotent solvable reductive lie weyl coxeter cartan killing weight
        representation irreducible character torsor cocycle coboundary connection curvature
        ricci geodesic symplectic kahler calabi yau hodge chern foliation holonomy monodromy
        knot braid cobordism surgery hyperbolic fuchsian kleinian teichmuller amenable
        hyperfinite neumann fredholm pseudodifferential schwartz besov hardy bmo littlewood
        paley calderon zygmund navier semilinear quasilinear parabolic dispersive soliton
        ginzburg variational minimal rectifiable fractal percolation semimartingale ito
        malliavin levy isoperimetric ramsey extremal turan szemeredi matroid polytope toric
        tropical zariski grothendieck serre etale crystalline ultrafilter forcing ordinal
        cardinal inaccessible constructible decidable undecidable godel turing computable nphard
        satisfiability logspace complexity quasi pseudo canonical canonically nontrivial
        conjectural arxiv msc bijectively equivariant invariant invariance covariant
        contravariant generically embedding immersion submersion transversality codimension
        involution idempotent unipotent
    """,
}
"""Field to its words. `school` is arithmetic, shapes and measures; `secondary` algebra, functions,
elementary statistics; `logic` the words of arguments; `exercise` those of questions and tasks;
`variable` lone letters."""

MATHEMATICS = ("school", "secondary", "university", "research")
"""The fields whose words are mathematics' own."""

CHINESE: dict[str, str] = {
    "school": """
        加法 减法 乘法 除法 分数 小数 整数 自然 百分 分子 分母 奇数 偶数 质数 合数
        因数 倍数 余数 约数 面积 周长 体积 长度 三角 四边 正方 长方 圆形 圆心 半径
        直径 角度 直角 锐角 钝角 平行 垂直 线段 直线 射线 平均 比例 比值 相等 大于
        小于 等于 加减 乘除 算术 口算 应用 几何 图形 立方 平方 厘米 千米 个数 总数
        求和 乘积
    """,
    "secondary": """
        方程 函数 代数 多项 系数 未知 变量 常数 因式 分解 化简 不等 数列 等差 等比
        通项 指数 对数 幂函 根号 三次 二次 一次 正弦 余弦 正切 弧度 斜率 截距 坐标
        象限 抛物 双曲 椭圆 焦点 准线 切线 割线 弦长 圆锥 概率 统计 方差 标准 频率
        排列 组合 阶乘 集合 子集 交集 并集 补集 空集 映射 定义 值域 单调 奇偶 周期
        对称 极值 最值 最大 最小 导数 积分 极限 微分 向量 矢量 数量 标量 复数 虚数
        实数 有理 无理 公式 恒等 解得 求解 证明 已知 求证 公理 数学 高考
    """,
    "university": """
        定理 引理 推论 命题 证毕 充分 必要 当且 仅当 反证 归纳 假设 矩阵 行列 特征
        秩为 线性 空间 子空 维数 内积 范数 正交 酉矩 对角 可逆 转置 核空 同构 同态
        单射 满射 双射 群论 子群 陪集 交换 环论 理想 域上 拓扑 开集 闭集 紧致 连通
        连续 收敛 发散 级数 一致 柯西 上确 下确 测度 可测 勒贝 偏导 梯度 散度 旋度
        曲率 曲面 曲线 流形 常微 偏微 边界 初值 傅里 拉普 泰勒 展开 留数 解析 随机
        期望 协方 分布 密度 似然 贝叶 马尔 泊松 高斯 正态 估计 检验 显著 回归 最优
        凸函 凸优 约束 目标 对偶 拉格 迭代 数值 误差 逼近 插值 图论 顶点 生成 递推
        递归 同余 模数 素数 整除 欧拉 费马 等价 关系 算子 泛函 复杂 算法 下界 上界
        渐近
    """,
    "logic": """
        因此 所以 从而 于是 故而 因为 由于 设有 不妨 若有 如果 那么 即可 可得 得到
        满足 使得 存在 任意 对于 给定 显然 易知 易证 注意 其中 记为 称为 令其 则有
        由此 可知 综上 反之 否则 推出
    """,
    "exercise": """
        求出 计算 多少 几个 解答 答案 习题 练习 例题 题目 解法 思路 提示 问题 判断
        选择 填空 试求 试证 步骤
    """,
    "science": """
        物理 量子 粒子 能量 动量 质量 速度 加速 电场 磁场 电流 电压 电路 温度 热力
        化学 原子 电子 波长 信号 神经 网络 训练 模型 学习 样本 分类 聚类 损失 参数
    """,
    "computing": """
        代码 文件 目录 安装 命令 脚本 程序 编程 编译 接口 请求 响应 服务 客户 端口
        数据 库表 查询 缓存 线程 进程 内存 指针 数组 字符 对象 继承 方法 构造 配置
        环境 版本 依赖 部署 容器 镜像 浏览 前端 后端 框架 组件 插件 下载 上传 登录
        用户 密码 调试 报错 异常 日志 源码 仓库 提交 分支 文档 系统 软件 硬件 开发
    """,
    "web": """
        价格 购买 优惠 促销 商品 订单 支付 快递 客服 咨询 厂家 报价 联系 电话 版权
        隐私 关注 点赞 评论 分享 转发 公众 微信 微博 首页 导航 标签 归档 阅读 作者
        发布 更新 上一 下一 广告 合作 会员 视频 图片 新闻 旅游 酒店 美食 健康 医院
        游戏
    """,
    "news": """
        政府 总统 国家 经济 企业 公司 市场 投资 股票 社会 政治 法律 法院 警察 军事
        战争 历史 文化 电影 音乐 演员 导演 小说 故事 球队 比赛 冠军 学校 学生 老师
        父母 孩子 朋友 爱情 生活 时代 世界 美国 中国 北京 上海 记者 报道
    """,
}
"""The same for Chinese; each term is two characters, so that pairs of characters find it."""

ORDINARY_ENGLISH = """
    absolute acceleration adding addition adjacent alpha alternate apple approximate area
    ascending average axis bag base beta bias block blue bounded box bracket braid breadth
    bundle calendar canonical capacity card cardinal cent centimeter centimetre change
    character characteristic chart circle clock closure coin combination common compact
    compare comparison compass complement completing complex complexity compound conditional
    cone confidence conjecture connected connection consistent constant constraint
    construction continuous contour cookie coordinate corner corresponding cost count
    counter counting cross cube curl decreasing definition degree delta depth derive derived
    descending dice difference digit dime dimension dimensional divide division dollar
    domain dominated double dozen edge eight eighteen eighty element eleven eliminate
    embedding equal equation equilibrium estimate even event exact exclusion exclusive
    expand expansion expectation explicit expression exterior face factor factored feet
    fewer field fifteen fifth fifty finite five fixed flat flip focus foot forcing formula
    forty four fourteen fraction frequency function functional gallon gamma generating grade
    gradient gram graph greater greatest green group half halves height holder hour hundreds
    hundredth hypothesis ideal identity image immersion improper inch inclusion increasing
    independent infinite infinity initial inner integer interest interior interval inverse
    iteration kernel killing kilogram kilometer kilometre kite knot lambda largest least
    length less levy limit line linear liter litre locus logarithm lowest magnitude mapping
    marble matching math matrix maximization maximize maximum mean measure measurement
    median mental meter metre metric mile millimeter million minimal minimization minimize
    minimum minute mixed mixture mode module moment monotone more multiple mutually negative
    neighborhood newton nickel nine nineteen ninety nonsingular norm normal notation null
    number numeral objective omega ones operator opposite optimization optimum orange order
    ordinate origin ounce outcome outlier pair paley parallel parametric partial partition
    pattern pencil penny percent percentage percentile permutation place plane plot plotting
    plus point polar pole positive posterior pound power predicate price prime principal
    prior product progression projection proportion prove proved proven pupil pyramid
    quarter radius random range rank rate ratio real recursive reduce reflect reflection
    relation relative representation residual residue right ring root rotate rotation round
    ruler sample scale scatter scheme second sector segment separable sequence series seven
    seventeen seventy shape side sigma similar simplest simplify simultaneous six sixteen
    sixty skip slide slope smallest solution solve solving span sphere spinner square
    stability standard stationary statistic straight subset substitute surface surgery
    symmetric table tally tangent tens tensor tenth term third thirteen thirty thousands
    three times total trace transform transformation translate translation transpose tree
    triple tropical turn twelve twenty twice unbounded undefined union unit univariate
    unknown value variable variance variety vector velocity volume weight whole width
    worksheet yard zero
"""
"""Words of these lists that ordinary pages, their scripts and their style sheets use as well: in a
page's source they say nothing of mathematics."""

ORDINARY_CHINESE = """
    一次 一致 个数 交换 估计 公式 关系 函数 分布 变量 图形 复杂 定义 平均 应用 总数 数值 数量 映射
    最大 最小 标准 特征 生成 目标 相等 空间 算法 组合 统计 自然 误差 连续 递归 长度 集合
"""

SIMPLIFIED = (
    "个为义于仅价优体余关内准减几协单厘双发变叶号图圆复学实对导尔幂并应开归当征径态总恒扑抛换敛数无显术机"
    "杂极构标检椭欧毕测渐满点环确积称简紧约级纳线组统续维群范虚补计论设证误调贝质费转边连递里钝锐锥长闭间"
    "阵阶随顶项频题马验"
)
TRADITIONAL = (
    "個爲義於僅價優體餘關內準減幾協單釐雙發變葉號圖圓復學實對導爾冪並應開歸當徵徑態總恆撲拋換斂數無顯術機"
    "雜極構標檢橢歐畢測漸滿點環確積稱簡緊約級納線組統續維羣範虛補計論設證誤調貝質費轉邊連遞裏鈍銳錐長閉間"
    "陣階隨頂項頻題馬驗"
)
"""Characters of the Chinese terms that the traditional script writes otherwise, in the order of
`SIMPLIFIED`."""
