"""`relance pass`, `send`, `collect`, `maintain`: what moves contacts and messages."""

import json
from typing import Annotated, Any

import typer

from flows.cli.answering import FAILED, USAGE, WAITS, Answer, Refused, answers

__all__ = ["collect", "maintain", "one_pass", "send"]


@answers
def one_pass(
    chain: Annotated[str, typer.Argument(help="The chain, by the name of its folder.", show_default=False)],
    param: Annotated[list[str] | None, typer.Option("--param", metavar="NAME=VALUE", show_default=False,
                                                    help="A parameter of the wave; may be given several times.")] = None,
    as_of: Annotated[str | None, typer.Option("--as-of", metavar="WHEN", show_default=False, help=(
        "Move the clock to this date (09:00) or time, in the house's zone; only where the clock is simulated."))] = None,
    rehearse: Annotated[bool, typer.Option("--rehearse", help="Only tell what it would do.")] = False,
    at_most: Annotated[int | None, typer.Option("--at-most", metavar="N", show_default=False, min=1, help=(
        "No more of the audience than this enter, drawn by chance."))] = None,
    budget: Annotated[float | None, typer.Option("--budget", metavar="AMOUNT", show_default=False, min=0, help=(
        "No more contacts enter than this pays for, each by the dearest way."))] = None,
    note: Annotated[str, typer.Option("--note", metavar="TEXT", show_default=False, help="Kept with the run.")] = "",
    plain: Annotated[bool, typer.Option("--plain", help="Without Prefect: no flow run, no artifact.")] = False,
) -> Answer:
    """Make one pass of a chain: who is due moves on, a new wave enters.

    Runs as the chain's Prefect flow, on the server of PREFECT_API_URL, else on a temporary one.
    Ends with 3 when the chain waits for its sources: then nothing was moved or sent.
    """
    import chains
    from flows.cli import running
    from flows.cli.showing import moment, working

    brief, wired = chains.load(chain), running.opened()
    values = _values(brief.params, param or [])
    options = {"rehearse": rehearse, "at_most": at_most, "budget": budget, "note": note}
    if as_of is not None:
        _advance(wired, as_of)
    with working(f"a pass of {chain}"):
        if plain:
            running.quiet_prefect()
            from flows.rehearsal import asked_for
            from marketing.options import RunOptions

            summary = asked_for(wired, chain, brief.params(**values), RunOptions(**options), **running.run_of_own("pass"))
        else:
            def flow():
                from flows import by_chain

                return getattr(by_chain, chain)

            summary = running.run_flow(flow, **values, **options)
    house, zone = wired.warehouse.house, wired.warehouse.house.zone
    shown = [*filter(None, [house.banner]), str(summary)]
    if summary.next_due:
        shown.append(f"Next due: {moment(summary.next_due, zone)} ({zone}).")
    if not summary.waits_for and summary.planned:
        waiting = sum(summary.planned.values()) - sum(summary.sent.values())
        if waiting > 0:
            shown.append(f"{waiting:,} touches wait in the outbox. Next: relance send")
    return Answer({**summary.to_json(), "environment": house.environment}, shown, WAITS if summary.waits_for else 0)


@answers
def send(
    connector: Annotated[str | None, typer.Argument(help="As house.toml names it; none: all.", show_default=False)] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Let a stopped connector send again, once it is mended.")] = False,
) -> Answer:
    """Hand over what waits in the outbox.

    Ends with 1 when a connector is stopped: its settings or credit must be mended first.
    """
    from flows.cli import running
    from flows.cli.showing import table, working
    from warehouse.outbox import open_batches
    from warehouse.stops import ordered, release, stops

    wired = running.opened()
    ledger = wired.warehouse.ledger
    if resume:
        for name in stops(ledger):
            if connector in (None, name):
                release(ledger, name)
                running.noted(wired, "resume connector", {"connector": name})
    with working("sending", sum(open_batches(ledger).values())) as tell:
        if running.served():
            sent = running.run_flow(_send_flow, connector=connector)
        else:
            running.quiet_prefect()
            from flows.send import drain

            sent = drain(wired, connector, tell=lambda counts: tell(sum(counts.values())), **running.run_of_own("send"))
    stopped = {name: why for name, why in stops(ledger).items() if connector in (None, name)}
    left = open_batches(ledger)
    rows = [(name, outcome, many) for name, counts in sent.items() for outcome, many in sorted(counts.items())]
    house, full = wired.warehouse.house, _full(wired)
    shown: list[Any] = [*filter(None, [house.banner]),
                        table(["Connector", "Outcome", "Touches#"], rows) if rows else "Nothing was ready to be sent."]
    shown += [f"{name} was handed {many:,} touches today, of {ceiling:,} a day: what waits for it leaves from tomorrow on."
              for name, (many, ceiling) in full.items()]
    if left:
        shown.append(f"Still in the outbox: {', '.join(f'{many:,} {state}' for state, many in sorted(left.items()))}.")
    shown += [f"{name} is stopped: {why}. Mend it, then: relance send {name} --resume" for name, why in stopped.items()]
    shown += [f"{_kept_back(one, wired)}." for one in ordered(ledger)]
    return Answer({"environment": house.environment, "sent": sent, "outbox": left, "stopped": stopped, "full": full}, shown,
                  FAILED if stopped else 0)


