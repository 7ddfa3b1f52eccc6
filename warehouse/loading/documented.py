"""The documentation of the columns, written from kinds.py so that it cannot be out of date.

`python -m warehouse.loading.documented docs/loading.md` rewrites what stands between the two marks.
"""

import sys
from pathlib import Path

from warehouse.loading.kinds import KINDS, Kind

__all__ = ["columns", "renewed"]

OPENS, CLOSES = "<!-- columns: generated -->\n", "<!-- columns: end -->\n"


def columns() -> str:
    """The columns of every kind of file as Markdown."""
    return "\n".join(_kind(kind) for kind in KINDS.values())


def _kind(kind: Kind) -> str:
    rows = "\n".join(
        f"| `{column.name}`{' (required)' if column.required else ''} | {_meaning(column)} | "
        f"{', '.join(column.spellings)} |" for column in kind.columns)
    one_of = f" At least one of {' and '.join(f'`{name}`' for name in kind.any_of)} is required." if kind.any_of else ""
    further = "Further columns become attributes." if kind.open else "Further columns are left aside, and named."
    return (f"### {kind.name}\n\n{kind.grain}{one_of} {further}\n\n"
            f"| column | what it holds | also spelt |\n|---|---|---|\n{rows}\n")


def _meaning(column) -> str:
    return column.meaning + (f" ({', '.join(column.accepted)})" if column.accepted else "")


def renewed(text: str) -> str:
    """A page with its generated part renewed."""
    before, _, rest = text.partition(OPENS)
    _, _, after = rest.partition(CLOSES)
    return f"{before}{OPENS}\n{columns()}\n{CLOSES}{after}"


if __name__ == "__main__":
    page = Path(sys.argv[1])
    page.write_text(renewed(page.read_text(encoding="utf-8")), encoding="utf-8")
