"""`relance connectors`: which connector serves which channel, whether a send would work, their settings as Prefect Blocks."""

import os
import re
from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated, Any

import typer

from flows.cli.answering import FAILED, USAGE, Answer, Refused, answers

__all__ = ["check", "family", "listing", "register"]

family = typer.Typer(help="List and check the connectors; register their settings as Prefect Blocks.", no_args_is_help=True)
Name = Annotated[str | None, typer.Argument(help="As house.toml names it; none: all.", show_default=False)]


@family.command("list")
@answers
def listing() -> Answer:
    """List which connector serves which channel, at what cost, and what it can do.

    Connectors of house.toml that serve no channel stand at the end.
    """
    from flows import wiring
    from flows.cli import running
    from flows.cli.showing import table

    running.quiet_prefect()
    wired = wiring.wired(every=True)
    house = wired.warehouse.house
    unused = [name for name in house.connectors if name not in house.channels.values()]
    rows = [{"channel": channel, "connector": name, "kind": house.connectors[name]["kind"], "block": house.block(name),
             "cost": house.costs.get(channel), **_able(wired, name)}
            for channel, name in [*house.channels.items(), *((None, name) for name in unused)]]
    shown = [table(["Channel", "Connector", "Kind", "Block", f"Cost in {house.currency}#", "Can"], [
        (row["channel"], row["connector"], row["kind"], row["block"], row["cost"] if row["cost"] is None else f"{row['cost']:f}",
         _words(row["capabilities"]) if row["capabilities"] else row["problem"]) for row in rows])]
    return Answer(rows, shown)


def _able(wired: Any, name: str) -> dict[str, Any]:
    from flows.cli.answering import told

    try:
        return {"capabilities": asdict(wired.connectors[name].capabilities()), "problem": None}
    except Exception as error:
        return {"capabilities": None, "problem": told(error)[0]}


def _words(can: dict[str, Any]) -> str:
    said = ["reaches real people" if can["real_addresses"] else "reaches nobody real", f"{can['max_batch']:,} in a call"]
    said += [f"{can['rate']:g} a second"] if can["rate"] else []
    said += ["arrives later"] if can["latency"] else []
    said += [words for name, words in (("idempotent", "makes none twice"), ("lookup", "can look up"), ("cancel", "can take back"))
             if can[name]]
    return ", ".join(said)


@family.command()
@answers
def check(connector: Name = None) -> Answer:
    """Say of each connector whether a send would work now: login, sender, quota, stops; and what to do where not.

    Sends nothing. Ends with 1 when one is not healthy.
    """
    from flows.cli import running
    from flows.cli.showing import table, working

    running.quiet_prefect()
    from flows import wiring
    from flows.check_connectors import looked_at

    with working("asking the providers"):
        found = looked_at(wiring.wired(every=True), connector)
    shown: list[Any] = [table(["Connector", "Channels", "Healthy", "Login", "Sender", "Quota", "Stopped"], [
        (one.connector, ", ".join(one.channels) or "none", "yes" if one.healthy else "no", one.credentials or None,
         one.sender or None, one.quota or None, one.stopped or "no") for one in found])]
    for one in found:
        shown += [f"{one.connector}: {problem}" for problem in one.problems]
        shown += [f"  To do: {step}" for step in one.todo]
    return Answer([asdict(one) for one in found], shown, 0 if all(one.healthy for one in found) else FAILED)


@family.command()
@answers
def register(
    save: Annotated[bool, typer.Option("--save", help="Also write the present settings of each connector, those of the "
                                                      "environment too, into a Block of its own.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="With --save: write over Blocks that are there.")] = False,
) -> Answer:
    """Make each kind of connector a form for its settings in the Prefect UI (a Block type), secrets masked.

    On the server of PREFECT_API_URL; again after a connector was added or changed. Ends with 1 when one cannot be made.
    """
    from flows.cli import running
    from flows.cli.showing import table

    if overwrite and not save:
        raise Refused("--overwrite says what to do with Blocks that --save writes; give both.", USAGE)
    running.quiet_prefect()
    from flows import wiring
    from tasks import blocks

    if blocks.api() is None:
        raise Refused("PREFECT_API_URL names no Prefect server; set it, or start one on this machine by: make up")
    types = [_tried(kind, lambda kind=kind: {"type": blocks.slug(kind), "title": blocks.register(kind).get_block_type_name()})
             for kind in blocks.kinds()]
    shown: list[Any] = [table(["Kind", "Block type", "In the UI"], [
        (one["of"], one.get("type"), one.get("title") or one["problem"]) for one in types])]
    written = _save_all(overwrite) if save else []
    if written:
        shown.append(table(["Connector", "Block", ""], [
            (one["of"], one.get("block"), one["problem"] or ("saved" if one["saved"] else
                                                             "there already, and left as it is; --overwrite replaces it"))
            for one in written]))
        shown += [f'{one["of"]}: write  block = "{one["block"]}"  into [connectors.{one["of"]}] of house.toml; what the Block '
                  "says can then go from there." for one in written if one.get("saved") and not one["named"]]
    running.noted(wiring.wired(every=True), "connectors registered", {
        "types": len(types), "saved": [one["of"] for one in written if one.get("saved")]})
    return Answer({"types": types, "blocks": written}, shown, FAILED if any(one["problem"] for one in [*types, *written]) else 0)


def _save_all(overwrite: bool) -> list[dict[str, Any]]:
    from flows import wiring

    house = wiring.wired(every=True).warehouse.house
    return [_tried(name, lambda name=name: _saved(house, name, overwrite)) for name in house.connectors]


def _saved(house: Any, name: str, overwrite: bool) -> dict[str, Any]:
    """Write the settings of one connector into its Block: what house.toml says over what the Block said."""
    from tasks import blocks

    kind, named = house.connectors[name]["kind"], house.block(name)
    block = named or re.sub("[^a-z0-9]+", "-", name.lower()).strip("-")
    there = blocks.there(kind, block)
    if overwrite or not there:
        before = blocks.saved(kind, block) if named and there else None
        blocks.save(kind, block, house.settings(name, os.environ, before))
    return {"block": block, "named": bool(named), "saved": overwrite or not there}


def _tried(of: str, what: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What was done for one of several; its problem in words, so that it stops none of the others."""
    from flows.cli.answering import told

    try:
        return {"of": of, **what(), "problem": None}
    except Exception as error:
        return {"of": of, "problem": told(error)[0]}
