"""The pages of the browser: lists, one page, its original, differences, labels."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from infimm_spark.browse import original, views
from infimm_spark.browse.catalogue import Catalogue
from infimm_spark.browse.comparison import Comparison
from infimm_spark.browse.filters import Filters, Lists
from infimm_spark.browse.labels import Labels
from infimm_spark.browse.policies import FRAME_POLICY
from infimm_spark.browse.record import Record, read_record
from infimm_spark.browse.words import moving_words
from infimm_spark.classify.broadcast import load_mathematics, read_model
from infimm_spark.classify.mathematics import Classifier, Kind
from infimm_spark.config import BuildConfig
from infimm_spark.errors import InfimmError, InputError
from infimm_spark.extract.text import formulas_in
from infimm_spark.inspect.fetch import record_page
from infimm_spark.warc.records import Page

SCREEN = 50
"""Pages of one list."""

_LARGEST_BODY = 64 * 1024


@dataclass(slots=True)
class Browser:
    """What the application shows; `root` is where the crawl is now, if it has moved."""

    catalogue: Catalogue
    config: BuildConfig
    labels: Labels
    name: str
    queue: list[str] = field(default_factory=list)
    root: str | None = None
    comparison: Comparison | None = None

    @property
    def lists(self) -> Lists:
        """The lists of ids that filters refer to."""
        return Lists(self.labels.ids, self.queue)


def application(browser: Browser) -> Starlette:
    """The ASGI application, to be put behind a `guard.Guard`."""
    pages = _Pages(browser)
    routes = [
        Route("/", pages.list),
        Route("/page/{id}", pages.page),
        Route("/page/{id}/original", pages.original),
        Route("/page/{id}/formulas", pages.formulas),
        Route("/page/{id}/words", pages.words),
        Route("/page/{id}/picture/{number:int}", pages.picture),
        Route("/page/{id}/against/{other}", pages.against),
        Route("/labels", pages.label, methods=["POST"]),
        Route("/static/{name}", _static),
    ]
    if browser.comparison is not None:
        routes += [Route("/compare", pages.compare), Route("/compare/{id}", pages.compare_page)]
    return Starlette(
        routes=routes,
        exception_handlers={HTTPException: _refused, InfimmError: _failed},
    )


class _Pages:
    """Handlers; Starlette runs those that are not `async` in threads."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._crawled = lru_cache(maxsize=16)(self._read_crawled)

    # -- lists and pages --------------------------------------------------------------------------

    def list(self, request: Request) -> Response:
        """A screen of pages that the filters choose."""
        filters = Filters.read(request.query_params)
        start = _whole(request.query_params.get("from", "0"), "from")
        found = self._browser.catalogue.find(filters, self._browser.lists, start, SCREEN)
        return _html(
            "list.html",
            browser=self._browser,
            filters=filters,
            found=found,
            start=start,
            screen=SCREEN,
            choices=self._browser.catalogue.choices(),
            labels=self._browser.labels,
        )

    def page(self, request: Request) -> Response:
        """One page; with `at`, its place in the list of the query, also its neighbours."""
        record = self._record(request)
        filters = Filters.read(request.query_params)
        at = request.query_params.get("at")
        before, after, total = self._neighbours(filters, None if at is None else _whole(at, "at"))
        id_ = record.page["id"]
        shown = views.shown_document(record.segments, id_)
        return _html(
            "page.html",
            browser=self._browser,
            record=record,
            page=record.page,
            shown=shown,
            filters=filters,
            at=None if at is None else int(at),
            before=before,
            after=after,
            total=total,
            label=self._browser.labels.of(id_) or {},
            labels=self._browser.labels,
        )

    def _neighbours(
        self, filters: Filters, at: int | None
    ) -> tuple[str | None, str | None, int | None]:
        """Ids before and after the place `at` of a list, and the list's length."""
        if at is None:
            return None, None, None
        start = max(at - 1, 0)
        find = self._browser.catalogue.find
        found = find(filters, self._browser.lists, start, 3 if at else 2)
        ids = [row["id"] for row in found.rows]
        before = ids[0] if at and ids else None
        rest = ids[2:] if at else ids[1:]
        return before, rest[0] if rest else None, found.total

    # -- the page as crawled ----------------------------------------------------------------------

    def original(self, request: Request) -> Response:
        """The page from its WARC file, harmless, for a frame without rights."""
        record = self._record(request)
        mark = request.query_params.get("mark")
        try:
            page = self._crawled(record.page["id"])
            formulas = _formulas(page) if mark is not None else ()
            number = None if mark is None else _whole(mark, "mark")
            html = original.harmless(page.body, page.content_type, formulas, number)
        except InfimmError as error:
            moved = "if the crawl has moved, start infimm browse with --root FOLDER"
            return _frame(views.render("gone.html", message=f"{error}; {moved}"))
        return _frame(html)

    def formulas(self, request: Request) -> Response:
        """The page's formulas, found anew, as a table."""
        record = self._record(request)
        try:
            page = self._crawled(record.page["id"])
            found = _formulas(page)
        except InfimmError as error:
            return _html("formulas.html", rows=[], problem=str(error), total=0, moved=False)
        written = [tex for tex, _ in formulas_in(record.text)]
        numbers = original.numbers_in_text(found, written)
        recovered = sum(formula.outcome != "failed" for formula in found)
        rows = views.formula_rows(found, numbers)
        return _html(
            "formulas.html",
            rows=rows,
            problem=None,
            total=len(found),
            moved=record.document is not None and recovered != len(written),
        )

    def words(self, request: Request) -> Response:
        """The words that moved the scores of the two classifiers."""
        record = self._record(request)
        tables: list[dict[str, Any]] = []
        kinds: tuple[tuple[Kind, str], ...] = (
            ("recall", "math_prob"),
            ("precision", "quality_prob"),
        )
        for kind, score in kinds:
            if record.page.get(score) is None:
                continue
            try:
                chosen = getattr(self._browser.config.models, kind)
                classifier = load_mathematics(read_model(chosen, kind), kind)
                if not isinstance(classifier, Classifier):
                    raise InputError(f"models.{kind} is a function: its words cannot be weighed")
                language = str(record.page["language"])
                raised, lowered = moving_words(record.text, language, classifier)
            except InfimmError as error:
                tables.append({"score": score, "problem": str(error), "raised": [], "lowered": []})
                continue
            tables.append({"score": score, "problem": None, "raised": raised, "lowered": lowered})
        return _html("words.html", tables=tables)

    def picture(self, request: Request) -> Response:
        """One picture of the document in a frame of its own, which may load that picture alone."""
        record = self._record(request)
        images = [s["image"] for s in record.segments if s.get("image") is not None]
        number = request.path_params["number"]
        source = views.picture_source(images[number].get("url")) if number < len(images) else None
        if source is None:
            return _frame(views.render("gone.html", message="this picture has no http(s) address"))
        policy = FRAME_POLICY.replace("default-src 'none'", f"default-src 'none'; img-src {source}")
        html = views.render("picture.html", image=images[number])
        return _frame(html, policy)

    # -- differences ------------------------------------------------------------------------------

    def against(self, request: Request) -> Response:
        """Two documents of the run side by side."""
        left = self._record(request)
        right = self._record(request, request.path_params["other"])
        return _html(
            "against.html",
            browser=self._browser,
            left=left,
            right=right,
            lines=views.difference(left.segments, right.segments),
            titles=(left.page["url"], right.page["url"]),
            labels=self._browser.labels,
        )

    def compare(self, request: Request) -> Response:
        """Documents that differ between two runs, with counts by kind of change."""
        comparison = self._comparison()
        kind = request.query_params.get("kind", "")
        start = _whole(request.query_params.get("from", "0"), "from")
        words = request.query_params.get("url", "").strip()
        rows, total = comparison.changed(kind, words, start, SCREEN)
        return _html(
            "compare.html",
            browser=self._browser,
            comparison=comparison,
            counts=comparison.counts(),
            kind=kind,
            url=words,
            rows=rows,
            total=total,
            start=start,
            screen=SCREEN,
            labels=self._browser.labels,
        )

    def compare_page(self, request: Request) -> Response:
        """One document in both runs, side by side."""
        comparison = self._comparison()
        found = comparison.pair(request.path_params["id"])
        if found is None:
            raise HTTPException(404, "neither run holds this page")
        change, left, right = found
        empty: list[dict[str, Any]] = []
        return _html(
            "compared.html",
            browser=self._browser,
            comparison=comparison,
            change=change,
            left=left,
            right=right,
            lines=views.difference(
                left.segments if left else empty, right.segments if right else empty
            ),
            titles=(comparison.names[0], comparison.names[1]),
            labels=self._browser.labels,
        )

    def _comparison(self) -> Comparison:
        assert self._browser.comparison is not None
        return self._browser.comparison

    # -- labels -----------------------------------------------------------------------------------

    async def label(self, request: Request) -> Response:
        """Save what the reader said of a page: JSON with `id` and what `Labels.save` takes."""
        if request.headers.get("content-type", "").partition(";")[0] != "application/json":
            raise HTTPException(415, "expected application/json")
        body = b""
        async for piece in request.stream():
            body += piece
            if len(body) > _LARGEST_BODY:
                raise HTTPException(413, "the label is too large")
        return await _in_thread(self._save, body)

    def _save(self, body: bytes) -> Response:
        try:
            given = json.loads(body)
            id_ = str(given["id"])
        except (ValueError, KeyError, TypeError):
            raise InputError("label: expected a JSON object with an id") from None
        record = read_record(self._browser.catalogue, id_, self._browser.config)
        if record is None:
            raise HTTPException(404, "the run holds no such page")
        saved = self._browser.labels.save(record.page, record.text, given)
        saved.pop("text", None)
        return JSONResponse({"label": saved, "labelled": len(self._browser.labels)})

    # -- what they share --------------------------------------------------------------------------

    def _record(self, request: Request, id_: str | None = None) -> Record:
        wanted = request.path_params["id"] if id_ is None else id_
        record = read_record(self._browser.catalogue, wanted, self._browser.config)
        if record is None:
            raise HTTPException(404, "the run holds no such page")
        return record

    def _read_crawled(self, id_: str) -> Page:
        pointer = self._browser.catalogue.page(id_)
        if pointer is None or not pointer["url"]:
            raise InputError("the record has no URL: it was no page, or is damaged")
        return record_page(pointer, self._browser.config, self._browser.root)


