"""The configuration of a build: sections, defaults, and how files and overrides are read."""

from infimm_spark.config.decontaminate import DecontaminateConfig, EvaluationSet
from infimm_spark.config.images import FetchConfig, ImagesConfig
from infimm_spark.config.loading import config_hash, config_layers, load_config, override, validated
from infimm_spark.config.models import (
    BoilerplateConfig,
    BuildConfig,
    CallableModel,
    DedupConfig,
    EncoderModel,
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
from infimm_spark.config.shipped import shipped_file, shipped_files, shipped_names
from infimm_spark.config.show import effective_yaml
from infimm_spark.config.yaml_files import read_yaml

__all__ = [
    "BoilerplateConfig",
    "BuildConfig",
    "CallableModel",
    "DecontaminateConfig",
    "DedupConfig",
    "EncoderModel",
    "EvaluationSet",
    "ExtractConfig",
    "FetchConfig",
    "ImagesConfig",
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
    "config_layers",
    "effective_yaml",
    "load_config",
    "override",
    "read_yaml",
    "shipped_file",
    "shipped_files",
    "shipped_names",
    "threshold_for",
    "validated",
]