def _full(wired: Any) -> dict[str, tuple[int, int]]:
    """The connectors whose ceiling of the day is reached: touches handed over, and the ceiling."""
    from marketing.calendar import local
    from warehouse.ceilings import reached

    house = wired.warehouse.house
    ceilings = {name: ceiling for name in wired.connectors if (ceiling := house.ceiling(name))}
    return reached(wired.warehouse.ledger, ceilings, local(wired.warehouse.clock.now(), house.zone).date())


@answers
def collect() -> Answer:
    """Take in what came back: the inbox, and the connectors that are polled.

    Ends with 1 when a connector could not be asked.
    """
    from flows.cli import running
    from flows.cli.showing import working

    with working("collecting"):
        if running.served():
            found = running.run_flow(_collect_flow)
        else:
            running.quiet_prefect()
            from flows.collect import take_in

            found = take_in(running.opened(), **running.run_of_own("collect"))
    shown = [f"{found['received']:,} received: {found['listed']:,} new, {found['duplicates']:,} known already, "
             f"{found['held']:,} that nobody can place (folder held), {found['apart']:,} to proofs and seeds. "
             f"{found['withdrawn']:,} consents withdrawn, {found['suppressed']:,} addresses suppressed. "
             f"{found['receipts']:,} receipts filed."]
    shown += [f"{name} could not be asked: {why}" for name, why in found["failed"].items()]
    return Answer(found, shown, FAILED if found["failed"] else 0)


@answers
def maintain() -> Answer:
    """Fold small parts, delete files that nobody lists.

    Safe at any time, beside anything.
    """
    from flows.cli import running
    from flows.cli.showing import working

    with working("folding and sweeping"):
        if running.served():
            done = running.run_flow(_maintain_flow)
        else:
            running.quiet_prefect()
            from flows.maintain import tidy_up

            done = tidy_up(running.opened(), **running.run_of_own("maintain"))
    return Answer(done, [f"{done['receipts']:,} receipts filed, {done['folded']:,} small parts folded, "
                         f"{done['files']:,} old files and {done['orphans']:,} left-over files deleted."])


def _kept_back(stop: Any, wired: Any) -> str:
    said = stop.told(wired.warehouse.house.zone)
    return said[:1].upper() + said[1:]


def _values(params, given: list[str]) -> dict[str, Any]:
    """The values of --param, checked against the chain's form. Raises Refused, which names what is accepted."""
    from pydantic import ValidationError

    values: dict[str, Any] = {}
    for one in given:
        name, equals, text = one.partition("=")
        if not equals or name not in params.model_fields:
            raise Refused(f"--param {one!r}; accepted: NAME=VALUE with one of "
                          f"{', '.join(params.model_fields) or 'no parameters, this chain has none'}.", USAGE)
        values[name] = _read(text)
    try:
        checked = params(**values)
    except ValidationError as error:
        said = "; ".join(f"{'.'.join(map(str, one['loc']))} = {one['input']!r}: {one['msg']}" for one in error.errors())
        raise Refused(f"--param {said}.", USAGE) from None
    return {name: getattr(checked, name) for name in values}


def _read(text: str) -> Any:
    """Lists and objects are written as JSON; all else is text, which the form reads."""
    if text[:1] in ("[", "{"):
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text


def _advance(wired, as_of: str) -> None:
    from marketing.calendar import read_moment

    zone = wired.warehouse.house.zone
    instant = read_moment(as_of, zone)
    if instant is None:
        raise Refused(f"--as-of {as_of!r} is no time; accepted: 2026-11-24 or 2026-11-24T14:30 ({zone}).", USAGE)
    wired.warehouse.clock.advance(instant)


def _send_flow():
    from flows.send import send as flow

    return flow


def _collect_flow():
    from flows.collect import collect as flow

    return flow


def _maintain_flow():
    from flows.maintain import maintain as flow

    return flow
