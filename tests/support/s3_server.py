"""An S3 server for tests on loopback: MinIO where it is installed, else moto's server.

MinIO is one binary that needs no root (`make minio` builds it from its Go module, whose checksums
Go verifies). Of the servers tried it alone honours `If-None-Match: *` also when a multipart upload
is completed; S3A's committers, boto3 and pyarrow all work against it.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ports import free_port

ROOT = Path(__file__).resolve().parents[2]
MISSING = "no minio (MINIO, .tools/bin, PATH); `make minio` builds it where Go is installed"


def find_minio() -> str | None:
    """The server's executable: MINIO's, the one `make minio` built, else the PATH's."""
    built = ROOT / ".tools" / "bin" / "minio"
    named = os.environ.get("MINIO") or (str(built) if built.exists() else "minio")
    return shutil.which(named)


@dataclass
class S3Server:
    """A running server; `environment` is what a client needs to find it."""

    process: subprocess.Popen[bytes]
    port: int
    key: str
    secret: str
    is_real: bool = True
    """MinIO, which checks keys and policies; moto does not."""

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        return {
            "AWS_ACCESS_KEY_ID": self.key,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL_S3": self.endpoint,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_CONFIG_FILE": os.devnull,
        }

    def client(self, **kwargs: Any) -> Any:
        """A boto3 client of the server."""
        import boto3
        from botocore.config import Config

        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id=self.key,
            aws_secret_access_key=self.secret,
            region_name="us-east-1",
            config=Config(s3={"addressing_style": "path"}),
            **kwargs,
        )

    def upload_tree(self, folder: Path, bucket: str) -> None:
        """Make `bucket` with every file below `folder`, keys relative to it."""
        client = self.client()
        client.create_bucket(Bucket=bucket)
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                client.upload_file(str(path), bucket, path.relative_to(folder).as_posix())

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def start(folder: Path) -> S3Server:
    """Start MinIO, keeping its objects in `folder`; without it moto, which keeps them in memory."""
    binary = find_minio()
    port = free_port()
    key, secret = f"test{secrets.token_hex(6)}", secrets.token_hex(20)
    if binary is None:
        command = [sys.executable, "-m", "moto.server", "--host", "127.0.0.1", "--port", str(port)]
        ready = "moto-api/"
        environment = dict(os.environ)
    else:
        command = [binary, "server", str(folder / "objects"), "--quiet"]
        command += ["--address", f"127.0.0.1:{port}"]
        command += ["--console-address", f"127.0.0.1:{free_port()}"]
        ready = "minio/health/ready"
        environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("MINIO", "AWS"))},
            "MINIO_ROOT_USER": key,
            "MINIO_ROOT_PASSWORD": secret,
            "MINIO_BROWSER": "off",
            "MINIO_UPDATE": "off",
            "HOME": str(folder),
        }
    process = subprocess.Popen(
        command,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    server = S3Server(process, port, key, secret, is_real=binary is not None)
    deadline = time.monotonic() + 120
    while True:
        try:
            urllib.request.urlopen(f"{server.endpoint}/{ready}", timeout=2).close()
            return server
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                server.stop()
                raise RuntimeError("the S3 server did not start") from None
            time.sleep(0.1)
