"""Rules for the workflows and the hooks, beside those of the linters that `make lint-deploy` runs."""

from __future__ import annotations

import re

import pytest
import yaml
from deployment import ROOT, stages, workflows


@pytest.fixture(params=[(name, job) for name, workflow in workflows().items() for job in workflow["jobs"]])
def job(request):
    name, job = request.param
    return workflows()[name]["jobs"][job]


def steps():
    return [step for workflow in workflows().values() for job in workflow["jobs"].values() for step in job["steps"]]


def test_there_is_one_for_changes_one_for_main_and_one_for_nights():
    assert list(workflows()) == ["main.yml", "nightly.yml", "pr.yml"]


def test_each_night_crawls_are_compared_with_those_of_the_record():
    assert "make bench-compare </dev/null" in [
        step.get("run") for step in workflows()["nightly.yml"]["jobs"]["crawls"]["steps"]
    ]


def test_jobs_may_read_the_code_and_nothing_else(job):
    assert job["permissions"] == {"contents": "read"}
    assert all(workflow["permissions"] == {} for workflow in workflows().values())


def test_jobs_end_by_themselves(job):
    assert 5 <= job["timeout-minutes"] <= 90


def test_a_newer_run_takes_the_place_of_an_older_one_where_nothing_is_lost():
    assert workflows()["pr.yml"]["concurrency"]["cancel-in-progress"] is True
    assert workflows()["main.yml"]["concurrency"]["cancel-in-progress"] is False


def test_actions_are_commits_and_say_which_version_they_are():
    text = "".join(path.read_text(encoding="utf-8") for path in (ROOT / ".github" / "workflows").iterdir())
    used = re.findall(r"uses: (.*)", text)
    assert used
    assert [line for line in used if not re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)] == []
    assert len(set(used)) == 2  # one version of each


def test_the_clone_keeps_no_credentials():
    clones = [step for step in steps() if step.get("uses", "").startswith("actions/checkout@")]
    assert clones
    assert all(step["with"]["persist-credentials"] is False for step in clones)


def test_nobodys_words_are_put_into_a_script():
    assert not [step for step in steps() if "${{" in step.get("run", "")]


@pytest.mark.parametrize("name", ["main.yml", "pr.yml"])
def test_everything_that_is_run_by_hand_is_run_there(name):
    runs = [step.get("run", "") for job in workflows()[name]["jobs"].values() for step in job["steps"]]
    assert any(".ci/run" in run for run in runs)
    assert "make audit" in runs


def test_ci_runs_the_targets_of_the_makefile():
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"^make (\S+)$", script, re.MULTILINE)
    assert targets[0] == "test"
    assert all(f"\n{target}: " in makefile for target in targets)


def test_all_images_are_built_on_main():
    assert workflows()["main.yml"]["jobs"]["image"]["strategy"]["matrix"]["target"] == list(stages())[2:]


def test_hooks_run_what_the_makefile_runs_and_fetch_nothing():
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    assert [repo["repo"] for repo in config["repos"]] == ["local"]
    hooks = {hook["stages"][0]: hook for hook in config["repos"][0]["hooks"]}
    assert {stage: hook["entry"] for stage, hook in hooks.items()} == {
        "pre-commit": "make lint",
        "pre-push": "make test-fast",
    }
    assert all(hook["language"] == "system" for hook in hooks.values())
