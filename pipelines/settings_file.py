"""The file with what a person has changed of a profile: ``data/<profile>/settings.toml``.

Every command, page, job and sensor reads it. Commands change it, and so may a person with an editor: what stands in it
stays as it is, comments too.
"""

import re
import textwrap
import tomllib
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from pipelines.setting_values import (
    FOLDER_SETTING,
    TEST_SETS,
    check_together,
    meaning_of,
    override,
    setting_names,
    value_of,
)
from sepmodels.dataset.other_test_sets import with_place
from sepmodels.errors import UserError
from sepmodels.files import replacing
from sepmodels.settings import Profile

HEAD = """\
# Settings of the profile {} in this data folder. Every command, page and job of sepbench reads them here.
# A line that begins with "#" changes nothing. To change a setting, take its "#" away and write another value, or run
# `sepbench settings set -p {} NAME=VALUE`.
"""
MEND = "Mend it, or delete the file, which takes all settings of the profile back."


def read_settings(file: Path, own: Profile, but: Collection[str] = ()) -> Profile:
    """The profile with what its file changes; as it is where there is no file.

    but: settings of the file that are not looked at, because others take their place.

    What settings may be together is not looked at here, since others may be given beside them.

    Raises :class:`UserError`, with the file and the line, for what is no TOML, no setting, or no value of one.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return own
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no UTF-8"
        raise UserError(f"The settings in {file} cannot be read ({reason}). {MEND}") from None
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{file} is no TOML: {error}. {MEND}") from None
    profile = own
    for name, value in _named(found):
        if name in but:
            continue
        written = _as_text(value)
        if name == FOLDER_SETTING and isinstance(value, str) and value not in ("", "none"):
            written = str(file.parent / Path(value).expanduser())  # a relative one is meant from the file's place on
        try:
            if name == TEST_SETS and isinstance(value, list):
                written = ",".join(with_place(str(one), file.parent) for one in value)
            profile = override(profile, name, written, own)
        except UserError as error:
            raise UserError(f"{_place(file, text, name)}: {error} {MEND}") from None
    return profile


def with_file(error: UserError, file: Path, own: Profile) -> UserError:
    """The error, with the file's name where the settings in it cannot be together, whatever others are given."""
    try:
        check_together(read_settings(file, own))
    except UserError as alone:
        if str(alone) == str(error):
            return UserError(f"{file}: {error} {MEND}")
    return error


def change_settings(file: Path, own: Profile, changes: Mapping[str, str | None]) -> None:
    """Write settings into the file, which is made if it is not there.

    own: the profile without changes. changes: by name, a value as text, or None to take the setting out.
    """
    text = file.read_text(encoding="utf-8") if file.exists() else _blank(own)
    for name, wanted in changes.items():
        if wanted is None:
            text = _without(text, name, value_of(own, name))
        else:
            text = _with(text, name, value_of(override(own, name, wanted), name))
    with replacing(file) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _blank(own: Profile) -> str:
    """A file that changes nothing, with a comment for each setting."""
    lines, section = [HEAD.format(own.name, own.name)], ""
    for name in setting_names():
        part, last = _split(name)
        if part != section:
            lines.append(f"[{part}]\n")
            section = part
        lines.append("\n".join(f"# {line}" for line in _wrapped(meaning_of(name))))
        lines.append(f"{_commented(last, value_of(own, name))}\n")
    return "\n".join(lines)


def _wrapped(sentence: str) -> list[str]:
    return textwrap.wrap(sentence[0].upper() + sentence[1:], 110)


def _commented(last: str, value: Any) -> str:
    return f"# {last} = {_as_toml(value)}"


def _with(text: str, name: str, value: Any) -> str:
    """The text with that setting in force."""
    import tomlkit

    part, last = _split(name)
    document = tomlkit.parse(text)
    table = document.get(part, {}) if part else document
    if last not in table and (number := _line_of(text, name, r"# ?")) is not None:
        return _with_line(text, number, f"{last} = {_as_toml(value)}")
    if part and part not in document:
        document[part] = tomlkit.table()
    (document[part] if part else document)[last] = tomlkit.item(_plain(value))
    return tomlkit.dumps(document)


def _without(text: str, name: str, value: Any) -> str:
    """The text with that setting as a comment, which shows the value of the profile."""
    import tomlkit

    part, last = _split(name)
    document = tomlkit.parse(text)
    table = document.get(part, {}) if part else document
    if last not in table:
        return text
    number = _line_of(text, name, "")
    if number is not None:
        shorter = _with_line(text, number, _commented(last, value))
        if _is_toml(shorter):  # the value took no more than this line
            return shorter
    del table[last]
    return tomlkit.dumps(document)


def _named(found: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The settings of a parsed file by dotted name."""
    parts = {_split(name)[0] for name in setting_names()} - {""}
    for name, value in found.items():
        if name in parts and isinstance(value, dict):
            yield from ((f"{name}.{last}", one) for last, one in value.items())
        else:
            yield name, value


def _split(name: str) -> tuple[str, str]:
    """The part of the settings, empty for those of the profile itself, and the name within it."""
    part, _, last = name.rpartition(".")
    return part, last


def _as_text(value: Any) -> str:
    """A value of TOML's as :func:`~pipelines.setting_values.override` reads it."""
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(str, value)) if isinstance(value, list) else str(value).strip()


def _plain(value: Any) -> Any:
    return "none" if value is None else list(value) if isinstance(value, tuple) else value


def _as_toml(value: Any) -> str:
    import tomlkit

    return tomlkit.item(_plain(value)).as_string()


def _line_of(text: str, name: str, before: str) -> int | None:
    """The number of the line, from 0 on, that gives the setting a value.

    before: what the line begins with, as a regular expression.
    """
    part, last = _split(name)
    section = ""
    for number, line in enumerate(text.splitlines()):
        if header := re.match(r"\s*\[([\w.]+)\]", line):
            section = header[1]
        within = last if section == part else name if not section else None
        if within and re.match(rf"\s*{before}{re.escape(within)}\s*=", line):
            return number
    return None


def _with_line(text: str, number: int, line: str) -> str:
    lines = text.splitlines()
    comment = re.search(r"\s+#[^\"']*$", lines[number].lstrip("# "))
    lines[number] = line + (comment[0] if comment else "")
    return "\n".join(lines) + "\n"


def _place(file: Path, text: str, name: str) -> str:
    number = _line_of(text, name, "")
    return str(file) if number is None else f"{file}, line {number + 1}"


def _is_toml(text: str) -> bool:
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False
    return True
