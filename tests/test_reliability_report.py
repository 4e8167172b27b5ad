"""docs/reliability.md: a run writes the sections whose faults it has tried, and keeps the others."""

from pathlib import Path

from tests.support.reliability import write_report
from tests.support.rush import Outcome

KILLED, SPLIT = "PostgreSQL of listings killed and started", "three RabbitMQ nodes: split two against one"


def test_a_run_of_machines_keeps_the_table_of_the_others(tmp_path: Path) -> None:
    report = tmp_path / "reliability.md"
    write_report(report, {KILLED: Outcome(purchases=74), SPLIT: Outcome(purchases=1_234)})
    before = report.read_text()
    write_report(report, {SPLIT: Outcome(purchases=5_678)})
    assert report.read_text() == before.replace("1,234", "5,678")
    assert (
        before.index("## Processes")
        < before.index(KILLED)
        < before.index("## Machines")
        < before.index(SPLIT)
    )
