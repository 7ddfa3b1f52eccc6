"""`relance chains diff`, `migrate`, `keep`, `pause`, `resume`: changing a chain that people are in."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import typer

from flows.cli.answering import FAILED, USAGE, Answer, Refused, answers

__all__ = ["diff", "keep", "lost", "migrate", "pause", "resume"]

Name = Annotated[str, typer.Argument(help="The chain, by the name of its folder.", show_default=False)]
Map = Annotated[list[str] | None, typer.Option("--map", metavar="OLD=NEW", show_default=False, help=(
    "Who stands at OLD goes to NEW; may be given several times."))]

STAYS = {
    "held_out": "stay: held out, until the goal's window closes",
    "written_before": "stay: the new order would write to them again",
    "older_params": "stay: their wave lacks a parameter",
    "no_place": "stay: no step takes them",
}


@answers
def diff(
    chain: Annotated[str | None, typer.Argument(help="One chain; none: all of them.", show_default=False)] = None,
    map_: Map = None,
    strict: Annotated[bool, typer.Option("--strict", help=(
        "End with 1 when people stand on a step that is gone, and nobody has said what becomes of them."))] = False,
) -> Answer:
    """Compare a chain's file with the versions that people are in: who stands where, steps gone, new, changed.

    Changes nothing.
    """
    from flows.cli import running

    wired = running.opened()
    found = list(_impacts(wired, chain, _mapping(map_)))
    homeless = [] if chain else _homeless(wired.warehouse.ledger)
    shown = [piece for one in found for piece in _told(one, wired.warehouse.house.zone)] + homeless
    record = {"chains": [_record(one) for one in found], "without_file": homeless}
    return Answer(record, shown, FAILED if strict and (homeless or any(one.unmapped for one in found)) else 0)


@answers
def migrate(
    chain: Name,
    map_: Map = None,
    rehearse: Annotated[bool, typer.Option("--rehearse", help="Only tell what it would do.")] = False,
) -> Answer:
    """Move along whoever stands in an older version of a chain, to the step of the same name or as --map says.

    Refused while people stand on a step that is gone and not mapped. Run again it does nothing more.
    """
    from flows.cli import running
    from flows.cli.showing import table

    wired, mapping = running.opened(), _mapping(map_)
    (before,) = _impacts(wired, chain, mapping)
    if before.unmapped:
        raise Refused(" ".join(_lost(before)))
    moved = _migrated(wired, chain, mapping, rehearse)
    rows = [(one.version, one.step, one.to if not one.stays else None, one.contacts, STAYS.get(one.stays, "")) for one in moved]
    many = sum(one.contacts for one in moved if not one.stays)
    said = "would be moved" if rehearse else "were moved" if many != 1 else "was moved"
    shown: list[Any] = [table(["Version", "From", "To", "Contacts#", ""], rows)] if rows else []
    shown.append(f"{_people(many)} {said} along into the version of the file." if rows else "Nobody stands in an older version.")
    return Answer({"chain": chain, "rehearsed": rehearse, "moved": many, "steps": moved}, shown)


@answers
def keep(chain: Name) -> Answer:
    """Say that whoever is in an older version of a chain finishes in it, whatever the file says now."""
    from flows.cli import running
    from warehouse import impact

    wired = running.opened()
    (found,) = _impacts(wired, chain, {})
    kept = impact.keep(wired.warehouse.ledger, found, now=wired.warehouse.clock.now(), by=running.starter())
    said = [f"In version {one.version.number}, to its end: {_people(one.contacts)}." for one in kept]
    return Answer({"chain": chain, "kept": [{"version": one.version.number, "contacts": one.contacts} for one in kept]},
                  said or ["Nobody stands in a version that the file differs from."])


@answers
def pause(
    chain: Name,
    why: Annotated[str, typer.Option("--why", metavar="TEXT", help="Shown wherever the pause is.", show_default=False)] = "",
) -> Answer:
    """Pause a chain: its passes move nobody, and nothing that it has planned leaves, until it is resumed."""
    from flows.cli import running
    from warehouse import pausing

    wired = _knowing(chain)
    made = pausing.pause(wired.warehouse.ledger, chain, now=wired.warehouse.clock.now(), by=running.starter(), why=why)
    return Answer({"chain": chain, "paused": made}, [f"{chain}: {made.told(chain, wired.warehouse.house.zone)}."])


@answers
def resume(chain: Name) -> Answer:
    """Let a paused chain go on; what became stale meanwhile is dropped, never sent."""
    from flows.cli import running
    from warehouse import pausing

    wired = _knowing(chain)
    ended = pausing.resume(wired.warehouse.ledger, chain, now=wired.warehouse.clock.now(), by=running.starter())
    said = f"{chain} goes on. Next: relance pass {chain}" if ended else f"{chain} was not paused."
    return Answer({"chain": chain, "ended": ended}, [said])


def lost(wired: Any) -> list[str]:
    """Why a deployment must wait, in sentences: people whose step or chain is gone, about whom nobody has decided."""
    return [*(words for one in _impacts(wired, None, {}) for words in _lost(one)), *_homeless(wired.warehouse.ledger)]


def _impacts(wired: Any, name: str | None, mapping: dict[str, str]) -> Iterator[Any]:
    """What the files of the chains mean; of all chains those that can be read."""
    import chains
    from flows.chain_files import queries
    from marketing.graph import compile
    from warehouse.impact import impact

    for one in [name] if name else chains.names():
        try:
            chain = chains.load(one)
            yield impact(wired.warehouse.ledger, compile(chain), queries(chain), mapping)
        except chains.BrokenChain:
            if name:
                raise


def _migrated(wired: Any, name: str, mapping: dict[str, str], rehearse: bool) -> list[Any]:
    import chains
    from flows.chain_files import queries
    from flows.cli import running
    from marketing.mapping import BadMapping

    running.quiet_prefect()
    from tasks.migrate import migrate_chain, rehearse_migration

    chain = chains.load(name)
    try:
        if rehearse:
            return rehearse_migration(wired, chain, queries(chain), mapping)
        own = running.run_of_own("migrate")
        return migrate_chain(wired, chain, queries(chain), mapping, run=own["run"], name=own["run_name"], starter=own["starter"])
    except BadMapping as error:
        raise Refused(str(error), USAGE) from None


def _mapping(words: Sequence[str] | None) -> dict[str, str]:
    from marketing.mapping import BadMapping, read_mapping

    try:
        return read_mapping(words or [])
    except BadMapping as error:
        raise Refused(str(error), USAGE) from None


def _knowing(name: str) -> Any:
    """The installation, where the chain has a folder or has run. Raises NoSuchChain."""
    import chains
    from flows.cli import running
    from warehouse.versions import chain_numbers

    wired = running.opened()
    if name not in chain_numbers(wired.warehouse.ledger):
        chains.folder(name)
    return wired


def _homeless(ledger: Any) -> list[str]:
    """Chains that people are in and that have no file any more, in sentences."""
    import chains
    from warehouse.impact import who_stands
    from warehouse.versions import chain_numbers

    found = []
    for name, number in chain_numbers(ledger).items():
        many = 0 if name in chains.names() else sum(row.contacts for row in who_stands(ledger, number))
        if many:
            found.append(f"{name}: {_people(many)} in the chain, and chains/{name} is gone: no pass moves them. Put it back "
                         "until they have left.")
    return found


# What is shown ----------------------------------------------------------------------------------------------


def _told(found: Any, zone: str) -> Iterator[Any]:
    """The impact of one chain's file, for people."""
    from flows.cli.showing import moment, table

    if not found.versions:
        yield f"{found.chain}: no pass has run yet."
    for one in found.versions:
        yield f"{found.chain}: from version {one.version.number} to the file. {one.difference}"
        yield from (f"  {change.step or 'the chain'}: {change}" for change in one.difference.changed)
        if one.stands and one.difference:
            yield table(["Step", "Contacts#", "Next due", "In the file"], [
                (stand.step, stand.contacts, moment(stand.next_due, zone),
                 stand.goes or ("gone" if stand.lost else "stays held out")) for stand in one.stands])
    people = sum(one.contacts for one in found.versions if one.difference)
    yield from _lost(found)
    if people and not found.unmapped:
        kept = " That is decided." if all(one.kept for one in found.versions if one.difference and one.contacts) else ""
        yield (f"{found.chain}: {_people(people)} finish in the version they entered by.{kept} "
               f"To move them along: relance chains migrate {found.chain}")


