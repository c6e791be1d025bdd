"""What is taken to be on a disk, with a process that says what it writes and when it syncs."""

import subprocess
import sys

import pytest
from power_loss import SyncedFiles
from preloads import together

WRITES = """
import os, sys
with open(sys.argv[1], "wb", buffering=0) as file:
    for step in sys.argv[2:]:
        name, _, number = step.partition("=")
        if name == "write":
            file.write(b"x" * int(number))
        elif name == "cut":
            os.ftruncate(file.fileno(), int(number))
            file.seek(0, os.SEEK_END)
        else:
            getattr(os, name)(file.fileno())
"""


@pytest.fixture
def disk(tmp_path):
    (tmp_path / "files").mkdir()
    return SyncedFiles(tmp_path / "files", notes=tmp_path / "notes")


@pytest.fixture
def written(disk, tmp_path):
    """`written("write=100", "fsync")` is a file that a process has written so."""

    def write(*steps):
        path = tmp_path / "files" / "file"
        subprocess.run(
            [sys.executable, "-I", "-S", "-c", WRITES, str(path), *steps],
            env=together(disk.environment),
            check=True,
            timeout=20,
        )
        return path

    return write


@pytest.mark.parametrize(
    ("steps", "keep", "left"),
    [
        (["write=100"], 0.0, 0),
        (["write=100"], 1.0, 100),
        (["write=100", "fsync"], 0.0, 100),
        (["write=100", "fdatasync", "write=50"], 0.0, 100),
        (["write=100", "fsync", "write=50"], 0.5, 125),
        (["write=100", "fsync", "write=50", "fsync"], 0.0, 150),
        (["write=100", "fsync", "cut=40", "write=50"], 0.0, 40),
    ],
)
def test_the_disk_has_what_was_synced_and_a_share_of_the_rest(written, disk, steps, keep, left):
    path = written(*steps)
    size = path.stat().st_size
    assert disk.lose(keep=keep) == size - left
    assert path.stat().st_size == left
    assert disk.unsynced() == 0
    assert disk.lose(keep=0) == 0, "what the disk had once it still has"


def test_a_library_that_does_not_compile_says_why(tmp_path, monkeypatch):
    import preloads

    monkeypatch.setattr(preloads, "_SOURCES", tmp_path)
    (tmp_path / "broken.c").write_text("int answer(void) { return nothing; }")
    with pytest.raises(RuntimeError, match="nothing"):
        preloads.built("broken")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RuntimeError, match="test_tools"):
        preloads.built("other")
