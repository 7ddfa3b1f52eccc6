"""Parts in a bucket of S3 or what speaks like it, read through a cache of files on this machine."""

import os
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import boto3
from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from warehouse.store import StoreError

__all__ = ["BucketStore"]

#: Downloads at once; a part is a few megabytes, so that waiting for the first byte is most of the time.
AT_ONCE = 8
#: A file that was asked for within this many seconds may still be opened by whoever asked.
IN_USE = 3600.0


class BucketStore:
    """The parts of a warehouse below s3://bucket/prefix, with the verbs of `FolderStore`.

    Names are unique and never written again, so that nothing needs to be renamed and a cached
    file is never stale. Region, endpoint and credentials are boto3's own (environment, profile,
    role). The cache keeps at most `cache_bytes`, except what was asked for within the hour.
    """

    def __init__(self, bucket: str, prefix: str, cache: Path, *, cache_bytes: int = 20 << 30):
        self.bucket, self.prefix, self.cache, self.cache_bytes = bucket, prefix, Path(cache), cache_bytes
        try:
            self.cache.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"The cache folder {cache} cannot be made ({error.strerror}); "
                             "it holds copies of the parts in the bucket.") from error
        with self._talking("open"):
            self.client = boto3.client("s3", config=Config(retries={"mode": "standard", "max_attempts": 5},
                                                           max_pool_connections=AT_ONCE * 2))

    def reserve(self, tbl: str) -> str:
        """A path nobody else writes to."""
        return f"{tbl}/{uuid.uuid4().hex}.parquet"

    def begin(self, path: str) -> Path:
        """The temporary file to write; `seal` makes it the part."""
        target = self._cached(path)
        target.parent.mkdir(exist_ok=True)
        return target.with_suffix(".tmp")

    def seal(self, path: str) -> int:
        """Upload what was written; returns its bytes. Durable when the bucket has answered; the copy stays here."""
        target = self._cached(path)
        temporary = target.with_suffix(".tmp")
        with self._talking(f"write {path} to"):
            self.client.upload_file(str(temporary), self.bucket, self._key(path))
        os.replace(temporary, target)
        return target.stat().st_size

    def settle(self, paths: list[str]) -> None:
        """Nothing is left to do: a part has had its name from the moment it was durable."""

    def local(self, paths: list[str]) -> list[str]:
        """The same parts as files of this machine, downloaded where they are not here yet."""
        missing = [path for path in paths if not self._touch(path)]
        if missing:
            with ThreadPoolExecutor(min(AT_ONCE, len(missing))) as pool:
                list(pool.map(self._fetch, missing))
            self._make_room()
        return [str(self._cached(path)) for path in paths]

    def holds(self, path: str) -> bool:
        """Whether a part is in the bucket."""
        try:
            with self._talking(f"look for {path} in"):
                self.client.head_object(Bucket=self.bucket, Key=self._key(path))
        except StoreError as error:
            if isinstance(error.__cause__, ClientError) and error.__cause__.response["Error"]["Code"] == "404":
                return False
            raise
        return True

    def drop(self, path: str) -> None:
        """Delete a part, and its copy here; one that is not there is no error."""
        with self._talking(f"delete {path} from"):
            self.client.delete_object(Bucket=self.bucket, Key=self._key(path))
        self._cached(path).unlink(missing_ok=True)
        self._cached(path).with_suffix(".tmp").unlink(missing_ok=True)

    def files(self) -> list[tuple[str, float]]:
        """Every object below the prefix: relative path and when it was written (seconds)."""
        start = len(self._key(""))
        with self._talking("list"):
            pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=self._key(""))
            return [(item["Key"][start:], item["LastModified"].timestamp())
                    for page in pages for item in page.get("Contents", ())]

    # The cache ------------------------------------------------------------------------------------------

    def _cached(self, path: str) -> Path:
        return self.cache / path

    def _touch(self, path: str) -> bool:
        """Whether a copy is here; if so it counts as used now."""
        try:
            os.utime(self._cached(path))
        except FileNotFoundError:
            return False
        return True

    def _fetch(self, path: str) -> None:
        target = self._cached(path)
        target.parent.mkdir(exist_ok=True)
        temporary = target.with_suffix(f".{uuid.uuid4().hex}")  # several processes may fetch the same part
        try:
            with self._talking(f"read {path} from"):
                self.client.download_file(self.bucket, self._key(path), str(temporary))
            os.replace(temporary, target)
        finally:
            temporary.unlink(missing_ok=True)

    def _make_room(self) -> None:
        """Delete the copies used longest ago until the rest fits; what is in use stays."""
        copies = []
        for file in self.cache.glob("*/*.parquet"):
            try:
                found = file.stat()
            except FileNotFoundError:  # another process has made room
                continue
            copies.append((found.st_mtime, found.st_size, file))
        excess = sum(size for _, size, _ in copies) - self.cache_bytes
        for used, size, file in sorted(copies, key=lambda copy: copy[0]):
            if excess <= 0 or used > time.time() - IN_USE:
                return
            file.unlink(missing_ok=True)
            excess -= size

    # The bucket -----------------------------------------------------------------------------------------

    def _key(self, path: str) -> str:
        return f"{self.prefix}/{path}" if self.prefix else path

    @contextmanager
    def _talking(self, what: str) -> Iterator[None]:
        try:
            yield
        except (BotoCoreError, Boto3Error, ClientError) as error:
            raise StoreError(f"Could not {what} s3://{self.bucket}/{self.prefix} ({error}). Check RELANCE_WAREHOUSE_URL, "
                             "and the region, endpoint and credentials that boto3 finds.") from error
