"""The job's configuration: pydantic models of `conf/*.yaml`.

Each default names its source: *paper* is InfiMM-WebMath-40B (arXiv 2409.12568), *OWM* OpenWebMath,
*FineWeb* the work the paper follows for MinHash, *ours* this project's own measurement. Unknown keys,
wrong types and impossible values are refused before Spark starts.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

Probability = Annotated[float, Field(ge=0.0, le=1.0)]
PositiveInt = Annotated[int, Field(gt=0)]
Location = Annotated[str, AfterValidator(os.path.expanduser)]
"""A path or URL; a leading `~` is the home directory, as in a shell."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    def replaced(self, **values: Any) -> Self:
        """A copy with other values, validated: `model_copy` would take anything."""
        return type(self).model_validate({**self.model_dump(), **values})


class IndexConfig(_Section):
    """Records chosen by an index, each read by its byte range. Empty lists set no condition."""

    paths: list[Location] = []
    """Folders or files of the columnar index (Parquet), or CDXJ files (`*.cdxj`, `*.cdx`, `.gz`); empty reads
    whole WARC files."""
    mirror: Location = "s3://commoncrawl/"
    """What the index's WARC names are relative to."""
    crawls: list[str] = []
    """Values of the table's partition `crawl`."""
    urls: Location | None = None
    """A text file (`.gz` allowed) with a URL a line: only these, as they are written."""
    hosts: list[str] = []
    domains: list[str] = []
    """Registered domains, or any name: all hosts below it. A page has to be in `hosts` or `domains`."""
    url_patterns: list[str] = []
    """Whole URLs with `*` and `?`."""
    languages: list[str] = []
    """`content_languages` has one of these (`en`, `zh`, or ISO 639-3)."""
    mime: list[str] = ["text/html", "application/xhtml+xml"]
    status: int | None = 200
    max_gap_bytes: Annotated[int, Field(ge=0)] = 1024 * 1024
    """Records no further apart share a request. Ours: at 30 ms to the first byte and 80 MB/s, what passes
    in the time that a request of its own would take is 2.4 MB; half of that, as bytes are inflated too."""


class LengthThreshold(_Section):
    """A classifier's threshold for texts of at least `min_chars` characters."""

    min_chars: Annotated[int, Field(ge=0)]
    threshold: Probability


def threshold_for(length: int, threshold: float, by_length: Sequence[LengthThreshold]) -> float:
    """The threshold of the longest band that `length` reaches; `threshold` where it reaches none."""
    reached = [band for band in by_length if length >= band.min_chars]
    return max(reached, key=lambda band: band.min_chars).threshold if reached else threshold


class InputConfig(_Section):
    """What is read."""

    paths: list[Location] = []
    """WARC files, globs, `warc.paths(.gz)` listings, or roots of a mirror of Common Crawl's bucket."""
    snapshots: list[str] = []
    """Keep only these snapshots of a mirror: names, years (`2023`), ranges (`2022..2023-14`); empty keeps all."""
    segments: list[str] = []
    """Keep only WARC files of segments that match one of these patterns (`1700679*`)."""
    sample: PositiveInt | None = None
    """Read so many WARC files, chosen by a hash of their names and the seed, whatever the listing's order."""
    seed: int = 1
    limit: PositiveInt | None = None
    """Read at most this many WARC files (the first in listing order)."""
    index: IndexConfig = IndexConfig()
    default_snapshot: str = "local"
    """Snapshot name of WARC files whose path does not tell it."""


class S3Access(_Section):
    """How a bucket is reached. Credentials stand in no file of ours: the standard AWS chain gives them."""

    endpoint: str | None = None
    """URL of an S3-compatible server; null is AWS, or AWS_ENDPOINT_URL_S3."""
    region: str | None = None
    """null takes the profile's or AWS_REGION, else us-east-1, where Common Crawl's bucket is."""
    profile: str | None = None
    """A profile of the AWS configuration files."""
    anonymous: bool = False
    """Send unsigned requests even where there are credentials."""
    requester_pays: bool = False
    """Agree to pay for the requests and the transfer."""


