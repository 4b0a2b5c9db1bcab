"""A look at a profile's dataset before anything is made of it, or remembered."""

from assets.paths import Paths
from sepmodels.settings import Profile


def require_dataset(profile: Profile, paths: Paths) -> None:
    """Raise :class:`UserError` for a dataset that no run could begin with, by the names of its files; none is decoded.

    A folder that is to have the demo's songs may have no others, and one that is to be fetched wants its licence.
    """
    from assets.making.dataset import dataset_folder  # with pandas, for which no help screen should wait
    from assets.making.public_dataset import is_to_be_fetched, require_licence

    folder = dataset_folder(profile, paths)
    if profile.dataset.layout == "demo":
        # private, because that package's own text is what tells its songs from those of an earlier version
        from sepmodels.dataset.demo import _refuse_strangers, is_complete

        if not is_complete(folder):
            _refuse_strangers(folder.resolve())
    elif is_to_be_fetched(profile, paths):
        require_licence(profile, paths)
    else:
        from sepmodels.dataset.layouts import find_tracks

        find_tracks(folder, profile.dataset)
