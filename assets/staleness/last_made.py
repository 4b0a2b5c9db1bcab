"""The last materialization of each asset, as Dagster has recorded it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import dagster as dg

from assets.staleness.acceptance import Acceptance, acceptances

PARTS = "code_version_parts"
CARRIED = "carried_over_from_run"
FILES = "file_sizes"  # of the products that are folders
_FILES_BEFORE = "files"  # as it was called once: a step's own figures may be called so, and were overwritten
SECONDS = "seconds_to_make"
RECORDS = "records"  # what is compared with when a part of the product is made again
TOLD = "told_of"  # of a product that tells which others were accepted: what it says

_CODE_VERSION = "dagster/code_version"
_DATA_VERSION = "dagster/data_version"
_INPUT = "dagster/input_data_version/"


@dataclass(frozen=True)
class LastMade:
    """The last materialization of an asset."""

    tags: Mapping[str, str]
    metadata: Mapping[str, dg.MetadataValue]
    run_id: str

    @property
    def code_version(self) -> str:
        return self.tags.get(_CODE_VERSION, "")

    @property
    def data_version(self) -> str:
        return self.tags.get(_DATA_VERSION, "")

    @property
    def made_by(self) -> str:
        """The run that made it, where later ones carried it over."""
        carried = self.metadata.get(CARRIED)
        return str(carried.value) if carried else self.run_id

    @property
    def inputs(self) -> dict[dg.AssetKey, str]:
        """The data versions that it was made from."""
        return {
            dg.AssetKey(tag.removeprefix(_INPUT).split("/")): version
            for tag, version in self.tags.items()
            if tag.startswith(_INPUT)
        }

    @property
    def acceptances(self) -> list[Acceptance]:
        """Those that it rests on, oldest first."""
        return acceptances(self.metadata)

    def noted(self, name: str) -> dict:
        """A note of names and values; empty where there is none."""
        value = self.metadata.get(name, self.metadata.get(_FILES_BEFORE) if name == FILES else None)
        noted = value.value if isinstance(value, dg.JsonMetadataValue) else None
        return noted if isinstance(noted, dict) else {}


NEVER = LastMade({}, {}, "")


def last_made(keys: Iterable[dg.AssetKey], instance: dg.DagsterInstance) -> dict[dg.AssetKey, LastMade]:
    """Of each asset that has been made, its last materialization."""
    found = {}
    for record in instance.get_asset_records(list(keys)):
        event = record.asset_entry.last_materialization
        if event and event.asset_materialization:
            product = event.asset_materialization
            found[record.asset_entry.asset_key] = LastMade(product.tags or {}, product.metadata, event.run_id)
    return found
