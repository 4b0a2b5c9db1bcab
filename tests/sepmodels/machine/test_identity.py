"""A process is known by its machine, its number and when it began."""

import os
import subprocess
import sys

import pytest

from sepmodels.machine.identity import HOST_VARIABLE, host_of, is_alive, process_named, this_host, this_process


def test_this_process_lives_and_is_of_this_machine() -> None:
    assert is_alive(this_process()) is True
    assert host_of(this_process()) == this_host()
    assert this_process() == process_named(os.getpid())


def test_a_process_that_has_ended_and_one_that_took_its_number_are_not_it() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        named = process_named(process.pid)
        assert is_alive(named) is True
        process.kill()
    assert is_alive(named) is False
    host, number, started = this_process().split()
    assert is_alive(f"{host} {number} {int(started) - 5}") is False
    assert is_alive(f"{host} no number") is False


def test_of_another_machine_nothing_is_known() -> None:
    assert is_alive("elsewhere 1 0.00") is None


@pytest.mark.parametrize(("told", "name"), [("node 7/a", "node-7-a"), ("", None)])
def test_a_machine_has_a_name_that_can_be_a_files(told: str, name: str | None) -> None:
    code = "from sepmodels.machine.identity import this_host; print(this_host())"
    environment = {**os.environ, HOST_VARIABLE: told}
    found = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == (name or this_host())
    assert not set("/ \n") & set(found.stdout.strip())
