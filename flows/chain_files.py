"""The files of a chain beside its brief: its audience and the queries of its Splits and Assigns."""

from pathlib import Path

import chains
from marketing.chain import Chain
from marketing.graph import compile

__all__ = ["queries"]

SHARED = Path(__file__).parent.parent / "warehouse" / "audiences"


def queries(chain: Chain, folder: Path | None = None) -> dict[str, str]:
    """The text of every query a chain names: <name>.sql in its folder (or another that is given), else among the shared ones."""
    names = {chain.audience}
    for step in compile(chain).steps:
        names |= set(step.audiences) | ({step.to} if step.to else set())
    return {name: _text(chain.name, name, folder or chains.folder(chain.name)) for name in sorted(names)}


def _text(chain: str, name: str, own: Path) -> str:
    for folder in (own, SHARED):
        if (folder / f"{name}.sql").is_file():
            return (folder / f"{name}.sql").read_text(encoding="utf-8").rstrip().rstrip(";")
    raise chains.BrokenChain(f"chains/{chain}: no {name}.sql in its folder or in {SHARED.name}/; write the query that "
                             "returns contact_id")
