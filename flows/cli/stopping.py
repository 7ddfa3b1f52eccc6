"""`relance stop`, `stops`, `release`, `withdraw`: nothing more leaves, and what had left by then."""

from typing import Annotated, Any

import typer

from flows.cli.answering import FAILED, Answer, answers

__all__ = ["release", "stop", "stops", "withdraw"]

Which = Annotated[str, typer.Argument(metavar="[NAME]", help="A chain or connector by its name, a wave by its number, a step as "
                                                              "CHAIN/STEP; nothing for all.", show_default=False)]
Why = Annotated[str, typer.Option("--why", metavar="TEXT", help="Kept in the journal, and shown wherever the stop is.",
                                  show_default=False)]


@answers
def stop(
    what: Annotated[str, typer.Argument(help="all, chain, wave, step or connector.", show_default=False)],
    name: Which = "",
    why: Why = "",
) -> Answer:
    """Stop messages from leaving: all of them, or those of one chain, wave, step or connector.

    What is with a provider at this moment is waited for and booked; then it is said what has left and what has not.
    Passes of a stopped chain wait; what is planned stays in the outbox until `relance release` or `relance withdraw`.
    Ends with 1 when something is still with a provider after half a minute; the stop holds all the same.
    """
    from warehouse import stopping

    wired, who = _opened()
    stopping.known(wired.warehouse, what, name, _chains())
    account = stopping.stop_now(wired.warehouse, what, name, who, why=why, wall=wired.wall)
    shown = [f"{_first(account.stop.what)} {'is' if account.new else 'was already'} stopped.", *_counted(account)]
    more = f", or for ever: relance withdraw {name}" if what == "wave" else ""
    shown.append(f"To let the rest go: relance release {account.stop.id}{more}")
    return Answer(account.to_json(), shown, FAILED if account.still_with_provider else 0)


@answers
def stops() -> Answer:
    """List what is stopped: since when, by whom, why, how many touches wait; connectors stopped by an error too."""
    from flows.cli.showing import moment, table
    from warehouse import stopping
    from warehouse import stops as room

    wired, _ = _opened()
    ledger, zone = wired.warehouse.ledger, wired.warehouse.house.zone
    found, broken = [(one, stopping.waiting(ledger, one)) for one in room.ordered(ledger)], room.stops(ledger)
    rows = [(one.id, one.what, moment(one.at, zone), one.who, one.why or "–", many) for one, many in found]
    shown: list[Any] = [table(["Stop#", "What", "Since", "By", "Why", "Touches that wait#"], rows)] if rows else []
    shown += [f"{name} was stopped by an error: {why}. Mend it, then: relance send {name} --resume"
              for name, why in broken.items()]
    record = {"stops": [{"stop": one.id, "scope": one.scope, "name": one.name, "at": one.at, "by": one.who, "why": one.why,
                         "waiting": many} for one, many in found], "stopped_by_an_error": broken}
    if rows:
        shown.append("To end one: relance release NUMBER")
    return Answer(record, shown or ["Nothing is stopped."])


@answers
def release(
    what: Annotated[str, typer.Argument(help="The number that relance stops shows; or all, chain, wave, step, connector. "
                                             "Nothing: the only one.", show_default=False)] = "",
    name: Which = "",
    why: Why = "",
) -> Answer:
    """End a stop. What became stale meanwhile is dropped, never sent."""
    from warehouse import stopping

    wired, who = _opened()
    released = stopping.let_go(wired.warehouse, stopping.chosen(wired.warehouse.ledger, what, name), who, why=why)
    stop = released.stop
    shown = [f"{_first(stop.what)} is released. {_touches(released.may_leave)} may leave. Next: relance send"]
    if released.stale:
        shown.append(f"{_touches(released.stale)} came too late meanwhile: the next send drops them, and they never leave.")
    return Answer({"stop": stop.id, "scope": stop.scope, "name": stop.name, "may_leave": released.may_leave,
                   "stale": released.stale}, shown)


@answers
def withdraw(
    wave: Annotated[int, typer.Argument(help="The number of the wave.", show_default=False)],
    why: Why = "",
) -> Answer:
    """Withdraw a wave for ever: who is inside leaves by the exit `withdrawn`, and nothing more of it is sent.

    What has left has left, and its record stays. Run again it finishes what was broken off, and does nothing twice.
    """
    from flows.cli import running
    from warehouse import stopping
    from warehouse.withdrawing import close_wave

    wired, who = _opened()
    stopping.known(wired.warehouse, "wave", str(wave))
    # The word first: what comes after takes seconds.
    new = close_wave(wired.warehouse.ledger, wave, who, now=wired.warehouse.clock.now(), why=why)
    running.quiet_prefect()
    from tasks.withdraw import withdraw_wave

    own = running.run_of_own("withdraw")
    account, contacts = withdraw_wave(wired, wave, who, why, run=own["run"], name=own["run_name"])
    shown = [f"Wave {wave} {'is' if new else 'was already'} withdrawn. {contacts:,} contacts were inside and have left by the "
             "exit withdrawn.", *_counted(account),
             f"Whom it reached: FROM received({wave}, 'STEP') in an audience or in relance sql."]
    record = {**account.to_json(), "stop": None, "wave": wave, "new": new, "contacts": contacts}
    return Answer(record, shown, FAILED if account.still_with_provider else 0)


def _opened() -> tuple[Any, Any]:
    """The installation, none of its connectors made: one that is broken must not keep anybody from stopping; and who asks."""
    from flows import wiring
    from flows.cli import running
    from warehouse.journal import Who

    return wiring.wired(every=True), Who(running.starter())


def _chains() -> list[str]:
    import chains

    return chains.names()


def _counted(account: Any) -> list[Any]:
    """What has left and what has not, for people."""
    from flows.cli.showing import table

    rows = [(send["chain"], send["step"], send["wave"], send["planned"],
             ", ".join(f"{many:,} {outcome}" for outcome, many in sorted(send["outcomes"].items())) or "–", send["not_left"])
            for send in account.sends]
    shown: list[Any] = [table(["Chain", "Step", "Wave#", "Planned#", "What became of them", "Not left#"], rows)] if rows else []
    said = f"{_touches(account.left)} have left or may have, {account.not_left:,} have not."
    if account.in_flight:
        said += f" {account.in_flight:,} of them were with a provider at that moment."
    shown.append(said)
    if account.still_with_provider:
        shown.append(f"{_touches(account.still_with_provider)} are still with a provider, which has not answered: relance stops "
                     "and relance status tell later.")
    if account.silent:
        shown.append(f"{_touches(account.silent)} were with a provider when their sender died: nobody knows yet whether they "
                     "left.")
    return shown


def _touches(many: int) -> str:
    return f"{many:,} {'touch' if many == 1 else 'touches'}"


def _first(words: str) -> str:
    return words[:1].upper() + words[1:]
