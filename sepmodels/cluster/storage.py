"""A place in object storage, by fsspec: objects that are there whole or not at all."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from sepmodels.cluster.engine import Unreached
from sepmodels.errors import UserError
from sepmodels.files import hash_file

T = TypeVar("T")
CONNECT_SECONDS = 10.0
READ_SECONDS = 60.0


class Storage:
    """What lies below an address, such as ``s3://bucket/prefix``; names are relative to it.

    Raises UserError for an address or a package that is not there, and where access is refused; every method raises
    :class:`Unreached` where the storage does not answer.
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        try:
            from fsspec.core import url_to_fs

            self._fs, root = url_to_fs(self.url, **_options(self.url))
        except ImportError:
            raise UserError(
                f"The storage {self.url} needs a package that is not here: pip install 'sepbench[s3]', on the head and "
                "on the cluster's machines."
            ) from None
        except ValueError as error:
            raise UserError(
                f"The storage {self.url} cannot be ({error}): give one such as s3://bucket/prefix."
            ) from None
        self._root = root.rstrip("/")

    def write(self, name: str, content: Mapping[str, Any]) -> None:
        """Put an object of JSON there in one piece."""
        try:
            self._do(lambda: self._fs.pipe_file(self._path(name), json.dumps(content).encode()))
        except FileNotFoundError:
            raise self._no_bucket() from None

    def read(self, name: str) -> dict[str, Any]:
        """An object of JSON; empty where there is none, or where it is not whole yet."""
        try:
            found = json.loads(self._do(lambda: self._fs.cat_file(self._path(name))))
        except (FileNotFoundError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def upload(self, file: Path, name: str) -> None:
        """Put a file there; until it is there in full, the name is not, or has what it had before."""
        try:
            self._do(lambda: self._fs.put_file(str(file), self._path(name)))
        except FileNotFoundError:
            if not file.exists():
                raise
            raise self._no_bucket() from None

    def download(self, name: str, file: Path, checksum: str) -> bool:
        """Fetch an object into a file; False where it is not there, or is not what the checksum says."""
        try:
            self._do(lambda: self._fs.get_file(self._path(name), str(file)))
        except FileNotFoundError:
            return False
        return hash_file(file) == checksum

    def size(self, name: str) -> int | None:
        """The bytes of an object; None where there is none."""
        try:
            return int(self._do(lambda: self._fs.info(self._path(name)))["size"])
        except FileNotFoundError:
            return None

    def names_below(self, name: str) -> list[str]:
        """The names of what lies right below a name: of objects, and of folders."""
        try:
            found = self._do(lambda: self._fs.ls(self._path(name), detail=False))
        except FileNotFoundError:
            return []
        return sorted(one.rstrip("/").rpartition("/")[2] for one in found)

    def copy(self, name: str, other: str) -> None:
        """Copy an object there, without fetching it."""
        self._do(lambda: self._fs.cp_file(self._path(name), self._path(other)))

    def remove(self, name: str) -> None:
        """Remove an object, or all that lie below the name."""
        try:
            self._do(lambda: self._fs.rm(self._path(name), recursive=True))
        except FileNotFoundError:
            return

    def _no_bucket(self) -> UserError:
        return UserError(f"There is no bucket at {self.url}: make it, or name another one.")

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    def _do(self, work: Callable[[], T]) -> T:
        try:
            return work()
        except (FileNotFoundError, UserError):
            raise
        except PermissionError as error:
            raise UserError(f"The storage {self.url} refuses access ({error}): check its credentials.") from None
        except Exception as error:  # of whatever library fsspec uses for it
            if "Credentials" in type(error).__name__:
                raise UserError(
                    f"There are no credentials for {self.url}: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or "
                    "what your storage has in their place."
                ) from None
            said = next(iter(str(error).splitlines()), "") or type(error).__name__
            raise Unreached(f"The storage {self.url} does not answer: {said.rstrip('.')}.") from None


def blob(checksum: str) -> str:
    """The name of what has a checksum."""
    return f"blobs/{checksum[:2]}/{checksum}"


def _options(url: str) -> dict[str, Any]:
    """How an implementation of fsspec is to look: not into lists of before; and an answer does not take minutes."""
    protocol = url.partition("://")[0]
    if protocol in ("s3", "s3a"):
        from fsspec.config import conf

        given = conf.get(protocol, {}).get("config_kwargs", {})
        patience = {"connect_timeout": CONNECT_SECONDS, "read_timeout": READ_SECONDS}
        return {"use_listings_cache": False, "config_kwargs": {**patience, **given}}
    return {"auto_mkdir": True} if protocol == "file" else {}
