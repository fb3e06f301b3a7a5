"""Croissant 1.0 metadata (JSON-LD) of a Hugging Face folder: its files and columns."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa

from infimm_spark.export.base import Finished
from infimm_spark.export.hf_card import DESCRIPTION, TITLE

_CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
_PARQUET = "application/x-parquet"


def croissant(finished: Finished, schema: pa.Schema) -> str:
    """`croissant.json` for files of this schema."""
    files = "parquet-files"
    content: dict[str, Any] = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "name": "interleaved-mathematics",
        "alternateName": TITLE,
        "description": DESCRIPTION,
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "license": "https://commoncrawl.org/terms-of-use",
        "url": "https://commoncrawl.org",
        "version": "1.0.0",
        "datePublished": finished.date,
        "citeAs": "InfiMM-WebMath-40B, arXiv:2409.12568",
        "distribution": [
            {
                "@type": "cr:FileSet",
                "@id": files,
                "name": files,
                "description": f"{len(finished.shards)} files by snapshot and language.",
                "encodingFormat": _PARQUET,
                "includes": "data/*/*/*.parquet",
            }
        ],
        "recordSet": [
            {
                "@type": "cr:RecordSet",
                "@id": "documents",
                "name": "documents",
                "description": f"{finished.counts.documents} documents.",
                "key": {"@id": "documents/id"},
                "field": [_field("documents", field, files) for field in schema],
            }
        ],
    }
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _field(above: str, field: pa.Field, files: str) -> dict[str, Any]:
    kind = field.type.value_type if pa.types.is_list(field.type) else field.type
    found: dict[str, Any] = {
        "@type": "cr:Field",
        "@id": f"{above}/{field.name}",
        "name": field.name,
    }
    if pa.types.is_list(field.type):
        found["repeated"] = True
    source: dict[str, Any] = {"fileSet": {"@id": files}, "extract": {"column": field.name}}
    if not pa.types.is_struct(kind):
        return {**found, "dataType": _data_type(kind), "source": source}
    found["subField"] = [
        {
            "@type": "cr:Field",
            "@id": f"{above}/{field.name}/{part.name}",
            "name": part.name,
            "dataType": _data_type(part.type),
            "source": {**source, "transform": [{"jsonPath": part.name}]},
        }
        for part in kind
    ]
    return found


def _data_type(kind: pa.DataType) -> str:
    if pa.types.is_boolean(kind):
        return "sc:Boolean"
    if pa.types.is_integer(kind):
        return "sc:Integer"
    if pa.types.is_floating(kind):
        return "sc:Float"
    return "sc:Text"
