"""Alerts and board speak of numbers that the code has, and say when they should."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from stack.servers.debian import find_prometheus

ROOT = Path(__file__).parent.parent
PROMETHEUS = ROOT / "deploy/prometheus"
RULES = yaml.safe_load((PROMETHEUS / "alerts.yml").read_text())["groups"][0]["rules"]
TARGETS = yaml.safe_load((PROMETHEUS / "targets/microstore.yml").read_text())
IN_KUBERNETES = (PROMETHEUS / "kubernetes.yml").read_text()
BOARD: dict[str, Any] = json.loads((ROOT / "deploy/grafana/boards/microstore.json").read_text())
CONTAINERS = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
GUIDE = (ROOT / "docs/how-to/respond-to-alerts.md").read_text()
ALERTS = [rule["alert"] for rule in RULES]


def board_expressions() -> list[str]:
    """What the board asks, with a time filled in as Grafana does."""
    targets = [target for panel in BOARD["panels"] for target in panel["targets"]]
    return [target["expr"].replace("$__rate_interval", "1m") for target in targets]


def promtool(*arguments: str | Path) -> str:
    done = subprocess.run(
        [find_prometheus("promtool"), *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def numbers_of_the_code() -> Iterator[str]:
    """The names under which Prometheus knows them."""
    for package in ("microstore", "listings", "transactions"):
        for file in (ROOT / package).rglob("*.py"):
            text = file.read_text()
            for kind, name in re.findall(r'(\w+)\(\s*"(microstore_\w+)"', text):
                ends = ("_bucket", "_sum", "_count") if kind == "Histogram" else ("",)
                yield from (name + end for end in ends)


@pytest.mark.timeout(600)  # the first one may have to install promtool
def test_prometheus_understands_the_configuration() -> None:
    assert f"{len(RULES)} rules found" in promtool("check", "config", PROMETHEUS / "prometheus.yml")


@pytest.mark.timeout(600)
def test_prometheus_understands_that_for_kubernetes(tmp_path: Path) -> None:
    """But for where pods are found: Debian builds it without Kubernetes."""
    discovery = "kubernetes_sd_configs: [{role: pod}]"
    assert discovery in IN_KUBERNETES
    (tmp_path / "alerts.yml").write_bytes((PROMETHEUS / "alerts.yml").read_bytes())
    (tmp_path / "kubernetes.yml").write_text(IN_KUBERNETES.replace(discovery, "static_configs: []"))
    assert f"{len(RULES)} rules found" in promtool("check", "config", tmp_path / "kubernetes.yml")


def test_a_process_bears_the_same_labels_in_kubernetes() -> None:
    for target in TARGETS:
        [address] = target["targets"]
        assert labels_in_kubernetes(address.partition(":")[0]) == target["labels"]


def labels_in_kubernetes(app: str) -> dict[str, str]:
    """What the rules make of a pod's `app`; a regular expression has to fit all of it."""
    [job] = yaml.safe_load(IN_KUBERNETES)["scrape_configs"]
    named = [rule for rule in job["relabel_configs"] if rule["source_labels"][0].endswith("_label_app")]
    return {
        rule["target_label"]: found.expand(rule["replacement"].replace("$1", r"\1"))
        for rule in named
        if (found := re.fullmatch(rule["regex"], app))
    }


@pytest.mark.timeout(600)
def test_each_alert_comes_when_it_should_and_not_before() -> None:
    promtool("test", "rules", PROMETHEUS / "alerts_test.yml")
    tried = (PROMETHEUS / "alerts_test.yml").read_text()
    assert [alert for alert in ALERTS if f'alertname="{alert}"' not in tried] == []


@pytest.mark.timeout(600)
def test_prometheus_understands_what_the_board_asks(tmp_path: Path) -> None:
    rules = [{"record": f"panel:{n}", "expr": expr} for n, expr in enumerate(board_expressions())]
    (tmp_path / "board.yml").write_text(yaml.safe_dump({"groups": [{"name": "board", "rules": rules}]}))
    assert f"{len(rules)} rules found" in promtool("check", "rules", tmp_path / "board.yml")


