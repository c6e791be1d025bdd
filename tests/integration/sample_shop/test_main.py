"""The command line of the shop, as its own process."""

import os
import signal
import socket
import subprocess
import sys
from urllib.request import urlopen

import pytest

COMMAND = (sys.executable, "-m", "crawler.sample_shop")
BUFFERED = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_says_its_address_and_stops_cleanly(number):
    with subprocess.Popen(
        [*COMMAND, "--products", "15"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=BUFFERED
    ) as process:
        url = process.stdout.readline().strip()
        with urlopen(url) as page:
            assert page.status == 200
        process.send_signal(number)
        rest, errors = process.communicate(timeout=20)
    assert (process.returncode, rest, errors) == (0, "", "")


def test_a_folder_is_served_instead(tmp_path):
    (tmp_path / "index.html").write_text("saved")
    with subprocess.Popen([*COMMAND, "--directory", str(tmp_path)], stdout=subprocess.PIPE, text=True) as process:
        with urlopen(process.stdout.readline().strip()) as page:
            assert page.read() == b"saved"
        process.terminate()
        process.communicate(timeout=20)
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["--products", "3"], "ask for 15 or more"), (["--directory", "/no/such"], "no such folder")],
)
def test_what_cannot_be_started_is_one_line(arguments, message):
    done = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_taken_port_is_one_line():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [*COMMAND, "--products", "15", "--port", port], capture_output=True, text=True, check=False, timeout=30
        )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
