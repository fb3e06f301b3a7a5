"""The local web application over a run: `infimm browse`, and the page view of `infimm page --open`.

`catalogue` answers questions about the run's tables, `record` gathers all there is about one page,
`original` shows the page as crawled, `labels` keeps what a reader says, `comparison` sets two runs
side by side; `app` serves them and `guard` keeps everybody else out.
"""
