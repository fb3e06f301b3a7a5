"""Sections of the configuration about images: which are selected, and how they are fetched.

*Paper* is InfiMM-WebMath-40B, *img2dataset* the downloader that most published sets used, *ours*
this project.
"""

from __future__ import annotations

import ipaddress
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from infimm_spark.config.section import PositiveFloat, PositiveInt, Section
from infimm_spark.version import __version__

ImageFormat = Literal["jpeg", "png", "gif", "webp", "bmp", "tiff"]


class FetchConfig(Section):
    """How `infimm images fetch` asks for images."""

    user_agent: str = f"infimm-spark/{__version__} (image fetcher)"
    """User-Agent header, and the name by which robots rules address the fetcher. Name a page or an
    address where you can be reached."""
    connections: PositiveInt = 64
    """Largest number of requests at the same time, over the whole cluster."""
    connections_per_host: PositiveInt = 2
    """Largest number of requests to one host at the same time."""
    host_delay_seconds: Annotated[float, Field(ge=0)] = 0.0
    """Shortest time between two requests to one host."""
    connect_timeout_seconds: PositiveFloat = 10.0
    """Time limit for opening a connection."""
    timeout_seconds: PositiveFloat = 30.0
    """Silence on a connection after which the request counts as failed."""
    total_timeout_seconds: PositiveFloat = 120.0
    """Time limit for one request with its redirects, however slowly bytes arrive."""
    max_bytes: PositiveInt = 20 * 1024 * 1024
    """Larger images are refused; reading stops there whatever the server announced."""
    max_pixels: PositiveInt = 100_000_000
    """Images of more pixels are refused before they are decoded (decompression bombs)."""
    max_redirects: Annotated[int, Field(ge=0)] = 5
    """Redirects that are followed for one image."""
    attempts: PositiveInt = 3
    """Requests for one image in one run of the command, while failures are worth a retry."""
    backoff_seconds: PositiveFloat = 1.0
    """The n-th pause is uniform in [0, this · 2^n]; a Retry-After header replaces it."""
    max_retry_after_seconds: Annotated[float, Field(ge=0)] = 120.0
    """A host that asks for a longer pause is left for the next run of the command."""
    host_failures: PositiveInt = 10
    """A host with this many failed connections in a row is left for the next run of the
    command."""
    formats: list[ImageFormat] = ["jpeg", "png", "gif", "webp", "bmp", "tiff"]
    """Formats that are kept; all others count as no image."""
    refuse_directives: list[str] = ["noai", "noimageai", "noindex", "noimageindex"]
    """X-Robots-Tag directives with which an image is not stored (img2dataset's list). Empty: the
    header is ignored."""
    robots_txt: bool = True
    """Ask each host for its robots.txt first and leave out what that disallows."""
    archive_root: str | None = None
    """Root of a web archive, such as `https://web.archive.org/web`: images that are gone are
    asked for there, as they were when the page was crawled. null asks no archive."""
    shard_mb: PositiveInt = 256
    """Size at which a shard is complete."""
    shard_seconds: PositiveFloat = 300.0
    """Age at which a shard is complete, however small: what an executor that is lost costs at
    most. On a local disk nothing is lost."""
    allow_networks: list[str] = []
    """Private networks that may be asked nevertheless, such as `127.0.0.1/32`: for tests."""

    @model_validator(mode="after")
    def _known_networks(self) -> Self:
        for network in self.allow_networks:
            try:
                ipaddress.ip_network(network)
            except ValueError:
                raise ValueError(
                    f"images.fetch.allow_networks: {network!r} is no network; expected one such "
                    "as 127.0.0.1/32"
                ) from None
        return self

    @model_validator(mode="after")
    def _archive_is_a_web_address(self) -> Self:
        root = self.archive_root
        if root is not None and not root.startswith(("https://", "http://")):
            raise ValueError(
                f"images.fetch.archive_root: {root!r}; expected an http(s) address such as "
                "https://web.archive.org/web"
            )
        return self


class ImagesConfig(Section):
    """Which images of the corpus are selected for fetching. The first four rules are the paper's;
    a limit of null turns its rule off."""

    enabled: bool = False
    """Run the stage in every build; `infimm images select` runs it on a finished one."""
    max_uses: PositiveInt | None = 10
    """An image URL that the corpus has more often is decoration (paper: 10)."""
    max_document_images: PositiveInt | None = 100
    """Documents with more images give none (paper: 100)."""
    https_only: bool = True
    """Only https addresses (paper)."""
    url_words: list[str] = ["logo", "banner", "avatar", "icon"]
    """Words that do not occur in the address, in any letter case (paper)."""
    min_side: PositiveInt | None = 32
    """Smallest width and height that the page may state, pixels (ours); images without a stated
    size pass."""
    max_aspect: Annotated[float, Field(ge=1)] | None = 10.0
    """Largest ratio of the stated width and height (ours)."""
    refused_extensions: list[str] = [
        "svg", "svgz", "ico", "cur", "pdf", "ps", "eps", "swf", "mp4", "webm", "mov", "avi", "mp3",
        "html", "htm", "js", "css",
    ]  # fmt: skip
    """Extensions of the address's path that are no raster image (ours)."""
    drop_trackers: bool = True
    """Leave out addresses of hit counters and advertising (ours)."""
    drop_formulas: bool = True
    """Leave out pictures of formulas whose source the page gives: they are in the text (ours)."""
    refuse_signals: list[str] = ["*:noai", "*:noimageai", "*:noimageindex"]
    """Images of pages with one of these opt-out signals are left out, as `rules.refuse_signals`
    names them (ours)."""
    fetch: FetchConfig = FetchConfig()
