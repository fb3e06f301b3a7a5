"""What bytes are an image: format and size from the header, and a hash that resized copies share.

Needs Pillow (the extra `images`).
"""

from __future__ import annotations

import io
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from infimm_spark.errors import ImageRefusedError

_HASH_SIDE = 8
_DECODING = threading.Lock()
"""One image is decoded at a time: pixels take far more memory than bytes."""


@dataclass(frozen=True, slots=True)
class Picture:
    """Format (`jpeg`, `png`, …), size in pixels, and the difference hash, 16 hex digits."""

    format: str
    width: int
    height: int
    phash: str


def picture_of(body: bytes, formats: Sequence[str], max_pixels: int, min_side: int) -> Picture:
    """The picture that `body` is, whatever its server called it.

    Raises `ImageRefusedError` with status `not_an_image`, `bomb` or `too_small`. The size is judged
    by the header, before any pixel is decoded.
    """
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = None  # judged here, by a setting and without a warning
    try:
        with Image.open(io.BytesIO(body), formats=[name.upper() for name in formats]) as image:
            width, height = image.size
            if width * height > max_pixels:
                raise ImageRefusedError("bomb", f"{width:,} x {height:,} pixels")
            if min(width, height) < min_side:
                raise ImageRefusedError("too_small", f"{width} x {height} pixels")
            name = (image.format or "").lower()
            with _DECODING:
                phash = _difference_hash(image)
    except ImageRefusedError:
        raise
    except Exception as error:  # decoders raise whatever their author thought of
        said = " ".join(str(error).split()).replace(repr(io.BytesIO), "")[:120]
        if "cannot identify" in said:
            said = f"the bytes begin with {body[:12]!r}"
        raise ImageRefusedError("not_an_image", said or type(error).__name__) from None
    return Picture("jpeg" if name == "mpo" else name, width, height, phash)


def _difference_hash(image: object) -> str:
    """Whether each of 8 x 8 places is brighter than its left neighbour (N. Krawetz, 2013)."""
    from PIL import Image

    assert isinstance(image, Image.Image)
    image.draft("L", (_HASH_SIDE * 8, _HASH_SIDE * 8))  # JPEG decodes to an eighth at once
    if image.mode in ("P", "LA", "RGBA", "PA"):
        flat = Image.new("RGBA", image.size, "white")
        flat.alpha_composite(image.convert("RGBA"))
        image = flat
    grey = image.convert("L").resize((_HASH_SIDE + 1, _HASH_SIDE), Image.Resampling.BOX)
    values = grey.tobytes()
    bits = 0
    for row in range(_HASH_SIDE):
        first = row * (_HASH_SIDE + 1)
        for place in range(first, first + _HASH_SIDE):
            bits = bits << 1 | (values[place + 1] > values[place])
    return f"{bits:016x}"
