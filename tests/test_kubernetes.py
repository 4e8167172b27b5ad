"""The manifests fit their schemas, run what the Procfile runs, and give no process more than it needs."""

import re
from ipaddress import ip_address, ip_network

import kubernetes_validate
import pytest

from microstore.contracts.registry import QUEUES
from stack.places import ROOT
from stack.processes.procfile import PROCESSES, SERVICES
from stack.processes.secret_holders import HOLDERS
from stack.servers.patroni import PARAMETERS
from stack.servers.rabbitmq_cluster import CLUSTER
from tests.support.compose_file import (
    CONTAINERS,
    DOCKERFILE,
    OURS,
    core,
    process_words,
    variables_of_the_settings,
)
from tests.support.manifests import (
    FOLDER,
    NAMED,
    OBJECTS,
    PODS,
    budgets,
    container_of,
    render,
    told_to,
)

VERSIONS = ("1.30", "1.37")
MIGRATIONS, CHECKS = ({f"{service}-{job}" for service in SERVICES} for job in ("migrate", "in-flight"))
INNER = (
    "10.0.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "169.254.169.254",
    "172.31.0.1",
    "192.168.0.1",
    "::1",
    "fd00::1",
    "fe80::1",
)
NOWHERE = "postgres:///nowhere"
WATCHED = [name for name in OURS if CONTAINERS[name]["restart"] != "no" and name != "flower"]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", NAMED)
def test_an_object_fits_its_schema(name: str, version: str) -> None:
    kubernetes_validate.validate(NAMED[name], version, strict=True)


@pytest.mark.parametrize("name", PROCESSES)
def test_every_process_has_a_deployment_that_runs_the_same(name: str) -> None:
    assert f"Deployment {name}" in NAMED, f"deploy/kubernetes lacks {name}"
    assert list(core(container_of(name)["command"])) == list(core(process_words(PROCESSES[name])))


def test_a_deployment_finds_its_own_pods_and_so_does_each_service_and_budget() -> None:
    for found in OBJECTS:
        name, spec = found["metadata"]["name"], found.get("spec", {})
        if found["kind"] == "Deployment":
            assert spec["selector"]["matchLabels"] == spec["template"]["metadata"]["labels"] == {"app": name}
        if found["kind"] in ("Service", "PodDisruptionBudget") and name != "closed":
            selector = spec["selector"].get("matchLabels", spec["selector"])
            assert f"Deployment {selector['app']}" in NAMED


def test_what_must_not_all_go_at_once_has_a_budget_and_a_second_pod() -> None:
    specs = [(found["metadata"]["name"], found.get("spec", {})) for found in OBJECTS]
    doubled = {name for name, spec in specs if spec.get("replicas", spec.get("minReplicas")) == 2}
    assert doubled == budgets()
    assert {"listings-api", "listings-relay", "transactions-worker"} <= doubled


@pytest.mark.parametrize("name", PODS)
def test_a_changed_configuration_is_rolled_out(name: str) -> None:
    """The hash of what is in it is part of its name, so the pod that names it changes with it."""
    volumes = [volume["configMap"]["name"] for volume in PODS[name]["volumes"] if "configMap" in volume]
    sources = [
        source["configMapRef"]["name"]
        for source in container_of(name).get("envFrom", [])
        if "configMapRef" in source
    ]
    for configuration in {*volumes, *sources} - {"fees-code"}:
        assert f"ConfigMap {configuration}" in NAMED
        assert re.search(r"-[0-9a-z]{10}$", configuration)


def test_what_runs_twice_is_not_all_on_one_node() -> None:
    for name in budgets():
        spread = PODS[name]["topologySpreadConstraints"]
        assert [each["labelSelector"]["matchLabels"] for each in spread] == [{"app": name}]


def test_each_queue_s_worker_grows_with_its_queue() -> None:
    """KEDA's own types are in none of the schemas."""
    with_keda = {f"{found['kind']} {found['metadata']['name']}": found for found in render("keda")}
    scaled = [found["spec"] for found in with_keda.values() if found["kind"] == "ScaledObject"]
    queues = {trigger["metadata"]["queueName"] for spec in scaled for trigger in spec["triggers"]}
    assert queues == set(QUEUES)
    for spec in scaled:
        # A number of pods here would undo KEDA's at each apply.
        deployment = with_keda[f"Deployment {spec['scaleTargetRef']['name']}"]
        assert "replicas" not in deployment["spec"]
        [command] = [
            container["command"] for container in deployment["spec"]["template"]["spec"]["containers"]
        ]
        assert spec["triggers"][0]["metadata"]["queueName"] in command


