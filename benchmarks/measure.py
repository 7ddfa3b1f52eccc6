"""Measure: CPU and wall of the marked part of a fresh process and its children, and its peak memory."""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from statistics import median

__all__ = ["Meter", "medians", "measured"]

ROOT = Path(__file__).parent.parent


class Meter:
    """Adds up the CPU and wall seconds spent inside `with meter:`; `marks` keeps each section apart."""

    def __init__(self):
        self.sections: list[tuple[float, float]] = []

    def __enter__(self):
        self._cpu, self._wall = cpu(), time.perf_counter()
        return self

    def __exit__(self, *_error) -> None:
        self.sections.append((cpu() - self._cpu, time.perf_counter() - self._wall))

    def figures(self) -> dict:
        """cpu and wall in seconds, peak in MB (the largest process), sections as (cpu, wall)."""
        return {"cpu": sum(c for c, _ in self.sections), "wall": sum(w for _, w in self.sections), "peak": peak(),
                "sections": self.sections}


def cpu() -> float:
    """CPU seconds of this process, all threads, and of its ended children."""
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(used.ru_utime + used.ru_stime for used in both)


def peak() -> float:
    """Peak resident memory in MB of the larger: this process or its largest ended child.

    The kernel counts VmHWM afresh when a program is started; ru_maxrss remembers the parent's.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii")
    own = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
    return max(own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) / 1024


def measured(function: str, **values) -> dict:
    """Run `module:function(meter, **values)` in a process of its own; its figures and what it returned as `result`."""
    with tempfile.NamedTemporaryFile(suffix=".json") as answer:
        command = [sys.executable, "-m", "benchmarks.measure", function, json.dumps(values), answer.name]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False,
                              env={**os.environ, "PREFECT_LOGGING_LEVEL": "ERROR"})
        if done.returncode:
            raise RuntimeError(f"{function}({values}) failed:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
        return json.loads(Path(answer.name).read_text(encoding="utf-8"))


def medians(rounds: list[dict]) -> dict:
    """The figures of several rounds as medians; the sections and the result of the last."""
    return {**rounds[-1], **{name: median(one[name] for one in rounds) for name in ("cpu", "wall", "peak")}}


def _child(function: str, values: str, answer: str) -> None:
    module, name = function.split(":")
    work: Callable = getattr(import_module(module), name)
    meter = Meter()
    result = work(meter, **json.loads(values))
    Path(answer).write_text(json.dumps({**meter.figures(), "result": result}), encoding="utf-8")


if __name__ == "__main__":
    _child(*sys.argv[1:])
