"""The season: nine months of a shop, week by week; its till, its chains, its invented people."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from demo import till, world
from flows.load import load_file
from marketing.calendar import utc
from tasks.collect import collect, fold
from outbox.wired import Wired

__all__ = ["CHAINS", "FIRST", "LAST", "PARAMS", "Season", "Stop", "stops"]

FIRST, LAST = date(1997, 10, 1), date(1998, 6, 30)
#: The chains, in turn: each has a pass every second week.
CHAINS = ("reactivate_lapsed", "loyalty_six_contacts")
#: After nine months of data nobody has been silent for twelve: three have to do.
PARAMS: Mapping[str, Mapping[str, Any]] = {"reactivate_lapsed": {"months_silent": 3}}
#: Passes are at one in the afternoon of the house: nine or ten in the morning on the Pacific coast.
HOUR = time(13)
SEED = 0


@dataclass(frozen=True, slots=True)
class Stop:
    """A day on which a chain has a pass."""

    day: date
    chain: str


def stops(first: date = FIRST, last: date = LAST, every: timedelta = timedelta(weeks=1)) -> list[Stop]:
    """The days of the season, a week apart, the last of them `last`; the chains take turns."""
    days = [first + every * number for number in range((last - first) // every + 1)]
    if days[-1] < last:
        days.append(last)
    return [Stop(day, CHAINS[number % len(CHAINS)]) for number, day in enumerate(days)]


@dataclass
class Season:
    """One shop on a fresh warehouse. `make_pass` makes a pass of a chain with parameters, and returns its summary."""

    wired: Wired
    files: Path
    make_pass: Callable[[str, Mapping[str, Any], date], Any]
    run: Callable[[], str]
    orders: Path = world.ORDERS
    planted: list[str] = field(default_factory=list)  #: the numbers of the orders that touches caused
    reports: list[Any] = field(default_factory=list)  #: what the loads of the set-up said

    def set_up(self, first: date = FIRST, seed: int = SEED) -> Iterator[str]:
        """Invent the world and load it, as anybody would; says what comes next. The clock stands at `first` after it."""
        warehouse = self.wired.warehouse
        warehouse.clock.simulate(self._instant(first))
        yield "inventing names, addresses and consents from a seed"
        made = world.invent(self.files, seed=seed, orders=self.orders)
        self._upto, self._heard = first - timedelta(days=1), None
        history = self.files / f"orders-until-{self._upto}.txt"
        world.purchases(history, after=None, upto=self._upto, orders=self.orders)
        for kind, path in (("contacts", made.contacts), ("consents", made.consents), ("orders", history)):
            yield f"loading {path.name}"
            self.reports.append(load_file(self.wired, kind, path, run=self.run()))
        with warehouse.snapshot() as snapshot:
            known = snapshot.sql("SELECT contact_id, client_id FROM contacts")
        self._clients = dict(zip(known["contact_id"].to_pylist(), known["client_id"].to_pylist(), strict=True))

    def play(self, stop: Stop) -> Any:
        """Go to a day: load what was bought until the evening before, then one pass; returns the pass's summary."""
        self._go(self._instant(stop.day), stop.day - timedelta(days=1))
        return self.make_pass(stop.chain, PARAMS.get(stop.chain, {}), stop.day)

    def close(self, last: date = LAST) -> None:
        """The evening of the last day: the last orders and answers come in."""
        warehouse = self.wired.warehouse
        self._go(utc(datetime.combine(last, time(23, 59, 59)), warehouse.house.zone), last)
        collect.fn(self.wired, self.run())
        fold.fn(self.wired, self.run())

    def somebody(self) -> str:
        """The shop's own id of a contact whom both chains wrote to, and who answered: one worth explaining."""
        with self.wired.warehouse.snapshot() as snapshot:
            found = snapshot.sql((Path(__file__).parent / "somebody.sql").read_text(encoding="utf-8"))
        return found["client_id"][0].as_py()

    def _go(self, instant: datetime, upto: date) -> None:
        warehouse = self.wired.warehouse
        warehouse.clock.advance(instant)
        if upto == self._upto:
            return
        sold, self._heard = next(iter(self.wired.connectors.values())).orders(self._heard, instant)
        file = till.ring_up(self.files / f"orders-{upto}.csv", after=self._upto, upto=upto, planted=sold,
                            clients=self._clients, zone=warehouse.house.zone, orders=self.orders)
        # A week is far below the nine months loaded first: who loads it confirms that this is as it should be.
        report = load_file(self.wired, "orders", file.path, run=self.run(), confirm=True)
        if report.rejected or report.new != file.real + file.planted:
            raise RuntimeError(f"{file.path} was not loaded whole:\n{report}")
        self._upto = upto
        self.planted += [number for number, *_ in sold]

    def _instant(self, day: date) -> datetime:
        return utc(datetime.combine(day, HOUR), self.wired.warehouse.house.zone)