def test_its_servers_are_set_up_as_those_that_lose_machines() -> None:
    """The operators' own types are in none of the schemas."""
    servers = {found["metadata"]["name"]: found for found in render("servers")}
    assert {found["metadata"].get("namespace", found["metadata"]["name"]) for found in servers.values()} == {
        "microstore-servers"
    }
    broker = servers["rabbitmq"]["spec"]
    assert broker["rabbitmq"]["additionalConfig"] == CLUSTER
    assert (broker["image"], broker["replicas"]) == (CONTAINERS["rabbitmq"]["image"], 3)
    databases = {
        found["spec"]["bootstrap"]["initdb"]["database"]: found["spec"]
        for found in servers.values()
        if found["kind"] == "Cluster"
    }
    assert databases.keys() == {
        container["environment"]["POSTGRES_DB"]
        for container in CONTAINERS.values()
        if "POSTGRES_DB" in container.get("environment", {})
    }
    for database in databases.values():
        assert database["postgresql"]["synchronous"] == {
            "method": "any",
            "number": 1,
            "dataDurability": "required",
        }
        assert database["postgresql"]["parameters"] == {
            name: str(PARAMETERS[name]) for name in ("max_connections", "timezone")
        }
        assert database["affinity"]["podAntiAffinityType"] == "required"
    [redis] = servers["redis"]["spec"]["template"]["spec"]["containers"]
    assert redis["image"] == CONTAINERS["redis"]["image"]


def test_pictures_are_served_as_by_the_gateway() -> None:
    served = re.compile(r"location /media/ \{\n(.*?)\n\s*\}", re.DOTALL)
    [here] = served.findall((FOLDER / "base/processes/media.conf").read_text())
    assert served.findall((ROOT / "deploy/gateway.conf").read_text()) == [here]
    assert container_of("media")["image"] == CONTAINERS["gateway"]["image"]


