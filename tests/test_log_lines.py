"""Lines of programs that are not Django's are JSON in production, too."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from stack.places import ROOT
from stack.ports import choose_ports

DOCKERFILE = (ROOT / "Dockerfile").read_text()


@pytest.mark.timeout(120)
def test_every_line_of_the_web_server_itself_is_json() -> None:
    [configuration] = re.findall(r"GRANIAN_LOG_CONFIG=(\S+)", DOCKERFILE)
    [port] = choose_ports(1)
    granian = str(Path(sys.executable).with_name("granian"))
    command = [granian, "--interface", "wsgi", "--port", str(port), "wsgiref.simple_server:demo_app"]
    variables = {"GRANIAN_LOG_CONFIG": configuration, "MICROSTORE_SERVICE": "listings"}
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=os.environ | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as server:
        assert server.stdout
        lines: list[str] = []
        while not lines or "Started worker-1" not in lines[-1]:
            lines.append(server.stdout.readline())
        server.terminate()
        lines += server.stdout.readlines()
    events = [json.loads(line) for line in lines]
    assert {(event["service"], event["process"]) for event in events} == {("listings", "api")}


def test_the_gateway_writes_json_with_the_trace_and_the_time_of_the_upstream() -> None:
    gateway = (ROOT / "deploy/gateway.conf").read_text()
    written = "".join(re.findall(r"'([^']*)'", gateway[gateway.index("log_format json") :].partition(";")[0]))
    line = json.loads(re.sub(r"\$\w+", "x", written))
    assert {"timestamp", "path", "status", "trace_id", "upstream_seconds"} <= line.keys()
    assert re.search(r"access_log \S+ json;", gateway)
