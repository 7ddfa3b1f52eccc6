"""`relance report` and `relance reconcile`: what the chains brought, and that nobody is unaccounted for."""

from pathlib import Path
from typing import Annotated, Any

import typer

from flows.cli.answering import FAILED, USAGE, Answer, Refused, answers, written

__all__ = ["reconcile", "report"]

Chain = Annotated[str | None, typer.Argument(help="One chain; none: all of them.", show_default=False)]


@answers
def report(
    chain: Chain = None,
    html: Annotated[Path | None, typer.Option("--html", help="Write the whole report as one page that needs nothing else.",
                                              show_default=False)] = None,
) -> Answer:
    """Report the figures: funnel, refusals, cost, pressure, and the return that the holdout allows to claim."""
    import chains
    from flows.cli import running
    from flows.cli.showing import working
    from reports import record
    from reports.gathering import gather

    warehouse = running.opened().warehouse
    _known(warehouse.ledger, chain)
    with working("gathering the figures"):
        found = gather(warehouse, [chains.load(name) for name in chains.names()], chain)
        page = None
        if html is not None:
            from reports.html import render

            page = written(html, render(found))
    shown = list(_tables(found)) + ([f"Written: {page}"] if page else [])
    return Answer({**record.record(found), "html": page}, shown)


def _tables(found) -> Any:
    from flows.cli.showing import moment, table
    from reports.words import count, money, percent, rate, return_of, span

    figures, currency = found.figures, found.currency
    yield from filter(None, [found.banner])
    yield f"{found.title}, {moment(found.as_of, found.zone)} {found.zone}. Amounts in {currency}, without tax. {found.margin}"
    if not figures.chains:
        yield "No chain has enrolled anybody yet. Next: relance pass CHAIN"
        return
    yield table(["Chain", "Waves#", "Enrolled#", "Held out#", "Active#", "Goal#", "Planned#", "Sent#", "Refused#", "Deferred#",
                 "Cost#"],
                [(c.chain, c.waves, c.enrolled, c.held_out, c.active, count(c.goal), c.planned, c.sent, c.dropped, c.deferred,
                  money(c.cost, currency)) for c in figures.chains])
    yield table(["Chain", "Attributed revenue (last touch)#", "Incremental revenue (holdout)#", "95 % interval#",
                 "ROI (margin)#"],
                [(c.chain, money(c.attributed_revenue, currency), *_incremental(c, currency, money, span, return_of))
                 for c in figures.chains])
    yield table(["Chain", "Step", "Channel", "Planned#", "Sent#", "Bounced#", "Responded#", "Left#", "Cost#"],
                [(s.chain, s.step, s.channel, s.planned, s.sent, s.bounced, rate(s.response_rate), rate(s.leaving_rate),
                  money(s.cost, currency)) for s in figures.steps])
    if figures.refusals:
        yield table(["Chain", "Refused because", "Rule", "When", "Dropped#", "Deferred#"],
                    [(r.chain, r.reason.replace("_", " "), r.rule, f"at {r.stage}", r.dropped, r.deferred)
                     for r in figures.refusals])
    yield table(["Pressure", "Touched#", "Median#", "9 in 10 below#", "Most#"],
                [(f"{p.window_days} days", f"{p.touched:,} of {p.contacts:,}", f"{p.p50:g}", f"{p.p90:g}", f"{p.most:g}")
                 for p in figures.pressure])
    mature = [c for c in figures.chains if c.mature_share is not None]
    if mature:
        yield "Windows closed: " + ", ".join(f"{c.chain} {percent(c.mature_share)}" for c in mature) + "."


def _incremental(chain, currency: str, money, span, return_of) -> tuple[str, str, str]:
    lift = chain.revenue_lift
    if lift is None:
        return "no holdout", "–", "–"
    if not lift.enough:
        return f"not enough data ({lift.reason})", span(lift, currency), "–"
    return money(lift.incremental, currency), span(lift, currency), return_of(chain.roi)


@answers
def reconcile(chain: Chain = None) -> Answer:
    """Account for every contact: entered = active + each kind of end, and by contact.

    Ends with 1, and names the contacts, where something does not add up.
    """
    from flows.cli import running
    from flows.cli.showing import working
    from warehouse.outbox import open_batches
    from warehouse.reconciling import account, contradictions
    from warehouse.versions import chain_numbers

    warehouse = running.opened().warehouse
    _known(warehouse.ledger, chain)
    numbers = {name: number for name, number in chain_numbers(warehouse.ledger).items() if chain in (None, name)}
    found = {}
    with working("reconciling", len(numbers)) as tell, warehouse.snapshot() as snapshot:
        for done, (name, number) in enumerate(numbers.items(), 1):
            accounted = account(warehouse.ledger, number)
            found[name] = {
                "entered": accounted.entered, "active": accounted.active, "ends": accounted.ends,
                "balanced": accounted.balanced, "said": str(accounted), "outbox": open_batches(warehouse.ledger, number),
                "contradictions": contradictions(snapshot, name)}
            tell(done)
    clean = all(row["balanced"] and not row["contradictions"] for row in found.values())
    shown: list[Any] = []
    for name, row in found.items():
        shown.append(f"{name}: {row['said']}")
        shown += [f"  {line}" for line in row["contradictions"]]
    if not found:
        shown.append("No pass has run yet: there is nothing to account for.")
    return Answer({"balanced": clean, "chains": found}, shown, 0 if clean else FAILED)


def _known(ledger, chain: str | None) -> None:
    """A chain that exists but never ran is no error of the command line; a misspelt one is."""
    import chains
    from warehouse.versions import chain_numbers

    if chain is None or chain in chain_numbers(ledger):
        return
    chains.folder(chain)  # raises NoSuchChain with those there are
    raise Refused(f"no pass of {chain} has run yet. Next: relance pass {chain}", USAGE)
