"""Where the CPU of the three-step chain goes, statement by statement: `python -m benchmarks.profile [contacts]`."""

import re
import sys
import tempfile
from collections import defaultdict

from benchmarks import passes
from benchmarks.measure import Meter, cpu
from warehouse.engine import Engine

__all__ = ["main"]

SHOWN = 40


class Ledger:
    """CPU seconds and calls by statement; numbers in the names of temporary tables are taken for one."""

    def __init__(self):
        self.spent: dict[str, list[float]] = defaultdict(lambda: [0.0, 0])

    def wrap(self, method):
        """`method(engine, query, …)`, with its CPU booked under the query."""
        def timed(engine, query, *args, **values):
            begun = cpu()
            try:
                return method(engine, query, *args, **values)
            finally:
                plain = " ".join(re.sub(r"--[^\n]*", "", query).split())
                line = self.spent[re.sub(r"_?\d+\b", "_N", plain)[:200]]
                line[0] += cpu() - begun
                line[1] += 1
        return timed

    def show(self, whole: float) -> None:
        """Print the dearest statements first."""
        statements = sum(spent for spent, _ in self.spent.values())
        print(f"{whole:8.2f} CPU-s in all, {statements:.2f} of them in {sum(n for _, n in self.spent.values())} statements")
        for query, (spent, calls) in sorted(self.spent.items(), key=lambda item: -item[1][0])[:SHOWN]:
            print(f"{spent:8.3f} {calls:4d}  {query}")


def main(contacts: int, rendering: bool = False) -> None:
    """One run of the three passes over a new base, with every statement booked."""
    with tempfile.TemporaryDirectory() as folder:
        passes.prepare(None, folder, contacts)
        ledger, meter = Ledger(), Meter()
        Engine.execute, Engine.sql = ledger.wrap(Engine.execute), ledger.wrap(Engine.sql)
        passes.engine(_Booked(meter, ledger), folder, contacts, rendering)
        print("CPU-s of the three passes:", ", ".join(f"{spent:.2f}" for spent, _ in meter.sections))
        ledger.show(meter.figures()["cpu"])


class _Booked:
    """A meter that books statements inside its sections only."""

    def __init__(self, meter: Meter, ledger: Ledger):
        self.meter, self.ledger = meter, ledger
        self.kept: dict = {}

    def __enter__(self):
        self.ledger.spent.clear()
        self.ledger.spent.update(self.kept)
        self.meter.__enter__()

    def __exit__(self, *error) -> None:
        self.meter.__exit__(*error)
        self.kept = dict(self.ledger.spent)

    def __getattr__(self, name):
        return getattr(self.meter, name)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000, "--rendering" in sys.argv)
