"""What the two platforms of AWS share: a prefix in a bucket, and settings kept in its record."""

from __future__ import annotations

from typing import ClassVar, Generic, TypeVar

from infimm_spark.cloud.api import bucket_and_folder
from infimm_spark.cloud.aws import Aws
from infimm_spark.cloud.platforms import Platform

Settings = TypeVar("Settings")


class AwsPlatform(Platform, Generic[Settings]):
    """A platform whose jobs read Common Crawl from its bucket."""

    config = "emr"
    input = "s3://commoncrawl"
    trust_service: ClassVar[str]
    """The service that the job's role trusts."""
    settings_type: type[Settings]

    api: Aws

    def __init__(self, api: Aws, prefix: str, settings: Settings | None = None) -> None:
        super().__init__(api, prefix)
        self.bucket, self.folder = bucket_and_folder(prefix, "s3")
        self._settings = settings

    @property
    def settings(self) -> Settings:
        """Those given to prepare, else those it recorded."""
        if self._settings is None:
            self._settings = self.settings_type(**self.remembered().tuples())
        return self._settings