class StoreConfig(S3Access):
    """Reading and writing objects; see `S3Access` for the first keys."""

    buckets: dict[str, S3Access] = {}
    """Buckets that are reached in another way than the keys above say."""
    max_connections: PositiveInt | None = None
    """Connections open for reading at the same time, over the whole cluster; null sets no cap. Common
    Crawl asks for moderation: a few dozen from outside AWS's us-east-1."""
    attempts: PositiveInt = 6
    """Tries of one call, and reconnections of a stream without a byte of progress (ours)."""
    connect_timeout_seconds: Annotated[float, Field(gt=0)] = 10.0
    timeout_seconds: Annotated[float, Field(gt=0)] = 60.0
    """Silence on a connection after which it counts as broken."""
    backoff_seconds: Annotated[float, Field(gt=0)] = 0.5
    """The n-th pause is uniform in [0, this · 2^n] (AWS's full jitter)."""
    max_backoff_seconds: Annotated[float, Field(gt=0)] = 20.0

    def access(self, bucket: str) -> S3Access:
        """The settings for one bucket."""
        own = self.buckets.get(bucket)
        return own or S3Access(**{name: getattr(self, name) for name in S3Access.model_fields})

    @property
    def timeouts(self) -> tuple[float, float]:
        """(connecting, silence), seconds."""
        return self.connect_timeout_seconds, self.timeout_seconds


class ModelsConfig(_Section):
    """fastText model files; null takes the ones that come with the package."""

    language: Location | None = None
    recall: Location | None = None
    precision: Location | None = None


class ExtractConfig(_Section):
    """WARC records to documents."""

    languages: list[str] = ["en", "zh"]
    """Paper: English and Chinese."""
    language_threshold: Probability = 0.3
    """Not stated in the paper; OWM uses 0.5, on text with its formulas. Ours, on prose alone: 0.3 lets
    as few pages of other languages through and keeps 98 % of the mathematical ones (0.5: 96 %)."""
    recall_floor: Probability = 0.15
    """Ours: on the quick text; low, so that the threshold can be applied late on the real text."""
    plain_floor: Probability = 0.7
    """Ours: the floor of pages whose source shows no formula of any kind; at or below `recall_floor` there is
    one floor for all."""
    quick_text_chars: PositiveInt = 6000
    """Characters of quick text given to the recall classifier (ours)."""
    max_page_bytes: PositiveInt = 10 * 1024 * 1024
    """A larger decoded page is a `failed` row (Common Crawl cuts at 1 MiB, 5 MiB since 2024)."""
    max_depth: PositiveInt = 2_000
    """Nesting at which a page is refused before parsing (parsers are quadratic in depth)."""
    max_attributes: PositiveInt = 2_000
    """Attributes on one tag at which a page is refused before parsing."""
    page_timeout_seconds: Annotated[float, Field(gt=0)] = 5.0
    """A page that takes longer is ended with its process, named and counted as failed."""
    batch_bytes: PositiveInt = 16 * 1024 * 1024
    """Arrow batches returned to Spark are cut at this size."""
    group_size: PositiveInt = 500
    """WARC files committed together; a crash loses at most the groups in flight."""
    groups_in_flight: PositiveInt = 2
    """Groups worked on at the same time: the next one fills the slots that stragglers leave idle (ours)."""
    group_order: Literal["listing", "reverse", "shuffled"] = "listing"
    """In which order groups are worked on; `reverse` begins with the newest snapshot."""
    file_size_mb: PositiveInt = 128
    """Size to which the small files of a group's tasks are put together (ours; an HDFS block)."""
    compact_above: Annotated[int, Field(ge=0)] = 16
    """Tables of a group with no more files than this are left as the tasks wrote them (ours)."""
    partitions: PositiveInt | None = None
    """Spark partitions of a group; null is one WARC file a task, the batch that a failure costs."""
    max_failure_ratio: Probability = 0.05
    """The job fails when more than this share of records or of files failed."""
    min_failures: Annotated[int, Field(ge=0)] = 100
    """Below this many failed records (or with a single file) the ratio of records is not judged."""


