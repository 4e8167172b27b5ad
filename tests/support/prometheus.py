"""A real Prometheus with the rules of deploy/, which scrapes the processes of a market."""

import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from shutil import copytree
from typing import Any

import requests
import yaml

from stack.places import ROOT
from stack.ports import choose_ports
from stack.processes.environment import PORTS
from stack.servers.debian import find_prometheus
from stack.waiting import wait_until

WEB_PORTS = {"api": "{}_PORT", "live": "LIVE_PORT"}


class Prometheus:
    """A client of the HTTP API."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"

    def get(self, path: str, **parameters: str) -> Any:
        """Return the data of a response; empty while Prometheus does not respond."""
        try:
            return requests.get(f"{self.url}/api/v1/{path}", params=parameters, timeout=5).json()["data"]
        except (requests.RequestException, KeyError, json.JSONDecodeError):
            return {}

    def value(self, expression: str) -> list[float]:
        """Return the present values of an expression."""
        return [float(one["value"][1]) for one in self.get("query", query=expression).get("result", [])]


def local_targets(environment: Mapping[str, str]) -> list[dict[str, Any]]:
    """Those of docker-compose.yml, at the ports that the processes have on this machine."""
    file = ROOT / "deploy/prometheus/targets/microstore.yml"
    targets: list[dict[str, Any]] = yaml.safe_load(file.read_text())
    for target in targets:
        service, process = target["labels"]["service"].upper(), target["labels"]["process"]
        port = WEB_PORTS.get(process, f"{{}}_{process.upper()}_METRICS_PORT").format(service)
        assert port in PORTS
        target["targets"] = [f"127.0.0.1:{environment[port]}"]
    return targets


@contextmanager
def watched(folder: Path, environment: Mapping[str, str]) -> Iterator[Prometheus]:
    """Prometheus with the files of deploy/, scraping every second."""
    copytree(ROOT / "deploy/prometheus", folder / "config")
    configuration = folder / "config/prometheus.yml"
    configuration.write_text(configuration.read_text().replace("15s", "1s"))
    (folder / "config/targets/microstore.yml").write_text(yaml.safe_dump(local_targets(environment)))
    (folder / "config/targets/rabbitmq.yml").write_text("[]")
    [port] = choose_ports(1)
    options = [f"--config.file={configuration}", f"--storage.tsdb.path={folder / 'data'}"]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [find_prometheus(), *options, f"--web.listen-address=127.0.0.1:{port}"],
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            prometheus = Prometheus(port)
            assert wait_until(lambda: bool(prometheus.get("targets")), timeout_seconds=60)
            yield prometheus
        finally:
            process.terminate()
            process.wait(30)
