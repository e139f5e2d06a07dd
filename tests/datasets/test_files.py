import errno
import os
import subprocess
import sys
import threading

import pytest

from datasets.errors import InputError
from datasets.files import (
    atomic_folder,
    remove_leftovers,
    write_atomically,
    write_compact_json,
    write_compact_list,
    write_json,
)
from datasets.locks import locked
from tests.robustness.holder import held_by_another_process


@pytest.fixture(scope="module")
def dead_process():
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def own_temporary(folder, name):
    """The name of the temporary file that this process writes beside `name`."""
    seen = []
    write_atomically(folder / name, lambda path: (path.write_text("x"), seen.append(path.name)))
    return seen[0]


def test_a_failed_write_leaves_the_file_as_it_was(tmp_path):
    write_json(tmp_path / "a.json", 1)

    def half(path):
        path.write_text("[1, ")
        raise RuntimeError("interrupted")

    with pytest.raises(RuntimeError):
        write_atomically(tmp_path / "a.json", half)
    assert os.listdir(tmp_path) == ["a.json"] and (tmp_path / "a.json").read_text() == "1\n"


def test_a_full_disk_names_the_file_and_the_space(tmp_path):
    def full(path):
        try:
            raise OSError(errno.ENOSPC, "No space left on device")
        finally:
            raise RuntimeError("unexpected pos 704 vs 598")  # as torch does

    with pytest.raises(InputError, match=r"a.pt: found no space to write it, [\d.]+ MiB are free there"):
        write_atomically(tmp_path / "a.pt", full)


def test_leftovers_of_dead_processes_go_those_of_living_ones_stay(tmp_path, dead_process):
    own = own_temporary(tmp_path, "a.json")
    dead = own.replace(str(os.getpid()), str(dead_process))
    other = dead.replace("a.json", "b.json")
    for name in (own, other):
        (tmp_path / name).write_text("half")
    (tmp_path / dead).mkdir()
    write_json(tmp_path / "a.json", 2)
    assert sorted(os.listdir(tmp_path)) == sorted(["a.json", other])
    (tmp_path / own).write_text("half")
    remove_leftovers(tmp_path)
    assert sorted(os.listdir(tmp_path)) == sorted(["a.json", own])


def test_a_folder_appears_whole_or_not_at_all(tmp_path):
    with pytest.raises(ValueError), atomic_folder(tmp_path / "set") as folder:
        (folder / "a").write_text("1")
        raise ValueError
    assert os.listdir(tmp_path) == []
    with atomic_folder(tmp_path / "set") as folder:
        (folder / "a").write_text("1")
        assert not (tmp_path / "set").exists()
    assert os.listdir(tmp_path) == ["set"] and os.listdir(tmp_path / "set") == ["a"]


def test_of_two_writers_of_a_folder_the_first_stays_unless_the_second_replaces_it(tmp_path):
    for overwrite, expected in ((False, "first"), (True, "second")):
        with atomic_folder(tmp_path / "set", overwrite=overwrite) as folder:
            (folder / "name").write_text("second")
            if not overwrite:
                (tmp_path / "set").mkdir()
                (tmp_path / "set" / "name").write_text("first")
        assert (tmp_path / "set" / "name").read_text() == expected
        assert os.listdir(tmp_path) == ["set"]


def test_a_lock_says_who_holds_it_and_is_free_when_the_holder_is_dead(tmp_path):
    folder = tmp_path / "run"
    with held_by_another_process(folder) as holder:
        with pytest.raises(InputError, match=f"run: process {holder.pid} on .* works on it"), locked(folder):
            pass
        holder.kill()
        holder.wait()
        with locked(folder), locked(folder):  # the same process may
            pass
    assert os.listdir(tmp_path) == []


def test_waiting_for_a_lock(tmp_path, capsys):
    with held_by_another_process(tmp_path / "set") as holder:
        threading.Timer(0.3, holder.stdin.close).start()
        with locked(tmp_path / "set", wait=True):
            assert holder.wait(30) == 0
    assert "waiting" in capsys.readouterr().err


@pytest.mark.parametrize("entries", [[], [1, {"a": "b"}, None, 2.5, "é"]])
@pytest.mark.parametrize("name", ["list.json", "list.json.gz"])
def test_a_list_in_blocks_is_written_as_the_whole_list(entries, name, tmp_path):
    write_compact_json(tmp_path / name, entries)
    write_compact_list(tmp_path / "blocks" / name, iter([entries[:2], [], entries[2:]]))
    assert (tmp_path / "blocks" / name).read_bytes() == (tmp_path / name).read_bytes()
