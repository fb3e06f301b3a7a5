"""Files wherever they are: local, S3 or Google Cloud Storage."""

from infimm_spark.store.locations import is_gs, is_s3, join, local_path, normal
from infimm_spark.store.objects import (
    delete_tree,
    exists,
    glob,
    is_folder,
    is_glob,
    is_markup,
    list_files,
    list_folders,
    list_sizes,
    open_stream,
    read_bytes,
    read_range,
    settings,
    write_bytes,
    write_new,
)
from infimm_spark.store.retries import Traffic, configure, shown
from infimm_spark.store.streams import ByteStream

__all__ = [
    "ByteStream",
    "Traffic",
    "configure",
    "delete_tree",
    "exists",
    "glob",
    "is_folder",
    "is_glob",
    "is_gs",
    "is_markup",
    "is_s3",
    "join",
    "list_files",
    "list_folders",
    "list_sizes",
    "local_path",
    "normal",
    "open_stream",
    "read_bytes",
    "read_range",
    "settings",
    "shown",
    "write_bytes",
    "write_new",
]
