"""Rules for `k8s/base`: what each pod may, what it is asked, and who may talk to it."""

from __future__ import annotations

import ipaddress
import json
import subprocess
from functools import partial

import pytest
import yaml
from click.testing import CliRunner
from deployment import BASE, ROOT, compose_file, manifests, of_kind, stages

from crawler.cli.main import cli
from crawler.egress import addresses
from crawler.scrapyd.app import _LAST_WORDS_S, FAREWELL_S

WORKLOADS = sorted(of_kind("Deployment", "StatefulSet"))
COMPONENTS = ("api", "steward", "node")


@pytest.fixture(params=WORKLOADS)
def workload(request):
    return of_kind("Deployment", "StatefulSet")[request.param]


@pytest.fixture
def pod(workload):
    return workload["spec"]["template"]["spec"]


@pytest.fixture
def container(pod):
    (container,) = pod["containers"]
    return container


@pytest.fixture
def component(workload):
    return workload["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/component"]


def labels_of_pods():
    return [workload["spec"]["template"]["metadata"]["labels"] for workload in of_kind("Deployment").values()]


def fits(selector, labels):
    """Whether a selector takes these labels."""
    wanted = selector.get("matchLabels", {})
    terms = selector.get("matchExpressions", [])
    assert all(term["operator"] == "In" for term in terms)
    return all(labels.get(name) == value for name, value in wanted.items()) and all(
        labels.get(term["key"]) in term["values"] for term in terms
    )


def policies(direction, labels):
    """Rules of one direction for pods with these labels."""
    chosen = [
        policy["spec"]
        for policy in of_kind("NetworkPolicy").values()
        if direction.title() in policy["spec"]["policyTypes"] and fits(policy["spec"]["podSelector"], labels)
    ]
    return chosen, [rule for spec in chosen for rule in spec.get(direction, [])]


def milli(quantity):
    return int(quantity.removesuffix("m")) if quantity.endswith("m") else 1000 * int(quantity)


def mebi(quantity):
    return int(quantity[:-2]) * {"Mi": 1, "Gi": 1024}[quantity[-2:]]


def mount_of(container, path):
    """The mount that holds a path."""
    found = [mount for mount in container["volumeMounts"] if path.startswith(f"{mount['mountPath']}/")]
    assert found, f"{path} is in no mount"
    return found[0]


def test_the_three_components_are_there():
    assert WORKLOADS == ["crawlery-api", "crawlery-node", "crawlery-steward"]
    assert set(of_kind("PodDisruptionBudget")) == set(WORKLOADS)
    assert set(of_kind("HorizontalPodAutoscaler")) == {"crawlery-api"}
    assert set(of_kind("Service")) == {"crawlery-api"}


def test_the_base_names_no_namespace_and_changes_nothing_that_it_lists():
    assert not [resource for resource in manifests() if "namespace" in resource["metadata"]]
    kustomization = yaml.safe_load((BASE / "kustomization.yaml").read_text(encoding="utf-8"))
    assert set(kustomization) == {"apiVersion", "kind", "resources"}


def test_every_file_of_the_folder_is_listed():
    kustomization = yaml.safe_load((BASE / "kustomization.yaml").read_text(encoding="utf-8"))
    assert {*kustomization["resources"], "kustomization.yaml"} == {path.name for path in BASE.iterdir()}


def test_no_two_resources_have_one_name():
    names = [(resource["kind"], resource["metadata"]["name"]) for resource in manifests()]
    assert len(set(names)) == len(names)


def test_every_resource_says_what_it_belongs_to():
    for resource in manifests():
        assert resource["metadata"]["labels"]["app.kubernetes.io/part-of"] == "crawlery", resource["metadata"]["name"]


def test_selectors_take_the_pods_of_their_own_workload_and_no_others(workload):
    takes = [labels for labels in labels_of_pods() if fits(workload["spec"]["selector"], labels)]
    assert takes == [workload["spec"]["template"]["metadata"]["labels"]]


@pytest.mark.parametrize("name", sorted(of_kind("PodDisruptionBudget")))
def test_a_budget_takes_the_pods_of_its_name_and_lets_some_go(name):
    spec = of_kind("PodDisruptionBudget")[name]["spec"]
    (labels,) = [labels for labels in labels_of_pods() if fits(spec["selector"], labels)]
    assert labels["app.kubernetes.io/component"] == name.removeprefix("crawlery-")
    replicas = of_kind("Deployment")[name]["spec"].get("replicas") or autoscaler()["spec"]["minReplicas"]
    assert spec.get("minAvailable", 0) < replicas
    assert spec.get("maxUnavailable", 1) != 0


