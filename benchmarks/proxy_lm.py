"""Proof by proxy: which extractor's text teaches a small language model most mathematics?

    python benchmarks/proxy_lm.py --warc FILE... --urls labels.jsonl.gz --held-out FILE... --steps 2000

The same pages are extracted by this package, Trafilatura and Resiliparse. A byte-level transformer
of 2 M parameters is trained on each text, for the same number of bytes and with the same seeds, on
the processor. Printed: bits a byte on the held-out files (a JSON lines file is read by its fields
`question`, `problem` or `text`; any other file is a text), mean and range over the seeds. Lower is
better. Whatever the result is, it is the result.

Needs torch, trafilatura and hours. Held-out files must not come from the pages.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import statistics
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from fastwarc.warc import ArchiveIterator, WarcRecordType
from torch import nn
from torch.nn import functional as F

CONTEXT, WIDTH, LAYERS, HEADS = 256, 192, 4, 6
SEPARATOR = b"\n\0\n"  # between documents


def ours(html: bytes, url: str) -> str:
    from infimm_spark import extract_page

    return extract_page(html, url=url, content_type="text/html").text


def trafilatura(html: bytes, url: str) -> str:
    from trafilatura import extract

    return extract(html, url=url, include_tables=True, include_formatting=True) or ""


def resiliparse(html: bytes, url: str) -> str:
    from resiliparse.extract.html2text import extract_plain_text
    from resiliparse.parse.html import HTMLTree

    tree = HTMLTree.parse_from_bytes(html, "utf-8")
    return extract_plain_text(tree, main_content=True, alt_texts=False)


EXTRACTORS: dict[str, Callable[[bytes, str], str]] = {
    "ours": ours,
    "trafilatura": trafilatura,
    "resiliparse": resiliparse,
}


class ByteModel(nn.Module):
    """A decoder of the usual kind over bytes."""

    def __init__(self) -> None:
        super().__init__()
        self.token, self.place = nn.Embedding(256, WIDTH), nn.Embedding(CONTEXT, WIDTH)
        layer = nn.TransformerEncoderLayer(
            WIDTH,
            HEADS,
            4 * WIDTH,
            dropout=0.0,
            activation="gelu",
            batch_first=True,
            norm_first=True,
        )
        self.blocks = nn.TransformerEncoder(layer, LAYERS, enable_nested_tensor=False)
        self.last = nn.LayerNorm(WIDTH)
        self.head = nn.Linear(WIDTH, 256, bias=False)
        self.head.weight = self.token.weight
        nn.init.normal_(self.token.weight, std=0.02)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        length = ids.shape[1]
        mask = torch.full((length, length), float("-inf")).triu(1)
        found = self.token(ids) + self.place(torch.arange(length))
        return self.head(self.last(self.blocks(found, mask)))


def pages(warcs: list[str], urls: set[str] | None, most: int) -> Iterator[tuple[str, bytes]]:
    """URL and body of the first `most` pages."""
    seen: set[str] = set()
    for file in warcs:
        with open(file, "rb") as stream:
            for record in ArchiveIterator(stream, record_types=WarcRecordType.response):
                url = record.headers.get("WARC-Target-URI", "").strip("<>")
                if url in seen or (urls is not None and url not in urls):
                    continue
                seen.add(url)
                yield url, record.reader.read()
                if len(seen) >= most:
                    return


def chosen_urls(file: str | None) -> set[str] | None:
    """URLs that a labels file calls mathematics; all pages without one."""
    if file is None:
        return None
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return {row["url"] for row in rows if row["label"] == "math"}


def held_out(file: str) -> bytes:
    """The text of a held-out file."""
    content = Path(file).read_text("utf-8")
    if not file.endswith(".jsonl"):
        return content.encode()
    rows = [json.loads(line) for line in content.splitlines() if line.strip()]
    fields = ("question", "problem", "text", "latex")
    texts = [next((str(row[f]) for f in fields if row.get(f)), "") for row in rows]
    return SEPARATOR.join(text.encode() for text in texts if text)


def trained(text: bytes, steps: int, batch: int, seed: int) -> ByteModel:
    """A model that has seen `steps` x `batch` x 256 bytes, drawn at random from the text."""
    torch.manual_seed(seed)
    draw = random.Random(seed)
    model = ByteModel()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.1, betas=(0.9, 0.95))
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 1e-3, total_steps=steps, pct_start=0.05
    )
    data = torch.frombuffer(bytearray(text), dtype=torch.uint8)
    for _ in range(steps):
        starts = [draw.randrange(len(data) - CONTEXT - 1) for _ in range(batch)]
        rows = torch.stack([data[s : s + CONTEXT + 1] for s in starts]).long()
        loss = F.cross_entropy(model(rows[:, :-1]).flatten(0, 1), rows[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    return model


@torch.no_grad()
def bits_a_byte(model: ByteModel, text: bytes, most: int) -> float:
    """Over windows of the text, up to `most` bytes of it."""
    model.eval()
    data = torch.frombuffer(bytearray(text[:most]), dtype=torch.uint8).long()
    total = count = 0.0
    for start in range(0, len(data) - 1, CONTEXT):
        row = data[start : start + CONTEXT + 1].unsqueeze(0)
        total += float(F.cross_entropy(model(row[:, :-1])[0], row[0, 1:], reduction="sum"))
        count += row.shape[1] - 1
    return total / count / 0.6931471805599453


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--warc", nargs="+", required=True)
    options.add_argument("--urls", help="labels.jsonl.gz: only pages labelled math")
    options.add_argument("--held-out", nargs="+", required=True)
    options.add_argument("--pages", type=int, default=2_000)
    options.add_argument("--steps", type=int, default=2_000)
    options.add_argument("--batch", type=int, default=32)
    options.add_argument("--seeds", type=int, default=3)
    options.add_argument("--most", type=int, default=200_000, help="bytes of a held-out file")
    chosen = options.parse_args()
    texts: dict[str, list[bytes]] = {name: [] for name in EXTRACTORS}
    for url, html in pages(chosen.warc, chosen_urls(chosen.urls), chosen.pages):
        for name, extract in EXTRACTORS.items():
            try:
                texts[name].append(extract(html, url).encode("utf-8", "replace"))
            except Exception as error:  # a page that an extractor cannot read is its loss
                print(f"{name}: {url}: {type(error).__name__}")
    tests = {Path(file).stem: held_out(file) for file in chosen.held_out}
    parameters = sum(weight.numel() for weight in ByteModel().parameters())
    seen = chosen.steps * chosen.batch * CONTEXT
    print(f"{parameters:,} parameters, {seen:,} bytes seen, {chosen.seeds} seeds; bits a byte\n")
    print(f"{'':12} {'bytes':>12} " + " ".join(f"{name:>24}" for name in tests))
    for name, documents in texts.items():
        text = SEPARATOR.join(documents)
        models = [trained(text, chosen.steps, chosen.batch, s) for s in range(chosen.seeds)]
        cells = []
        for test in tests.values():
            found = [bits_a_byte(model, test, chosen.most) for model in models]
            cells.append(f"{statistics.mean(found):.3f} ({min(found):.3f}-{max(found):.3f})")
        print(f"{name:12} {len(text):12,} " + " ".join(f"{cell:>24}" for cell in cells), flush=True)


if __name__ == "__main__":
    main()
