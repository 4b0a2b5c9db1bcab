"""Where the pages of a product are: all of them behind the one address of ``sepbench ui``."""

import os

ADDRESS_VARIABLE = "SEPBENCH_URL"
USUAL_ADDRESS = "http://127.0.0.1:3000"
FRONT, DAGSTER, MLFLOW, REPORT, SONGS = "/", "/dagster", "/mlflow", "/report", "/songs"


def full_address(page: str) -> str:
    """The address of a page for what is not such a page itself, a report on disk; a full one stays as it is.

    >>> full_address("https://elsewhere.org/runs/1")
    'https://elsewhere.org/runs/1'
    """
    if not page.startswith("/"):
        return page
    return os.environ.get(ADDRESS_VARIABLE, USUAL_ADDRESS).rstrip("/") + page
