"""`relance explain`: why a contact did or did not get any message."""

import json
from typing import Annotated, Any

import typer

from flows.cli.answering import Answer, answers

__all__ = ["explain"]


@answers
def explain(
    contact: Annotated[str, typer.Argument(help="The id of your own files, or the number Relance gave it.", show_default=False)],
) -> Answer:
    """Explain one contact: every touch planned, sent or refused, and why it is not in a chain.

    Says where it stands in each chain and when it is due, what it may get and on which ground.
    """
    from flows.cli import running, telling
    from flows.cli.answering import plain
    from flows.cli.showing import moment
    from warehouse.explaining import explain as explained
    from warehouse.explaining import find

    wired = running.opened()
    warehouse, zone = wired.warehouse, wired.warehouse.house.zone
    now = warehouse.clock.now()
    doors, broken = _doors(warehouse)
    with warehouse.snapshot() as snapshot:
        told = explained(snapshot, find(snapshot, contact), doors, _graphs(warehouse.ledger), as_of=now,
                         latencies=wired.latencies)
    running.noted(wired, "look-up", {"contact": told.contact["contact_id"]})
    story = telling.story(told, zone)
    person = " ".join(filter(None, (told.contact["first_name"], told.contact["last_name"]))) or "no name"
    shown: list[Any] = [f"{person}, client id {told.contact['client_id']}, contact {told.contact['contact_id']}; "
                        f"as of {moment(now, zone)}. Times in {zone}.", ""]
    shown += _part("What happened", [f"{moment(at, zone)}  {text}" for at, text in story], "nothing yet")
    shown += _part("In each chain", [*telling.chains(told, zone), *broken], "no chain")
    shown += _part("What it may get", [*telling.permissions(told), *telling.suppressions(told, zone)],
                   "no address of any channel")
    record = {**plain(told), "story": [{"at": at, "said": text} for at, text in story],
              "chains_in_words": list(telling.chains(told, zone)), "broken_chains": broken}
    return Answer(record, shown)


def _part(title: str, lines: list[str], none: str) -> list[str]:
    return [title, *(f"  {line}" for line in lines or [none]), ""]


def _doors(warehouse) -> tuple[list, list[str]]:
    """How each chain lets contacts in now: with the parameters of its latest wave, else its defaults. A chain whose
    file is broken is named instead."""
    import chains
    from flows.chain_files import queries
    from warehouse.engine import parameters
    from warehouse.explaining import Door
    from warehouse.overview import wave_params

    latest, doors, broken = wave_params(warehouse.ledger), [], []
    for name in chains.names():
        try:
            chain = chains.load(name)
            query = queries(chain)[chain.audience]
        except chains.BrokenChain as error:
            broken.append(str(error))
            continue
        defaults = chain.params().model_dump(mode="json")
        known = json.loads(latest.get(name, "{}"))
        asked = {key: known.get(key, default) for key, default in defaults.items() if key in parameters(query)}
        doors.append(Door(name, query, asked, chain.reenter_after))
    return doors, broken


def _graphs(ledger) -> dict:
    from warehouse.versions import chain_numbers, versions_of

    return {(name, version.number): version.graph
            for name, number in chain_numbers(ledger).items() for version in versions_of(ledger, number)}