def test_alerts_and_board_ask_for_numbers_that_the_code_has() -> None:
    there = set(numbers_of_the_code())
    asked = " ".join([*board_expressions(), *(rule["expr"] for rule in RULES)])
    assert set(re.findall(r"microstore_\w+", asked)) - there == set()


def test_the_board_shows_every_number_of_the_code() -> None:
    shown = " ".join(board_expressions())
    names = {re.sub("_(bucket|sum|count)$", "", name) for name in numbers_of_the_code()}
    assert [name for name in names if name not in shown] == []


def unit_of(expression: str) -> str:
    """The unit of a number, as far as its expression says so."""
    if "histogram_quantile" in expression or re.search(r"_seconds\)$|^time\(\)", expression):
        return "s"
    return "ops" if "rate(" in expression and "/" not in expression else ""


def test_each_line_of_the_board_has_its_unit() -> None:
    for panel in BOARD["panels"]:
        field = panel["fieldConfig"]
        own = {each["matcher"]["options"]: each["properties"][0]["value"] for each in field["overrides"]}
        for target in panel["targets"]:
            shown = own.get(target["refId"], field["defaults"]["unit"])
            assert shown == (unit_of(target["expr"]) or shown), (panel["title"], target["expr"])


def test_the_guide_says_of_each_alert_what_to_do() -> None:
    _, _, alerts = GUIDE.partition("\n## Alerts\n")
    sections = dict(re.findall(r"^### (\w+)\n(.+?)(?=^##)", alerts, re.MULTILINE | re.DOTALL))
    assert list(sections) == ALERTS
    for name, text in sections.items():
        assert all(step in text.lower() for step in ("**look**", "**do**", "**worked**")), name


def test_each_alert_names_its_severity_and_its_section_of_the_guide() -> None:
    assert {rule["labels"]["severity"] for rule in RULES} == {"page", "ticket"}
    links = [rule["annotations"]["runbook_url"] for rule in RULES]
    assert links == [f"{{{{ $externalLabels.runbooks }}}}#{alert.lower()}" for alert in ALERTS]
    for configuration in ((PROMETHEUS / "prometheus.yml").read_text(), IN_KUBERNETES):
        assert yaml.safe_load(configuration)["global"]["external_labels"]["runbooks"]


def test_prometheus_asks_every_process_that_counts() -> None:
    asked = {target.partition(":")[0] for group in TARGETS for target in group["targets"]}
    counting = {
        name
        for name, container in CONTAINERS.items()
        if "METRICS_PORT" in container.get("environment", {}) and container["restart"] != "no"
    } - {"flower"}
    assert asked == counting
    together = {name for name, container in CONTAINERS.items() if "metrics" in container.get("networks", [])}
    assert together == counting | {"prometheus", "grafana", "rabbitmq"}


def test_the_gateway_keeps_numbers_to_the_operators() -> None:
    gateway = (ROOT / "deploy/gateway.conf").read_text()
    assert re.search(r"location = /metrics \{\s*return 404;", gateway)
    published = [port for container in CONTAINERS.values() for port in container.get("ports", [])]
    assert [port for port in published if port.endswith(":9100")] == []


def test_the_gateway_lets_no_header_through_that_the_services_believe() -> None:
    gateway = (ROOT / "deploy/gateway.conf").read_text()
    assert "underscores_in_headers off;" in gateway
    assert "ignore_invalid_headers on;" in gateway
    assert "proxy_request_buffering on;" in gateway
    # nginx passes on none of a server's headers to a location that sets one of its own.
    setting = [block for block in re.split(r"\n    (?=location)", gateway) if "proxy_set_header" in block]
    assert len(setting) == 2
    for block in setting:
        headers = dict(re.findall(r"proxy_set_header ([\w-]+) (\S+);", block))
        overwritten = {name: value for name, value in headers.items() if "Forwarded" in name}
        assert overwritten == {
            "X-Forwarded-For": "$remote_addr",
            "X-Forwarded-Proto": "$scheme",
            "X-Forwarded-Host": '""',
            "X-Forwarded-Port": '""',
            "Forwarded": '""',
        }
