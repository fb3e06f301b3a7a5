"""Which images of the corpus are worth fetching: the paper's rules, and ours.

A rule looks at the address, at what the page says of the image, and at how often the address
occurs; nothing is asked of a server.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from infimm_spark.config import ImagesConfig
from infimm_spark.extract.formulas.readers.equation_images import equation_of_image
from infimm_spark.rules.signals import refused_signal


@dataclass(frozen=True, slots=True)
class Occurrence:
    """An image in a document: what the corpus knows of it. `uses` counts its URL in the corpus."""

    url: str
    alt: str | None = None
    title: str | None = None
    width: int | None = None
    height: int | None = None
    consent: Sequence[str] = ()
    uses: int = 1
    document_images: int = 1


def refused_by(image: Occurrence, config: ImagesConfig) -> str | None:
    """The reason an image is left out, the first of `RULES` that applies; None for a selected one.

    A refused opt-out signal is `refused:robots:noimageai`; other reasons are the rules' names.
    """
    signal = refused_signal(image.consent, config.refuse_signals)
    if signal is not None:
        return signal
    return next((name for name, refuses in RULES if refuses(image, config)), None)


def _repeated(image: Occurrence, config: ImagesConfig) -> bool:
    return config.max_uses is not None and image.uses > config.max_uses


def _crowded(image: Occurrence, config: ImagesConfig) -> bool:
    limit = config.max_document_images
    return limit is not None and image.document_images > limit


def _not_https(image: Occurrence, config: ImagesConfig) -> bool:
    return config.https_only and not image.url.lower().startswith("https://")


def _url_word(image: Occurrence, config: ImagesConfig) -> bool:
    # The paper's rule is a search in the whole address: `/assets/Logo-2.png`, `icons.example.org`.
    address = image.url.lower()
    return any(word.lower() in address for word in config.url_words)


def _small(image: Occurrence, config: ImagesConfig) -> bool:
    stated = [side for side in (image.width, image.height) if side is not None]
    return config.min_side is not None and any(side < config.min_side for side in stated)


def _aspect(image: Occurrence, config: ImagesConfig) -> bool:
    width, height = image.width, image.height
    if config.max_aspect is None or not width or not height:
        return False
    return max(width, height) > config.max_aspect * min(width, height)


# The extension of `/a/b/plot.SVG`; of `/image.php` it is `php`, which may give an image.
_EXTENSION = re.compile(r"\.([A-Za-z0-9]{1,5})$")


def _extension(image: Occurrence, config: ImagesConfig) -> bool:
    try:
        path = unquote(urlsplit(image.url).path)
    except ValueError:
        return True  # no address that could be asked
    found = _EXTENSION.search(path)
    return found is not None and found[1].lower() in config.refused_extensions


# Hit counters, beacons and advertising: by host (`//stats.example.org/`), path (`/pixel.gif`,
# `/count.php`) or service.
_TRACKER = re.compile(
    r"//(?:[^/]+\.)?(?:doubleclick\.net|google-analytics\.com|googlesyndication\.com|quantserve\.com"
    r"|scorecardresearch\.com|statcounter\.com|histats\.com|hitwebcounter\.com|cnzz\.com"
    r"|51\.la|hm\.baidu\.com|webtrends\.com|addtoany\.com|amazon-adsystem\.com|adnxs\.com)[/:?]"
    r"|//(?:pixel|stats?|analytics|counter|track(?:er|ing)?|beacon|ads?|adserver)\d*\.[^/]+/"
    r"|/(?:pixel|beacon|tracking|tracker|counter|hitcounter|webbug|impression)(?:\.(?:gif|png|php|cgi|aspx?))?(?:[?/]|$)"
    r"|facebook\.com/tr[?/]|feeds\.feedburner\.com/~r/|/b/ss/",
    re.IGNORECASE,
)


def _tracker(image: Occurrence, config: ImagesConfig) -> bool:
    return config.drop_trackers and _TRACKER.search(image.url) is not None


def _formula(image: Occurrence, config: ImagesConfig) -> bool:
    if not config.drop_formulas:
        return False
    attributes = {"src": image.url, "alt": image.alt, "title": image.title}
    return equation_of_image(attributes) is not None


RULES: tuple[tuple[str, Callable[[Occurrence, ImagesConfig], bool]], ...] = (
    ("repeated_url", _repeated),
    ("crowded_document", _crowded),
    ("not_https", _not_https),
    ("url_word", _url_word),
    ("extension", _extension),
    ("tracker", _tracker),
    ("small", _small),
    ("aspect", _aspect),
    ("formula", _formula),
)
"""Name and rule, in the order in which they are asked: an image is counted under the first."""