class MinHashConfig(_Section):
    """Near-duplicate detection."""

    enabled: bool = True
    ngram: PositiveInt = 5
    """Paper, FineWeb: word 5-grams."""
    char_ngram: PositiveInt = 10
    """Ours: character n-grams for Chinese, about as long as five words."""
    num_perm: PositiveInt = 112
    """FineWeb: permutations, the values of a signature."""
    bands: PositiveInt = 14
    rows: PositiveInt = 8
    """FineWeb: 14 buckets of 8 hashes; together at most `num_perm`."""
    seed: int = 1
    verify: Literal["shingles", "signature"] = "shingles"
    """What decides on a proposed pair. Ours: 112 hashes tell 0.7 from 0.8 too badly (of the removals
    at a signature threshold of 0.75, 81 % had Jaccard 0.8); sketches of shingles make it 99.8 %."""
    sketch_size: PositiveInt = 512
    """Ours: shingle hashes kept of a document; its Jaccard is exact up to so many, a sample beyond."""
    threshold: Probability = 0.8
    """Ours: a proposed pair is removed only at this verified Jaccard similarity or above."""
    min_shingles: PositiveInt = 10
    """Ours: shorter documents take the exact path only."""
    scope: Literal["snapshot", "pairs", "year", "all"] = "pairs"
    """Paper: inside each snapshot, then neighbouring pairs (`pairs` does both)."""
    bucket_limit: PositiveInt = 64
    """Ours: a bucket compares its members with at most this many survivors, best first."""
    max_iterations: PositiveInt = 100
    """Rounds after which the job fails if more than `local_limit` memberships are open. A bucket of
    documents that resemble each other in nothing takes `bucket_limit` rounds."""
    local_documents: Annotated[int, Field(ge=0)] = 100_000
    """Ours: a run of no more documents, those it is compared with included, is judged in one task from
    the start (about 250 MB of signatures and sketches)."""
    local_limit: Annotated[int, Field(ge=0)] = 500_000
    """Ours: so many bucket memberships are settled in one task (at most 250 MB of signatures)."""

    @model_validator(mode="after")
    def _bands_within_signature(self) -> MinHashConfig:
        if self.bands * self.rows > self.num_perm:
            raise ValueError(
                f"dedup.minhash.bands {self.bands} x rows {self.rows} need {self.bands * self.rows} "
                f"permutations; expected at most num_perm {self.num_perm}"
            )
        return self


class UrlConfig(_Section):
    """URL dedup."""

    enabled: bool = True
    scope: Literal["snapshot", "year", "all"] = "year"
    """Paper: within a year, the more recent page is kept."""


class DedupConfig(_Section):
    """Which copies of a document are removed."""

    recall_threshold: Probability = 0.2
    """High-recall classifier on the extracted text, applied here so that it can be changed late. Paper: 0.4
    with its own model; ours at 0.2 keeps 96 % of the mathematical pages of unseen English sites instead of
    95 %, and passes 6.0 % of the others instead of 5.3 %, which the later steps drop."""
    recall_threshold_by_length: list[LengthThreshold] = []
    """Ours: other thresholds for texts of so many characters and more, since scores depend on length
    (the paper's appendix B); the model card lists calibrated ones. Empty: one threshold for all."""
    exact: bool = True
    prefer: Literal["newer", "older"] = "newer"
    """Paper: of copies in several snapshots the newest survives. `older` suits a corpus that grows
    snapshot by snapshot: what was released stays."""
    against: list[Location] = []
    """Runs whose documents are settled: the new ones are compared with their stored signatures."""
    minhash: MinHashConfig = MinHashConfig()
    url: UrlConfig = UrlConfig()
    partitions: PositiveInt | None = None
    """Shuffle partitions of this stage; null leaves spark.sql.shuffle.partitions."""

    def recall_threshold_at(self, length: int) -> float:
        """The recall threshold of a text of `length` characters."""
        return threshold_for(length, self.recall_threshold, self.recall_threshold_by_length)