def _lost(found: Any) -> list[str]:
    """The steps that are gone with people on them, each with what can be said."""
    if not found.unmapped:
        return []
    likely = {old: new for one in found.versions for old, new in one.difference.renamed}
    maps = dict.fromkeys(f"--map {stand.step}={likely.get(stand.step, 'STEP')}" for stand in found.unmapped)
    said = [f"{found.chain}: {_people(stand.contacts)} at {stand.step!r} (version {stand.version}), which the file does not have."
            for stand in found.unmapped]
    return [*said, f"Move them along: relance chains migrate {found.chain} {' '.join(maps)}; or let them finish in their "
                   f"version: relance chains keep {found.chain}."]


def _record(found: Any) -> dict[str, Any]:
    """The same for programs."""
    return {"chain": found.chain, "unmapped": [stand.step for stand in found.unmapped], "versions": [
        {"version": one.version.number, "kept": one.kept, "contacts": one.contacts, "difference": one.difference,
         "standing": [{"step": stand.step, "kind": stand.kind, "contacts": stand.contacts, "next_due": stand.next_due,
                       "goes": stand.goes, "lost": stand.lost} for stand in one.stands]} for one in found.versions]}


def _people(many: int) -> str:
    return f"{many:,} {'contact' if many == 1 else 'contacts'}"
