"""Proof by proxy: which extractor's text teaches a small language model most mathematics?

    python benchmarks/proxy_lm.py --warc FILE... --urls labels.jsonl.gz --held-out FILE... \
        --work FOLDER --steps 2000

The same pages are extracted by this package, Trafilatura and Resiliparse. A byte-level transformer
(2 M parameters unless set) is trained on each text, for the same number of bytes and with the same
seeds, on the processor. Printed: bits a byte on the held-out files (a JSON lines file is read by its fields
`question`, `problem` or `text`, with its `solution`; any other file is a text), mean and range over
the seeds. Lower is better. Whatever the result is, it is the result.

Needs torch, trafilatura and hours. The folder keeps the extracted texts and the result of each
trained model, so that a run that was stopped goes on where it was. Held-out files must not come
from the pages.
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

CONTEXT, HEAD, RATE = 256, 32, 3e-3
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

    def __init__(self, width: int, layers: int) -> None:
        super().__init__()
        self.token, self.place = nn.Embedding(256, width), nn.Embedding(CONTEXT, width)
        layer = nn.TransformerEncoderLayer(
            width,
            width // HEAD,
            4 * width,
            dropout=0.0,
            activation="gelu",
            batch_first=True,
            norm_first=True,
        )
        self.blocks = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.last = nn.LayerNorm(width)
        self.head = nn.Linear(width, 256, bias=False)
        self.head.weight = self.token.weight
        for table in (self.token, self.place):  # of one size: a place must not drown its byte
            nn.init.normal_(table.weight, std=0.02)

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
    texts = [
        [next((str(row[f]) for f in fields if row.get(f)), ""), str(row.get("solution") or "")]
        for row in rows
    ]
    return SEPARATOR.join("\n".join(filter(None, text)).encode() for text in texts if any(text))


def extracted(options: argparse.Namespace) -> dict[str, bytes]:
    """Text by extractor: of the pages, or what an earlier run left in the folder."""
    files = {name: options.work / f"{name}.txt" for name in EXTRACTORS}
    if not all(file.exists() for file in files.values()):
        texts: dict[str, list[bytes]] = {name: [] for name in EXTRACTORS}
        for url, html in pages(options.warc, chosen_urls(options.urls), options.pages):
            for name, extract in EXTRACTORS.items():
                try:
                    texts[name].append(extract(html, url).encode("utf-8", "replace"))
                except Exception as error:  # a page that an extractor cannot read is its loss
                    print(f"{name}: {url}: {type(error).__name__}")
        for name, file in files.items():
            file.write_bytes(SEPARATOR.join(texts[name]))
    return {name: file.read_bytes() for name, file in files.items()}


def trained(text: bytes, options: argparse.Namespace, seed: int) -> ByteModel:
    """A model that has seen `steps` x `batch` x 256 bytes, drawn at random from the text."""
    steps, batch = options.steps, options.batch
    torch.manual_seed(seed)
    draw = random.Random(seed)
    model = ByteModel(options.width, options.layers)
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=0.1, betas=(0.9, 0.95))
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, RATE, total_steps=steps, pct_start=0.05
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


def size(options: argparse.Namespace) -> str:
    """Names the models that may be compared: of one shape, trained on as many bytes."""
    return f"{options.width}x{options.layers}-{options.steps}x{options.batch}"


def results(options: argparse.Namespace) -> dict[tuple[str, int], dict[str, float]]:
    """Bits a byte by held-out file, for each extractor and seed; one line of a file for each."""
    texts, tests = (
        extracted(options),
        {Path(file).stem: held_out(file) for file in options.held_out},
    )
    log = options.work / f"results-{size(options)}.jsonl"
    rows = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    found = {(row["extractor"], row["seed"]): row["bits"] for row in rows}
    for seed in range(options.seeds):
        for name, text in texts.items():
            if tests.keys() <= found.get((name, seed), {}).keys():
                continue
            model = trained(text, options, seed)
            bits = {key: bits_a_byte(model, test, options.most) for key, test in tests.items()}
            found[name, seed] = bits
            with log.open("a") as lines:
                print(json.dumps({"extractor": name, "seed": seed, "bits": bits}), file=lines)
            print(f"seed {seed}, {name}: {bits}", flush=True)
    return found


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--warc", nargs="+", required=True)
    options.add_argument("--urls", help="labels.jsonl.gz: only pages labelled math")
    options.add_argument("--held-out", nargs="+", required=True)
    options.add_argument("--work", type=Path, required=True, help="folder for texts and results")
    options.add_argument("--pages", type=int, default=2_000)
    options.add_argument("--steps", type=int, default=2_000)
    options.add_argument("--batch", type=int, default=32)
    options.add_argument("--width", type=int, default=192, help="a multiple of 32")
    options.add_argument("--layers", type=int, default=4)
    options.add_argument("--seeds", type=int, default=3)
    options.add_argument("--threads", type=int, default=0, help="0: all cores")
    options.add_argument("--most", type=int, default=200_000, help="bytes of a held-out file")
    chosen = options.parse_args()
    if chosen.threads:
        torch.set_num_threads(chosen.threads)
    chosen.work.mkdir(parents=True, exist_ok=True)
    found = results(chosen)
    tests = [Path(file).stem for file in chosen.held_out]
    parameters = sum(
        weight.numel() for weight in ByteModel(chosen.width, chosen.layers).parameters()
    )
    seen = chosen.steps * chosen.batch * CONTEXT
    print(f"\n{parameters:,} parameters, {seen:,} bytes seen, {chosen.seeds} seeds; bits a byte\n")
    print(f"{'':12} {'bytes':>12} " + " ".join(f"{name:>24}" for name in tests))
    for name in EXTRACTORS:
        cells = []
        for test in tests:
            bits = [found[name, seed][test] for seed in range(chosen.seeds)]
            cells.append(f"{statistics.mean(bits):.3f} ({min(bits):.3f}-{max(bits):.3f})")
        read = (chosen.work / f"{name}.txt").stat().st_size
        print(f"{name:12} {read:12,} " + " ".join(f"{cell:>24}" for cell in cells), flush=True)


if __name__ == "__main__":
    main()
