"""The till of the demo's shop: what was bought since it was last asked, as one file for `relance load orders`."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from demo.world import ORDERS, lines

__all__ = ["Rung", "ring_up"]

HEADER = ("customer_id", "date", "order_number", "number_of_cds", "dollar_value")


@dataclass(frozen=True, slots=True)
class Rung:
    """What a file of the till holds: real lines, and orders that the simulator planted."""

    path: Path
    real: int
    planted: int


def ring_up(path: Path, *, after: date, upto: date, planted: Sequence[tuple[str, int, datetime, Decimal]],
            clients: Mapping[int, str], zone: str, orders: Path = ORDERS) -> Rung:
    """Write the real lines dated after one day and up to another, and the planted orders, as one CSV file.

    `planted` are (number, contact, instant in UTC, amount), `clients` the shop's own id of each contact;
    times are written in `zone`. The real lines have no order number and no time, as published.
    """
    real = [(client, f"{day[:4]}-{day[4:6]}-{day[6:]}", "", many, amount)
            for client, day, many, amount in lines(after=after, upto=upto, orders=orders)]
    sold = [(clients[contact], _local(instant, zone), number, "", f"{amount:.2f}")
            for number, contact, instant, amount in planted]
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([HEADER, *real, *sold])
    return Rung(path, len(real), len(sold))


def _local(instant: datetime, zone: str) -> str:
    return instant.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).isoformat(sep=" ")
