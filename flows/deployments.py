"""The deployments of the house as text: the part of prefect.yaml that follows from the chains and from house.toml.

`python -m flows.deployments` writes it into prefect.yaml; a test holds it current.
"""

import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import chains
from marketing import drawing
from marketing.chain import Chain
from marketing.house import House

__all__ = ["EVERY", "FILE", "POOL", "chains_text", "house_text", "paused", "renewed", "sound"]

ROOT = Path(__file__).parent.parent
FILE = ROOT / "prefect.yaml"
#: The work pool that every deployment belongs to.
POOL = "relance"
#: Minutes from one chain's tick to the next one's: no two of sixty chains start in the same minute.
EVERY = 13
_MARKED = re.compile(r"(?P<open>^ *# (?P<name>\w+): generated.*\n)(?:.*\n)*?(?P<close> *# (?P=name): end\n)", re.MULTILINE)
_WHAT_A_RUN_DOES = """
**A run** takes in a new wave, moves on everybody who is due, plans the next messages through consent, suppression, hours and
caps, and begins to send them. With nothing to do it says why. One run too many sends nothing twice."""
_BY_HAND = "**To start one by hand:** *Run*, then *Quick run* for the values as they are, or *Custom run* to change them."


def renewed(text: str, of: Iterable[Chain], zone: str) -> str:
    """prefect.yaml with everything between its marks written anew. Raises KeyError for a mark that nothing writes."""
    made: dict[str, Callable[[], str]] = {"house": lambda: house_text(zone), "chains": lambda: chains_text(of)}
    return _MARKED.sub(lambda found: f"{found['open']}{made[found['name']]()}{found['close']}", text)


def house_text(zone: str) -> str:
    """What follows from house.toml: the zone in which schedules are told."""
    return f"  zone: &zone {zone}\n"


def chains_text(of: Iterable[Chain]) -> str:
    """One deployment for each chain, each at a minute of its own."""
    return "".join(_deployment(chain, 2 + EVERY * place) for place, chain in enumerate(of))


def paused(text: str, names: Iterable[str]) -> str:
    """prefect.yaml in which the deployments of these names are paused: a deploy would let them run again otherwise."""
    for name in names:
        text = re.sub(rf"^    name: {re.escape(name)}\n", r"\g<0>    paused: true\n", text, flags=re.MULTILINE)
    return text


def sound() -> tuple[list[Chain], dict[str, str]]:
    """The chains that can be read, and what is wrong with each of the others."""
    read, broken = [], {}
    for name in chains.names():
        try:
            read.append(chains.load(name))
        except chains.BrokenChain as error:
            broken[name] = str(error)
    return read, broken


def _deployment(chain: Chain, minute: int) -> str:
    minute %= 60
    return "\n".join([
        "  - <<: *usual",
        f"    name: {chain.name}",
        f"    entrypoint: flows.by_chain.{chain.name}",
        f"    tags: {json.dumps([POOL, chain.kind, chain.name])}",
        "    description: |",
        *_indented(_description(chain, minute), 6),
        "    schedules:",
        "      - <<: *clock",
        "        slug: hourly",
        f'        cron: "{minute} * * * *"',
    ]) + "\n"


def _description(chain: Chain, minute: int) -> str:
    """What the chain is for, when it runs and what a run does, for who reads it in the browser."""
    module = sys.modules.get(f"chains.{chain.name}.chain")
    purpose = (module and module.__doc__ or "").strip()
    said = [f"# {chain.title}", *([purpose] if purpose else []), drawing.brief(chain),
            f"**It runs** by itself: when somebody in it is due, {chain.wake_every} later at most, and in any case every hour at "
            f"{minute} minutes past.",
            _WHAT_A_RUN_DOES, _BY_HAND]
    # A paragraph is one line: the pages of Prefect break where the text does.
    return "\n\n".join(" ".join(part.split()) for part in said)


def _indented(text: str, by: int) -> Iterator[str]:
    return (" " * by + line if line else "" for line in text.split("\n"))


if __name__ == "__main__":
    zone = House.read(ROOT / "house.toml").zone
    FILE.write_text(renewed(FILE.read_text(encoding="utf-8"), map(chains.load, chains.names()), zone), encoding="utf-8")
