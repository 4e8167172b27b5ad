"""A file that names a process by its pid and start time, since pids are given again."""

from pathlib import Path

from stack.processes.process_table import Process, find_process


class PidFile:
    """Remembers one process beyond the life of whoever started it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, pid: int) -> None:
        """Remember the process that has this pid now."""
        self.clear()
        if process := find_process(pid):
            # At once: a reader must not take half a file for a process that is gone.
            draft = self.path.with_suffix(".draft")
            draft.write_text(f"{process.pid} {process.start}\n")
            draft.replace(self.path)

    def read(self) -> Process | None:
        """Return the process if it lives: not one that was given its pid later."""
        try:
            pid, start = self.path.read_text().split(None, 1)
        except (FileNotFoundError, ValueError):
            return None
        process = find_process(int(pid))
        return process if process and process.start == start.strip() else None

    def clear(self) -> None:
        self.path.unlink(missing_ok=True)