@lru_cache(maxsize=16)
def _formulas_of(body: bytes, url: str, content_type: str | None) -> list[Any]:
    return original.page_formulas(body, url, content_type)


def _formulas(page: Page) -> list[Any]:
    return _formulas_of(page.body, page.url, page.content_type)


async def _in_thread(work: Callable[[bytes], Response], body: bytes) -> Response:
    return await run_in_threadpool(work, body)


def _html(template: str, **values: Any) -> HTMLResponse:
    return HTMLResponse(views.render(template, **values))


def _frame(html: str, policy: str = FRAME_POLICY) -> HTMLResponse:
    return HTMLResponse(html, headers={"content-security-policy": policy})


def _whole(text: str, name: str) -> int:
    if not text.isdecimal() or len(text) > 12:
        raise InputError(f"{name}={text[:20]}: expected a whole number")
    return int(text)


_STATIC: Mapping[str, str] = {
    "style.css": "text/css",
    "browse.css": "text/css",
    "browse.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}


def _static(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in _STATIC:  # nothing else can be named, whatever dots and slashes it holds
        raise HTTPException(404, "no such file")
    folder = Path(__file__).parent / "static"
    path = views.STYLE if name == "style.css" else folder / name
    return Response(path.read_bytes(), media_type=_STATIC[name])


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _problem(request, error.status_code, str(error.detail))


def _failed(request: Request, error: Exception) -> Response:
    return _problem(request, 400 if isinstance(error, InputError) else 500, str(error))


def _problem(request: Request, status: int, message: str) -> Response:
    if request.method == "POST":
        return JSONResponse({"error": message}, status)
    return HTMLResponse(views.render("problem.html", message=message), status)