@pytest.mark.parametrize("name", PODS)
def test_no_container_has_rights_or_a_disk_to_write_to(name: str) -> None:
    pod, security = PODS[name], container_of(name)["securityContext"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["automountServiceAccountToken"] is False
    assert security["readOnlyRootFilesystem"]
    assert security["allowPrivilegeEscalation"] is False
    assert security["capabilities"] == {"drop": ["ALL"]}
    assert container_of(name)["resources"]["requests"]
    assert container_of(name)["resources"]["limits"]["memory"]


@pytest.mark.parametrize("name", [name for name in PODS if f"Deployment {name}" in NAMED])
def test_a_process_is_probed(name: str) -> None:
    assert "livenessProbe" in container_of(name)
    ports = {port["name"] for port in container_of(name).get("ports", [])}
    if "http" in ports and name != "flower":
        assert "readinessProbe" in container_of(name)


# Of Flower there is one, and a quarter of one, the default, is none.
@pytest.mark.parametrize(
    "name", [name for name in PODS if f"Deployment {name}" in NAMED and name != "flower"]
)
def test_no_process_is_taken_away_before_its_successor_is_ready(name: str) -> None:
    assert NAMED[f"Deployment {name}"]["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


@pytest.mark.parametrize("name", WATCHED)
def test_a_process_that_compose_asks_about_its_work_is_asked_the_same(name: str) -> None:
    kind, *asked = CONTAINERS[name]["healthcheck"]["test"]
    if kind == "CMD-SHELL":
        command = ["sh", "-c", asked[0].replace("$$", "$")]
        # A rollout stops at a worker that does not consume, since it is not ready.
        for probe in ("livenessProbe", "readinessProbe"):
            assert container_of(name)[probe]["exec"]["command"] == command


@pytest.mark.parametrize("name", WATCHED)
def test_prometheus_finds_every_process_that_counts(name: str) -> None:
    annotations = NAMED[f"Deployment {name}"]["spec"]["template"]["metadata"]["annotations"]
    [port] = [port for port in container_of(name)["ports"] if port["name"] == "metrics"]
    assert annotations["prometheus.io/scrape"] == "true"
    assert annotations["prometheus.io/port"] == str(port["containerPort"]) == told_to(name)["METRICS_PORT"]


def test_what_runs_in_compose_runs_here_too() -> None:
    running = {name for name in OURS if CONTAINERS[name]["restart"] != "no"}
    jobs = {name for name in OURS if CONTAINERS[name]["restart"] == "no"}
    assert {f"Deployment {name}" for name in running} <= set(NAMED)
    demonstration = {"listings-seed", "transactions-seed"}
    assert {name for name in jobs if not {f"Job {name}", f"CronJob {name}"} & set(NAMED)} == demonstration


@pytest.mark.parametrize("name", [name for name in OURS if name in PODS])
def test_a_process_is_told_what_it_is_told_in_compose(name: str) -> None:
    """But for what is passed on where it is set, and what is safe by default."""
    told = {variable for variable, value in CONTAINERS[name]["environment"].items() if value is not None}
    assert told - set(told_to(name)) <= {"SECURE_SSL_REDIRECT"}


@pytest.mark.parametrize("secret", HOLDERS)
def test_a_secret_is_given_to_those_who_use_it(secret: str) -> None:
    holders = {name for name in PODS if told_to(name).get(secret, NOWHERE) != NOWHERE}
    # Redis for limits is the channel layer's here.
    assert holders & set(PROCESSES) == (HOLDERS[secret] if secret != "LIMITS_URL" else set())
    jobs = {name for name in PODS if f"Deployment {name}" not in NAMED}
    once = {"BROKER_URL": jobs - MIGRATIONS, "DATABASE_URL": jobs}
    assert holders - set(PROCESSES) == once.get(secret, set())


def test_the_image_runs_as_the_user_of_the_manifests() -> None:
    [user] = re.findall(r"^USER (\d+)$", DOCKERFILE, re.MULTILINE)
    ours = [PODS[name] for name in PODS if "/microstore:" in container_of(name)["image"]]
    assert {pod["securityContext"]["runAsUser"] for pod in ours} == {int(user)}


def test_secrets_are_named_and_never_contained() -> None:
    assert not [name for name in NAMED if name.startswith("Secret ")]
    told = {
        variable
        for found in OBJECTS
        if found["kind"] == "ConfigMap" and not found["metadata"]["name"].startswith("media-server")
        for variable in found["data"]
    }
    assert not [name for name in told if re.search("KEY|PASSWORD|DATABASE|BROKER|AUTH", name)]
    assert told <= variables_of_the_settings()
    documented = (FOLDER / "README.md").read_text()
    for secret in re.findall(r"secret(?:Ref|KeyRef): {name: ([\w-]+)", read_all()):
        assert f"`{secret}`" in documented


def owners_of(variable: str) -> set[str]:
    """The pods that get this variable of whoever owns the tables or the broker."""
    given = {name: container_of(name).get("env", []) for name in PODS}
    return {
        name
        for name, variables in given.items()
        if any(each["name"] == variable and "microstore-owners" in str(each) for each in variables)
    }


def test_only_what_changes_tables_knows_the_owner() -> None:
    assert owners_of("DATABASE_URL") == MIGRATIONS


def test_only_what_declares_or_reads_all_queues_is_an_administrator_of_the_broker() -> None:
    assert owners_of("BROKER_URL") == {"topology", *CHECKS}


def test_each_service_s_messages_in_flight_are_checked_once_before_a_release() -> None:
    for service in SERVICES:
        name = f"{service}-in-flight"
        assert container_of(name)["command"] == ["python", "manage.py", "contracts", "check", "--in-flight"]
        assert told_to(name)["MICROSTORE_SERVICE"] == service
        assert NAMED[f"Job {name}"]["spec"]["backoffLimit"] == 0


def test_only_the_api_of_the_listings_can_sign_tokens() -> None:
    assert [name for name in PODS if "microstore-signing" in str(container_of(name))] == ["listings-api"]


def test_the_ingress_closes_what_the_gateway_closes() -> None:
    gateway = (ROOT / "deploy/gateway.conf").read_text()
    closed = re.findall(r"location (?:= )?(/\w+)/? \{\s*return 404;", gateway)
    [rule] = NAMED["Ingress listings"]["spec"]["rules"]
    nowhere = {
        path["path"] for path in rule["http"]["paths"] if path["backend"]["service"]["name"] == "closed"
    }
    assert nowhere == set(closed) != set()
    assert "selector" not in NAMED["Service closed"]["spec"]


def test_a_port_is_open_to_those_who_use_it_alone() -> None:
    policies = [found["spec"] for found in OBJECTS if found["kind"] == "NetworkPolicy"]
    assert {"podSelector": {}, "policyTypes": ["Ingress"]} in policies
    opened = {
        (policy["podSelector"].get("matchLabels", {}).get("app", "any"), port["port"])
        for policy in policies
        for rule in policy.get("ingress", [])
        for port in rule["ports"]
    }
    served = {
        (name, port["name"])
        for name in PODS
        for port in container_of(name).get("ports", [])
        if port["name"] == "http" and name != "flower"  # which is reached by port-forward
    }
    assert opened == served | {("any", "metrics")}
    assert all(rule["from"] for policy in policies for rule in policy.get("ingress", []))


def test_what_calls_addresses_of_users_reaches_no_inner_network() -> None:
    policy = NAMED["NetworkPolicy webhooks-deliver"]["spec"]
    assert policy["podSelector"] == {"matchLabels": {"app": "webhooks-deliver"}}
    names, database, internet = policy["egress"]
    assert {port["port"] for rule in (names, database) for port in rule["ports"]} == {53, 5432}
    assert {port["port"] for port in internet["ports"]} == {443, 8443}
    allowed = [block["ipBlock"] for block in internet["to"]]
    for address in INNER:
        inside = [block for block in allowed if ip_address(address) in ip_network(block["cidr"])]
        assert all(
            any(ip_address(address) in ip_network(each) for each in block["except"]) for block in inside
        )


def read_all() -> str:
    """The text of all manifests."""
    return "\n".join(file.read_text() for file in sorted(FOLDER.rglob("*.yaml")))