def autoscaler():
    return of_kind("HorizontalPodAutoscaler")["crawlery-api"]


def test_what_scales_by_itself_has_no_number_of_replicas_that_each_apply_would_set_back():
    scaled = autoscaler()["spec"]["scaleTargetRef"]["name"]
    for name, workload in of_kind("Deployment").items():
        assert ("replicas" in workload["spec"]) is (name != scaled)
    assert 2 <= autoscaler()["spec"]["minReplicas"] < autoscaler()["spec"]["maxReplicas"]


def test_two_of_each_run_so_that_one_may_go(workload):
    assert workload["spec"].get("replicas", 2) >= 2


def test_pods_of_one_kind_keep_apart(pod, workload):
    (spread,) = pod["topologySpreadConstraints"]
    assert spread["topologyKey"] == "kubernetes.io/hostname"
    assert spread["labelSelector"] == workload["spec"]["selector"]


def test_pods_run_as_a_user_that_is_not_root_and_is_the_images(pod):
    context = pod["securityContext"]
    assert context["runAsNonRoot"]
    user = f"{context['runAsUser']}:{context['runAsGroup']}"
    assert stages()["runtime"].all("USER") == [user] == ["10001:10001"]
    assert context["fsGroup"] == context["runAsGroup"]


def test_pods_have_the_seccomp_profile_of_the_runtime(pod, container):
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert "seccompProfile" not in container["securityContext"]


def test_containers_may_do_nothing_that_the_restricted_standard_forbids(pod, container):
    context = container["securityContext"]
    assert context == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert not {"hostNetwork", "hostPID", "hostIPC", "hostUsers"} & set(pod)
    assert not [port for port in container.get("ports", []) if "hostPort" in port]
    assert {kind for volume in pod["volumes"] for kind in volume} <= {
        "name", "emptyDir", "secret", "configMap", "projected",
    }  # fmt: skip


def test_pods_have_no_token_of_kubernetes(pod):
    assert not pod["automountServiceAccountToken"]
    assert not of_kind("ServiceAccount")[pod["serviceAccountName"]]["automountServiceAccountToken"]
    assert not pod["enableServiceLinks"]


def test_requests_and_limits_are_said_and_fit(container):
    requests, limits = container["resources"]["requests"], container["resources"]["limits"]
    assert set(requests) == set(limits) == {"cpu", "memory", "ephemeral-storage"}
    assert milli(requests["cpu"]) <= milli(limits["cpu"])
    for kind in ("memory", "ephemeral-storage"):
        assert mebi(requests[kind]) <= mebi(limits[kind])


def test_what_may_be_written_is_limited_and_fits_the_limit_of_the_pod(pod, container):
    folders = [volume["emptyDir"] for volume in pod["volumes"] if "emptyDir" in volume]
    sizes = [mebi(folder["sizeLimit"]) for folder in folders]
    assert sum(sizes) <= mebi(container["resources"]["limits"]["ephemeral-storage"])
    written = {mount["mountPath"] for mount in container["volumeMounts"] if not mount.get("readOnly")}
    assert written == {"/tmp", "/var/lib/crawlery"}  # as the Dockerfile says


def test_a_node_has_a_slot_for_each_processor_of_its_limit():
    (container,) = of_kind("Deployment")["crawlery-node"]["spec"]["template"]["spec"]["containers"]
    slots = container["args"][container["args"].index("--slots") + 1]
    assert 1000 * int(slots) == milli(container["resources"]["limits"]["cpu"])


def test_every_container_is_asked_three_questions(container):
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[probe]["timeoutSeconds"] >= 2, probe
        assert {"httpGet", "exec"} & set(container[probe]), probe


def test_no_container_is_restarted_because_something_else_is_away(container, component):
    """`/ready` of the API and of a node ask the store; the file of a steward and `/health` do not."""
    probe = container["livenessProbe"]
    assert probe == {**container["startupProbe"], **probe}
    if component == "api":
        assert probe["httpGet"] == {"path": "/health", "port": "http"}
    else:
        assert probe["exec"]["command"][2] in ("alive", "fresh")


def test_whoever_takes_work_is_asked_whether_it_is_ready():
    for name in ("crawlery-api", "crawlery-node"):
        (container,) = of_kind("Deployment")[name]["spec"]["template"]["spec"]["containers"]
        assert container["readinessProbe"]["httpGet"] == {"path": "/ready", "port": "http"}


