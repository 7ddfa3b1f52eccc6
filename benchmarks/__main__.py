"""`python -m benchmarks`: measure the rows of the table against their floors, and write the page."""

import argparse
import os
import tempfile
from pathlib import Path

from benchmarks.page import page
from benchmarks.rows import ROWS, Bench
from benchmarks.server import QUIET

DEFAULT = "10000,100000,1000000"


def main() -> None:
    """Read the command line, measure, print, and write where asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--contacts", default=DEFAULT, help=f"sizes of the base (default {DEFAULT})")
    parser.add_argument("--ten-million", action="store_true", help="also ten million contacts, one round")
    parser.add_argument("--rows", default=",".join(map(str, ROWS)), help=f"of {', '.join(map(str, ROWS))} (default: all)")
    parser.add_argument("--write", type=Path, help="write the page here, such as docs/benchmarks.md")
    asked = parser.parse_args()
    sizes = sorted({int(size) for size in asked.contacts.split(",")} | ({10_000_000} if asked.ten_million else set()))
    rows = [int(row) for row in asked.rows.split(",")]
    if unknown := set(rows) - set(ROWS):
        parser.error(f"--rows names {sorted(unknown)}; accepted: {', '.join(map(str, ROWS))}")
    # Neither a house nor a Prefect server of whoever runs this takes part.
    for name in [name for name in os.environ if name.startswith(("RELANCE_", "PREFECT_"))]:
        del os.environ[name]
    os.environ.update(QUIET)
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as folder:
        os.environ["PREFECT_HOME"] = f"{folder}/prefect"
        bench = Bench(Path(folder), sizes, tell=lambda line: print(line, flush=True))
        for row in rows:
            ROWS[row](bench)
    if asked.write:
        asked.write.write_text(page(bench, _command(asked)), encoding="utf-8")
        print(f"written: {asked.write}")
    missed = [line.what for line in bench.lines if line.holds is False]
    asked_of = sum(line.holds is not None for line in bench.lines)
    print("\n- ".join([f"{len(missed)} of {asked_of} targets missed", *missed]))


def _command(asked: argparse.Namespace) -> str:
    words = ["python -m benchmarks"]
    words += [f"--contacts {asked.contacts}"] if asked.contacts != DEFAULT else []
    words += ["--ten-million"] if asked.ten_million else []
    words += [f"--rows {asked.rows}"] if asked.rows != ",".join(map(str, ROWS)) else []
    return " ".join([*words, f"--write {asked.write.name if asked.write.is_absolute() else asked.write}"])


if __name__ == "__main__":
    main()
