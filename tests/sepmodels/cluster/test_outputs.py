"""Where a worker ended before it could tell anything, a person reads what it printed, or where that is."""

from pathlib import Path

from sepmodels.cluster.outputs import printed


def test_the_last_of_it_is_quoted_where_this_machine_sees_it(tmp_path: Path) -> None:
    file = tmp_path / "slurm-7_0.txt"
    assert printed("slurm", "7_0", tmp_path, is_told=False) == f"What it printed is in {file} on its machine."
    file.write_text("\n")
    assert printed("slurm", "7_0", tmp_path, is_told=False) == f"It printed nothing ({file})."
    file.write_text("Traceback ...\nModuleNotFoundError: No module named 'sepmodels'\n\n")
    said = "What it printed last: ModuleNotFoundError: No module named 'sepmodels'"
    assert printed("slurm", "7_0", tmp_path, is_told=False) == f"{said} ({file})"
    assert printed("slurm", "7_0", tmp_path, is_told=True) == f"What it printed is in {file}."