def test_probes_are_commands_and_ports_that_the_image_has(container, component):
    ports = {port["name"]: port["containerPort"] for port in container.get("ports", [])}
    exposed = {int(port) for port in stages()[component].all("EXPOSE")}
    assert set(ports.values()) == exposed
    hooks = [container[probe] for probe in ("startupProbe", "readinessProbe", "livenessProbe")]
    hooks += list(container.get("lifecycle", {}).values())
    for hook in hooks:
        if "httpGet" in hook:
            assert hook["httpGet"]["port"] in ports
        if "exec" in hook:
            program, script, *words = hook["exec"]["command"]
            assert (program, script) == ("python", "/usr/share/crawlery/probe.py")
            assert all(f":{port}/" in word for word in words if word.startswith("http") for port in exposed)


def test_a_steward_touches_the_file_that_is_looked_at():
    (container,) = of_kind("Deployment")["crawlery-steward"]["spec"]["template"]["spec"]["containers"]
    file = container["args"][container["args"].index("--alive") + 1]
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[probe]["exec"]["command"][3] == file


def test_a_node_has_time_to_give_back_its_pages():
    spec = of_kind("Deployment")["crawlery-node"]["spec"]["template"]["spec"]
    pre_stop, poller, presence = 5, 1, 2
    drain_s = FAREWELL_S + 2 * _LAST_WORDS_S + pre_stop + poller + presence
    assert drain_s < spec["terminationGracePeriodSeconds"] <= 120
    assert spec["containers"][0]["lifecycle"]["preStop"]["exec"]["command"][2] == "drain"
    assert int(compose_file()["services"]["node"]["stop_grace_period"].removesuffix("s")) > drain_s


