"""A zip file that is no pack, or is not to be trusted, is refused in one sentence before anything of it is used."""

import io
import stat
import zipfile
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import sepmodels.packing.container as container
from sepmodels.errors import UserError
from sepmodels.packing.container import MANIFEST, opened_pack, write_pack


def zipped(folder: Path, *members: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    file = folder / "some.zip"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in members:
            target.writestr(name, content)
    return file


def refusal(file: Path) -> str:
    with pytest.raises(UserError) as refused, opened_pack(file):
        pass
    return str(refused.value)


def link(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd", "results/../../outside", "..\\outside", "a\nb"])
def test_a_name_that_leads_out_of_the_pack_is_refused(tmp_path: Path, name: str) -> None:
    assert "leads out of the pack, is no plain file or is encrypted: do not use it" in refusal(
        zipped(tmp_path, (name, b""))
    )


def test_a_link_and_a_name_that_comes_twice_are_refused(tmp_path: Path) -> None:
    assert "'results' , which" not in refusal(zipped(tmp_path, (link("results"), b"/etc")))
    with pytest.warns(UserWarning, match="Duplicate name"):
        twice = zipped(tmp_path, ("a", b"1"), ("a", b"2"))
    assert "holds 'a' twice" in refusal(twice)


def test_what_is_no_zip_file_or_not_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.zip").write_text("a text")
    assert "text.zip is no pack (File is not a zip file): name a zip file" in refusal(tmp_path / "text.zip")
    assert "none.zip is no pack (No such file or directory)" in refusal(tmp_path / "none.zip")


def test_a_bomb_is_refused_by_what_it_says_of_its_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = zipped(tmp_path, ("zeros", bytes(3_000_000)))
    assert file.stat().st_size < 10_000
    monkeypatch.setattr(container, "MOST_PART_BYTES", 1_000_000)
    with opened_pack(file) as pack, pytest.raises(UserError, match="a zeros of more than 1 MB: it is no such part"):
        pack.read("zeros")
    monkeypatch.setattr(container, "MOST_BYTES", 2_000_000)
    assert "no pack does" in refusal(file)


def test_a_small_table_that_says_one_value_a_billion_times_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    into = io.BytesIO()
    pq.write_table(pa.table({"value": pa.array([1.0] * 100_000)}), into)
    monkeypatch.setattr(container, "MOST_VALUES", 50_000)
    with (
        opened_pack(zipped(tmp_path, ("t.parquet", into.getvalue()))) as pack,
        pytest.raises(UserError, match=r"a t.parquet of more than 50,000 values: it is no such table"),
    ):
        pack.table("t.parquet")


def test_a_damaged_part_is_named(tmp_path: Path) -> None:
    file = zipped(tmp_path, ("a.json", b"{}" * 1000))
    content = bytearray(file.read_bytes())
    content[45] ^= 0xFF
    file.write_bytes(content)
    with opened_pack(file) as pack, pytest.raises(UserError, match=r"is damaged at a\.json"):
        pack.read("a.json")


def test_what_is_read_is_what_was_written_and_the_hash_is_that_of_the_content(tmp_path: Path) -> None:
    table = tmp_path / "t.parquet"
    pd.DataFrame({"a": [1, 2]}).to_parquet(table)
    parts = {"results/t.parquet": table, "pack.json": b'{"format": 1}'}
    one, two = (write_pack(parts, tmp_path / name) for name in ("one.zip", "two.zip"))
    with opened_pack(tmp_path / "one.zip") as pack:
        assert pack.hash == one == two
        assert pack.names == [MANIFEST, "pack.json", "results/t.parquet"]
        assert pack.json("pack.json") == {"format": 1}
        assert pack.table("results/t.parquet").a.tolist() == [1, 2]
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


def test_the_manifest_can_be_checked_without_sepbench(tmp_path: Path) -> None:
    import shutil
    import subprocess

    write_pack({"a": b"1", "b c": b"2"}, tmp_path / "one.zip")
    shutil.unpack_archive(tmp_path / "one.zip", tmp_path / "out")
    subprocess.run(["sha256sum", "--check", "--strict", MANIFEST], cwd=tmp_path / "out", check=True)
