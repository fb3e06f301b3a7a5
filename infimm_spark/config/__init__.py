"""The configuration of a build: sections, defaults, and how files and overrides are read."""

from infimm_spark.config.loading import config_hash, load_config
from infimm_spark.config.models import (
    BoilerplateConfig,
    BuildConfig,
    DedupConfig,
    ExtractConfig,
    IndexConfig,
    InputConfig,
    LengthThreshold,
    MinHashConfig,
    ModelsConfig,
    PublishConfig,
    RejectsConfig,
    RulesConfig,
    S3Access,
    SparkConfig,
    StoreConfig,
    UrlConfig,
    threshold_for,
)

__all__ = [
    "BoilerplateConfig",
    "BuildConfig",
    "DedupConfig",
    "ExtractConfig",
    "IndexConfig",
    "InputConfig",
    "LengthThreshold",
    "MinHashConfig",
    "ModelsConfig",
    "PublishConfig",
    "RejectsConfig",
    "RulesConfig",
    "S3Access",
    "SparkConfig",
    "StoreConfig",
    "UrlConfig",
    "config_hash",
    "load_config",
    "threshold_for",
]
