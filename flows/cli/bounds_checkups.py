"""The checks of `relance doctor` on whom this house reaches, how many a day, and on the journal of what people did."""

from collections.abc import Iterator
from typing import Any

from flows.cli.findings import Finding, good, remark, wrong

__all__ = ["ABOUT_PEOPLE"]


def environment(wired: Any) -> Iterator[Finding]:
    """house.toml and the ledger say the same environment; what it means stands beside."""
    from warehouse.environment import environment_of

    house, found = wired.warehouse.house, environment_of(wired.warehouse.ledger)
    if found != house.environment:
        yield wrong("environment", f"house.toml says {house.environment}, the ledger {found}", "relance go-live")
    elif house.live:
        yield good("environment", "live, in house.toml and in the ledger: messages reach real people")
    else:
        yield good("environment", f"{found}, in house.toml and in the ledger. {house.banner}")


def journal(wired: Any) -> Iterator[Finding]:
    """Nobody has changed the journal, or taken anything out."""
    from warehouse.journal import broken, entries

    said = broken(wired.warehouse.ledger)
    if said:
        yield wrong("journal", said, "relance journal --check")
    else:
        yield good("journal", f"{len(entries(wired.warehouse.ledger)):,} entries, every seal holds")


def ceilings(wired: Any) -> Iterator[Finding]:
    """Connectors that have had their touches of the day: what waits for them leaves tomorrow."""
    from marketing.calendar import local
    from warehouse.ceilings import reached

    house = wired.warehouse.house
    given = {name: ceiling for name in wired.connectors if (ceiling := house.ceiling(name))}
    today = local(wired.warehouse.clock.now(), house.zone).date()
    for name, (many, ceiling) in reached(wired.warehouse.ledger, given, today).items():
        yield remark(f"connector {name}", f"was handed {many:,} touches today, of {ceiling:,} a day; others wait until tomorrow")


#: In the order in which they are told.
ABOUT_PEOPLE = (environment, journal, ceilings)
