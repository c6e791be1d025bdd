"""What `docs/deploy.md` says: its secrets, variables, targets and its overlay are those that there are."""

from __future__ import annotations

import re
import shutil
import subprocess

import yaml
from deployment import ROOT, compose_file, of_kind, services, stages, variables_of_compose

PAGE = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")


def rows(heading):
    """Cells of the table under these words, without its head."""
    lines = PAGE.partition(heading)[2].partition("|---")[2].partition("\n\n")[0].splitlines()[1:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def words(cell):
    return re.findall(r"`([^`]+)`", cell)


def test_every_variable_is_there_and_no_other():
    named = [name for cells in rows("What may be chosen") for name in words(cells[0])]
    assert set(named) == variables_of_compose()
    assert len(set(named)) == len(named)


def test_defaults_are_those_of_the_file():
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    for names, default, _ in rows("What may be chosen"):
        if default in ("none", "the storage beside it") or "S3_PORT" in names:
            continue
        values = default.split(", ")
        for name, value in zip(words(names), values, strict=True):
            assert f"${{{name}:-{value}}}" in text, name


def test_every_secret_is_there():
    table = rows("Every secret is a file")
    assert {name for cells in table for name in words(cells[0])} == set(compose_file()["secrets"])
    told = {
        name for service in services().values() for name in service.get("environment", {}) if name.endswith("_FILE")
    }
    assert {name for cells in table for name in words(cells[2])} == told


def test_secrets_of_kubernetes_are_those_that_are_mounted():
    table = [words(cells[1]) for cells in rows("Every secret is a file") if cells[1]]
    files = {
        (volume["secret"]["secretName"], entry["value"].rpartition("/")[2])
        for workload in of_kind("Deployment").values()
        for container in workload["spec"]["template"]["spec"]["containers"]
        for volume in workload["spec"]["template"]["spec"]["volumes"]
        for entry in container["env"]
        if "secret" in volume and entry["value"].startswith(f"/run/secrets/{volume['name']}/")
    }
    assert {tuple(pair) for pair in table} == files
    created = re.findall(r"create secret generic (\S+) .*", PAGE)
    projected = {
        source["secret"]["name"]
        for volume in of_kind("Deployment")["crawlery-node"]["spec"]["template"]["spec"]["volumes"]
        for source in volume.get("projected", {}).get("sources", ())
    }
    assert set(created) == {secret for secret, _ in files} | projected


def test_targets_and_scripts_exist():
    assert re.findall(r"docker build --target (\w+)", PAGE) == list(stages())[2:]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert all(f"\n{target}: " in makefile for target in re.findall(r"`make ([a-z-]+)`", PAGE))
    assert all((ROOT / name).exists() for name in re.findall(r"scripts/\w+\.sh|docker-compose\S*\.yml|k8s/base", PAGE))


def test_the_overlay_of_the_page_is_one(tmp_path):
    block = re.search(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)[1]
    shutil.copytree(ROOT / "k8s", tmp_path / "crawlery" / "k8s")
    (tmp_path / "kustomization.yaml").write_text(block, encoding="utf-8")
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "crawlery"}}
    (tmp_path / "namespace.yaml").write_text(yaml.safe_dump(namespace), encoding="utf-8")
    made = subprocess.run(
        ["kubectl", "kustomize", str(tmp_path)], capture_output=True, check=True, text=True, timeout=60
    )
    resources = list(yaml.safe_load_all(made.stdout))
    assert {resource["metadata"].get("namespace", "crawlery") for resource in resources} == {"crawlery"}
    images = re.findall(r"image: (\S+)", made.stdout)
    assert sorted(images) == [f"registry.example/crawlery-{name}@sha256:..." for name in ("api", "node", "steward")]
    (config,) = [each for each in resources if each["kind"] == "ConfigMap" and each["metadata"]["name"] == "crawlery"]
    assert config["data"]["STORAGE_URL"] == "s3://my-bucket/crawls"
    assert config["data"]["S3_SSE"] == "AES256"
