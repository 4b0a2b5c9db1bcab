"""Getting a public dataset into the data folder, once its licence is accepted."""

import json
import os
from datetime import UTC, datetime

from assets.paths import Paths
from sepmodels.dataset.public.archives import ARCHIVES, LICENCE, Archive
from sepmodels.errors import UserError, unknown_name
from sepmodels.files import replacing
from sepmodels.marks import no_part_of_a_result
from sepmodels.progress import Progress, Say, silent
from sepmodels.settings import Profile

TOKEN_VARIABLE = "SEPBENCH_DOWNLOAD_TOKEN"
MIRROR_VARIABLE = "SEPBENCH_MIRROR"


def archive_of(profile: Profile) -> Archive | None:
    """The archive that the profile's dataset can be fetched as; raises :class:`UserError` for an unknown one."""
    name = profile.dataset.archive
    if name is not None and name not in ARCHIVES:
        raise unknown_name("archive", name, ARCHIVES)
    return ARCHIVES[name] if name else None


@no_part_of_a_result("how a dataset gets to its folder: what it holds is hashed")
def is_to_be_fetched(profile: Profile, paths: Paths) -> bool:
    """Whether no folder is named, the profile's own is absent or empty, and there is an archive to fetch."""
    if profile.dataset.folder or not profile.dataset.archive:
        return False
    return not paths.dataset.exists() or (paths.dataset.is_dir() and not any(paths.dataset.iterdir()))


@no_part_of_a_result("how a dataset gets to its folder: what it holds is hashed")
def fetch_dataset(profile: Profile, paths: Paths, *, progress: Progress = silent, say: Say = lambda _: None) -> None:
    """Fetch the profile's dataset into its own folder; raises :class:`UserError`, first of all without the licence."""
    from sepmodels.dataset.public.fetch import (
        obtain,  # not at the top: requests takes long to import, and is seldom needed
    )

    archive = require_licence(profile, paths)
    obtain(
        archive,
        paths.dataset,
        token=os.environ.get(TOKEN_VARIABLE, ""),
        mirror=os.environ.get(MIRROR_VARIABLE, ""),
        progress=progress,
        say=say,
    )


def require_licence(profile: Profile, paths: Paths) -> Archive:
    """The archive to fetch; raises :class:`UserError` where there is none, or its licence is not accepted."""
    archive = archive_of(profile)
    if archive is None and profile.dataset.layout == "demo":
        raise UserError("The profile demo makes its songs itself: there is nothing to fetch.")
    if archive is None:
        raise UserError(f"The profile {profile.name} has no dataset to fetch: name its folder with --dataset.")
    if not is_licence_accepted(profile, paths):
        raise UserError(
            f"The dataset ({archive.title}) is not here, and may be used for education and research only: to accept "
            f"its licence and fetch it ({archive.size}), run `sepbench download -p {profile.name} --accept-licence` "
            "(without the flag it shows the licence); or name a folder that has it with --dataset."
        )
    return archive


def accept_licence(profile: Profile, paths: Paths) -> None:
    """Remember in the data folder that the licence of the profile's dataset was accepted, and when."""
    if profile.dataset.archive and not is_licence_accepted(profile, paths):
        accepted = _accepted(paths)
        accepted[profile.dataset.archive] = {"accepted": datetime.now(UTC).isoformat(), "licence": LICENCE}
        with replacing(paths.licences) as temporary:
            temporary.write_text(json.dumps(accepted, indent=1) + "\n", encoding="utf-8")


def is_licence_accepted(profile: Profile, paths: Paths) -> bool:
    """Whether it was accepted as it reads now."""
    return bool(_accepted(paths).get(profile.dataset.archive or "", {}).get("licence") == LICENCE)


def _accepted(paths: Paths) -> dict[str, dict[str, str]]:
    try:
        found = json.loads(paths.licences.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
