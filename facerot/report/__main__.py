"""The command `python -m facerot.report`: runs -> tables, figures, verdicts, one HTML page."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from facerot.command import command


@dataclass
class Report:
    """Which study is told of; see conf/report.yaml."""

    study: str
    outputs: str


def report(asked: Report) -> None:
    """Read one study, write its report, say what is in it."""
    from facerot.report.sections import find  # Matplotlib takes seconds: only for work
    from facerot.report.write import summary, write_report
    from facerot.runs.study import read_study

    found = find(read_study(Path(asked.outputs), asked.study))
    index = write_report(found)
    print(summary(found))
    print(f"Open {index}")


main = command("report", Report, report)

if __name__ == "__main__":
    main()
