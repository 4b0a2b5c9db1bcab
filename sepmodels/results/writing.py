"""Results as files: a page for people, and tables for programs."""

from pathlib import Path

from sepmodels.files import replacing
from sepmodels.results.markdown import results_markdown
from sepmodels.results.results import Results


def write_results(results: Results, folder: Path, beside: str = "") -> dict[str, Path]:
    """Write results.md, and every table as .parquet and .csv, each whole or not at all. Gives the paths by name.

    beside: what follows in results.md.
    """
    tables = {
        "results": results.summary,
        "comparisons": results.comparisons,
        "control": results.control,
        "by_seed": results.by_seed,
    }
    paths = {}
    for name, table in tables.items():
        for suffix, write in ((".parquet", table.to_parquet), (".csv", table.to_csv)):
            paths[name + suffix] = folder / (name + suffix)
            with replacing(folder / (name + suffix)) as temporary:
                write(temporary, index=False)
    paths["results.md"] = folder / "results.md"
    with replacing(paths["results.md"]) as temporary:
        temporary.write_text(results_markdown(results) + (f"\n{beside}" if beside else ""), encoding="utf-8")
    return paths
