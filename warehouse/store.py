"""Where parts live: immutable Parquet files in a folder or a bucket, visible once the ledger lists them."""

import os
import uuid
from pathlib import Path
from urllib.parse import urlsplit

__all__ = ["FolderStore", "StoreError", "open_store"]


class StoreError(Exception):
    """A part cannot be written or read."""


class FolderStore:
    """Parts as files below `root`; a path in the manifest is relative to it."""

    def __init__(self, root: Path):
        self.root = Path(root)
        try:
            self.root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"The warehouse folder {root} cannot be made ({error.strerror}). "
                             "Give a folder that can be written in RELANCE_WAREHOUSE_URL.") from error

    def reserve(self, tbl: str) -> str:
        """A path nobody else writes to."""
        return f"{tbl}/{uuid.uuid4().hex}.parquet"

    def begin(self, path: str) -> Path:
        """The temporary file to write; `seal` makes it the part."""
        target = self.root / path
        target.parent.mkdir(exist_ok=True)
        return target.with_suffix(".tmp")

    def seal(self, path: str) -> int:
        """Make what was written durable under its name; returns its bytes."""
        target = self.root / path
        temporary = target.with_suffix(".tmp")
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
            size = os.fstat(file.fileno()).st_size
        os.replace(temporary, target)
        return size

    def settle(self, paths: list[str]) -> None:
        """Make the names themselves durable, once for all the parts of a commit."""
        for folder in {(self.root / path).parent for path in paths}:
            handle = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)

    def local(self, paths: list[str]) -> list[str]:
        """The same parts as files that the engine can open."""
        return [str(self.root / path) for path in paths]

    def holds(self, path: str) -> bool:
        """Whether a part is there."""
        return (self.root / path).exists()

    def drop(self, path: str) -> None:
        (self.root / path).unlink(missing_ok=True)
        (self.root / path).with_suffix(".tmp").unlink(missing_ok=True)

    def files(self) -> list[tuple[str, float]]:
        """Every file below the root: relative path and age mark (modification time, seconds)."""
        found = []
        for path in self.root.glob("*/*"):
            try:
                found.append((str(path.relative_to(self.root)), path.stat().st_mtime))
            except FileNotFoundError:  # another sweeper was here first
                continue
        return found


def open_store(url: str, cache: Path):
    """The store of a folder path, a file: URL or an s3://bucket/prefix URL."""
    parts = urlsplit(url)
    if parts.scheme == "s3":
        from warehouse.bucket import BucketStore  # boto3 costs a third of a second to import

        return BucketStore(parts.netloc, parts.path.strip("/"), cache)
    if parts.scheme in ("", "file"):
        return FolderStore(Path(parts.path))
    raise StoreError(f"RELANCE_WAREHOUSE_URL is {url!r}; accepted: a folder, or s3://bucket/prefix.")