class BoilerplateConfig(_Section):
    """Paragraphs repeated across a host (all ours; OWM and MegaMath found that naive removal of repeated
    lines deletes mathematics, so it is off, and formulas and headings always stay)."""

    enabled: bool = False
    min_documents: Annotated[int, Field(ge=2)] = 10
    """A paragraph goes when so many documents of its host bear it,"""
    min_share: Probability = 0.1
    """and they are at least this share of the host's documents."""
    min_chars: PositiveInt = 40
    """Shorter ones ('Proof.', 'Exercises') belong to their page."""


class RulesConfig(_Section):
    """The paper's four rules, one of ours, and the precision classifier."""

    lorem_ipsum_max_chars: Annotated[int, Field(ge=0)] = 2_000
    """'Short' documents with lorem ipsum go; the paper does not say how short (ours)."""
    max_punctuation_ratio: Probability = 0.3
    """Paper; English only."""
    max_nsfw_words: Annotated[int, Field(ge=0)] = 0
    """Paper: any."""
    drop_unicode_errors: bool = True
    """Paper."""
    max_repeated_share: Probability = 0.65
    """Ours: of the sentences' characters, those in sentences said before, numbers apart; 1 drops none.
    Of 2,952 real mathematical pages the most repetitive has 0.54."""
    precision_threshold: Probability = 0.5
    """Not stated in the paper; ours, see the model card's operating points."""
    precision_threshold_by_length: list[LengthThreshold] = []
    """Ours: as `dedup.recall_threshold_by_length`."""

    def precision_threshold_at(self, length: int) -> float:
        """The precision threshold of a text of `length` characters."""
        return threshold_for(length, self.precision_threshold, self.precision_threshold_by_length)


class PublishConfig(_Section):
    """The released corpus."""

    file_size_mb: PositiveInt = 256
    compression: Literal["gzip", "zstd", "snappy"] = "zstd"
    """The release used gzip; zstd is read by the same readers and is smaller and faster (ours)."""


class RejectsConfig(_Section):
    """Which dropped pages are written to `rejects`."""

    fraction: Probability = 1.0
    """Share kept, chosen by a hash of the id so that every stage samples the same pages."""


class SparkConfig(_Section):
    """The session; anything Spark knows may stand in `conf`."""

    master: str | None = None
    """null leaves it to spark-submit; `local[*]` for a smoke test."""
    app_name: str = "infimm-spark"
    platform: Literal["local", "standalone", "yarn", "kubernetes", "emr", "dataproc"] | None = None
    """Where this configuration belongs; another platform refuses it. null runs anywhere."""
    conf: dict[str, str] = {}


class BuildConfig(_Section):
    """A whole run."""

    input: InputConfig = InputConfig()
    output: Location | None = None
    store: StoreConfig = StoreConfig()
    models: ModelsConfig = ModelsConfig()
    extract: ExtractConfig = ExtractConfig()
    dedup: DedupConfig = DedupConfig()
    boilerplate: BoilerplateConfig = BoilerplateConfig()
    rules: RulesConfig = RulesConfig()
    publish: PublishConfig = PublishConfig()
    rejects: RejectsConfig = RejectsConfig()
    spark: SparkConfig = SparkConfig()

    @model_validator(mode="after")
    def _floor_below_threshold(self) -> BuildConfig:
        bands = self.dedup.recall_threshold_by_length
        for name, threshold in (
            ("dedup.recall_threshold", self.dedup.recall_threshold),
            *(("dedup.recall_threshold_by_length", band.threshold) for band in bands),
        ):
            if self.extract.recall_floor > threshold:
                raise ValueError(
                    f"extract.recall_floor {self.extract.recall_floor} lies above "
                    f"{name} {threshold}; expected a floor at or below the threshold"
                )
        return self