def test_an_api_gets_no_new_requests_before_it_ends():
    spec = of_kind("Deployment")["crawlery-api"]["spec"]["template"]["spec"]
    sleep_s = spec["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert sleep_s >= 5
    assert spec["terminationGracePeriodSeconds"] >= sleep_s + 30


def test_a_rollout_of_what_serves_or_crawls_takes_nothing_away_first():
    for name in ("crawlery-api", "crawlery-node"):
        rolling = of_kind("Deployment")[name]["spec"]["strategy"]["rollingUpdate"]
        assert rolling["maxUnavailable"] == 0
        assert rolling["maxSurge"] not in (0, "0%")


def test_images_have_a_version_that_does_not_move(container, component):
    name, _, tag = container["image"].partition(":")
    assert name == f"crawlery-{component}"
    assert tag
    assert tag != "latest"
    assert container.get("imagePullPolicy") is None  # of a version that does not move: if it is not there


def test_the_version_is_that_of_the_package(container):
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert f'version = "{container["image"].partition(":")[2]}"' in text


def test_arguments_are_those_of_a_command_that_exists(container, component):
    assert container["args"][0] == component
    answer = CliRunner().invoke(cli, [component, "--help"])
    assert answer.exit_code == 0
    assert all(word in answer.output for word in container["args"] if word.startswith("--"))


def test_no_secret_is_written_down():
    assert not of_kind("Secret")
    values = [value for resource in of_kind("ConfigMap").values() for value in resource["data"].items()]
    for workload in of_kind("Deployment").values():
        for container in workload["spec"]["template"]["spec"]["containers"]:
            values += [(entry["name"], entry.get("value", "")) for entry in container.get("env", [])]
    for name, value in values:
        secret = any(
            word in name for word in ("PASSWORD", "TOKEN", "PEPPER", "SECRET", "REDIS_URL", "CREDENTIALS", "AUDIT_KEY")
        )
        if name == "CRAWLERY_SECRETS_DIR":  # a folder, which says nothing
            continue
        assert not secret or (name.endswith("_FILE") and value.startswith("/run/secrets/")), name


def test_every_file_of_a_secret_is_in_a_volume_of_a_secret_that_only_its_component_reads(pod, container):
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    files = [entry["value"] for entry in container["env"] if entry["name"].endswith("_FILE")]
    assert files
    for file in files:
        mount = mount_of(container, file)
        assert mount["readOnly"]
        assert volumes[mount["name"]]["secret"]["defaultMode"] == 0o440


def test_what_recipes_log_in_with_is_for_nodes_alone_and_no_pod_waits_for_it(pod, container, component):
    found = [volume["projected"] for volume in pod["volumes"] if "projected" in volume]
    if component != "node":
        assert found == []
        return
    assert found == [{"defaultMode": 0o400, "sources": [{"secret": {"name": "crawlery-sites", "optional": True}}]}]
    (folder,) = [one["value"] for one in container["env"] if one["name"] == "CRAWLERY_SECRETS_DIR"]
    mount = mount_of(container, f"{folder}/local.shop_password")
    assert (mount["name"], mount["mountPath"], mount["readOnly"]) == ("sites", folder, True)


def test_secrets_of_a_component_are_its_own(pod, component):
    named = {volume["secret"]["secretName"] for volume in pod["volumes"] if "secret" in volume}
    assert named == {"crawlery-store", "crawlery-storage", f"crawlery-{component}"}


def test_configuration_that_is_named_is_there(pod, container):
    for source in container["envFrom"]:
        assert source["configMapRef"]["name"] in of_kind("ConfigMap")
    assert {mount["name"] for mount in container["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}


def test_values_of_a_config_map_are_texts():
    for resource in of_kind("ConfigMap").values():
        assert all(isinstance(value, str) for value in resource["data"].values())


def test_names_of_the_configuration_are_those_that_compose_uses():
    used = {name for service in compose_file()["services"].values() for name in service.get("environment", {})}
    used |= {"CRAWLERY_LOG_JSON"}  # in the image
    for resource in of_kind("ConfigMap").values():
        assert set(resource["data"]) <= used


@pytest.mark.parametrize("component", COMPONENTS)
@pytest.mark.parametrize("direction", ["ingress", "egress"])
def test_nothing_is_allowed_that_is_not_said(component, direction):
    labels = next(labels for labels in labels_of_pods() if labels["app.kubernetes.io/component"] == component)
    chosen, rules = policies(direction, labels)
    assert chosen
    for rule in rules:
        assert rule.get("from" if direction == "ingress" else "to"), "a rule without a peer allows all of them"
        assert rule.get("ports"), "a rule without ports allows all of them"
        assert {} not in rule.get("from", rule.get("to"))


def test_one_policy_denies_everything_to_every_pod_whatever_the_others_say():
    spec = of_kind("NetworkPolicy")["crawlery-default-deny"]["spec"]
    assert set(spec) == {"podSelector", "policyTypes"}
    assert spec["policyTypes"] == ["Ingress", "Egress"]
    assert all(fits(spec["podSelector"], labels) for labels in labels_of_pods())


def test_nobody_can_connect_to_a_steward_and_only_named_neighbours_to_the_others():
    for labels in labels_of_pods():
        _, rules = policies("ingress", labels)
        component = labels["app.kubernetes.io/component"]
        ports = {port["port"] for rule in rules for port in rule["ports"]}
        assert ports == {int(port) for port in stages()[component].all("EXPOSE")}
        assert all(set(peer) == {"namespaceSelector"} for rule in rules for peer in rule["from"])


def test_every_component_finds_names_and_the_store():
    for labels in labels_of_pods():
        ports = {port["port"] for rule in policies("egress", labels)[1] for port in rule["ports"]}
        assert {53, 6379, 8333} <= ports


def open_blocks(labels):
    return [peer["ipBlock"] for rule in policies("egress", labels)[1] for peer in rule["to"] if "ipBlock" in peer]


def test_crawls_reach_what_the_egress_rules_call_public_and_nothing_else():
    special = [network for network, _ in (*addresses._SPECIAL_IPV4, *addresses._SPECIAL_IPV6)]
    for labels in labels_of_pods():
        blocks = open_blocks(labels)
        assert [block["cidr"] for block in blocks] == ["0.0.0.0/0", str(addresses._GIVEN_OUT)]
        for block in blocks:
            whole = ipaddress.ip_network(block["cidr"])
            kept = {ipaddress.ip_network(other) for other in block["except"]}
            inside = [network for network in special if network.version == whole.version and network.subnet_of(whole)]
            assert all(any(network.subnet_of(other) for other in kept) for network in inside)
            assert kept <= set(inside)


def test_only_nodes_reach_other_ports_of_the_internet_than_that_of_a_storage():
    for labels in labels_of_pods():
        rules = [rule for rule in policies("egress", labels)[1] if any("ipBlock" in peer for peer in rule["to"])]
        wide = [port for rule in rules for port in rule["ports"] if port != {"protocol": "TCP", "port": 443}]
        assert bool(wide) is (labels["app.kubernetes.io/component"] == "node")


def test_what_kubectl_makes_of_the_base_is_what_is_listed():
    """The rules above read the files themselves."""
    made = subprocess.run(["kubectl", "kustomize", str(BASE)], capture_output=True, check=True, text=True, timeout=60)
    rendered = list(yaml.safe_load_all(made.stdout))
    as_text = partial(json.dumps, sort_keys=True)
    assert sorted(map(as_text, rendered)) == sorted(map(as_text, manifests()))
