"""A small shop in memory: the public views as tables with their documented columns, and the marts over them."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import duckdb

from warehouse.marts import MartSettings, create

DAY0 = datetime(1998, 1, 1)
AS_OF = datetime(1998, 6, 30)

#: the public views that the marts read, column by column
VIEWS: Mapping[str, str] = {
    "contacts": "contact_id BIGINT, client_id TEXT, email TEXT, language TEXT, touchpoint TEXT, created_at TIMESTAMP",
    "orders": "contact_id BIGINT, order_id TEXT, line_id TEXT, ordered_at TIMESTAMP, amount DECIMAL(18, 4), "
              "margin DECIMAL(18, 4), product TEXT, quantity INTEGER, cancelled_at TIMESTAMP",
    "enrolments": "enrolment_id BIGINT, chain TEXT, version INTEGER, wave BIGINT, contact_id BIGINT, arm TEXT, "
                  "enrolled_at TIMESTAMP, run TEXT",
    "moves": "chain TEXT, version INTEGER, wave BIGINT, enrolment_id BIGINT, contact_id BIGINT, seq INTEGER, "
             "from_step TEXT, to_step TEXT, reason TEXT, visit INTEGER, due_at TIMESTAMP, moved_at TIMESTAMP, run TEXT",
    "touches": "chain TEXT, version INTEGER, wave BIGINT, enrolment_id BIGINT, contact_id BIGINT, step TEXT, "
               "visit INTEGER, leg INTEGER, channel TEXT, purpose TEXT, connector TEXT, planned_at TIMESTAMP, "
               "cost DECIMAL(18, 4), run TEXT",
    "receipts": "chain TEXT, wave BIGINT, enrolment_id BIGINT, contact_id BIGINT, step TEXT, visit INTEGER, leg INTEGER, "
                "channel TEXT, connector TEXT, outcome TEXT, error TEXT, units INTEGER, cost DECIMAL(18, 4), "
                "settled_at TIMESTAMP, run TEXT",
    "refusals": "chain TEXT, version INTEGER, wave BIGINT, enrolment_id BIGINT, contact_id BIGINT, step TEXT, "
                "visit INTEGER, leg INTEGER, reason TEXT, rule TEXT, value TEXT, limit_value TEXT, until_at TIMESTAMP, "
                "stage TEXT, refused_at TIMESTAMP, run TEXT",
    "responses": "contact_id BIGINT, chain TEXT, wave BIGINT, enrolment_id BIGINT, step TEXT, visit INTEGER, leg INTEGER, "
                 "kind TEXT, happened_at TIMESTAMP, received_at TIMESTAMP, machine BOOLEAN, meta TEXT, dedup TEXT",
    "goals": "chain TEXT, wave BIGINT, kind TEXT, closes_at TIMESTAMP, holdout DOUBLE, arm_by TEXT",
    "runs": "run TEXT, name TEXT, kind TEXT, chain TEXT, starter TEXT, params TEXT, started_at TIMESTAMP, "
            "ended_at TIMESTAMP, state TEXT, summary TEXT",
}


class Shop:
    """Rows added one by one, with what is the same for all of them filled in; days count from 1998-01-01."""

    def __init__(self) -> None:
        self.con = duckdb.connect()
        for name, columns in VIEWS.items():
            self.con.execute(f"CREATE TABLE {name} ({columns})")
        self.settings = MartSettings(as_of=AS_OF, margin_rate=Decimal("0.4"))
        create(self.con, self.settings)

    def add(self, table: str, **values: Any) -> None:
        names = ", ".join(values)
        marks = ", ".join(f"${name}" for name in values)
        self.con.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", values)

    def contact(self, *ids: int) -> None:
        for contact in ids:
            self.add("contacts", contact_id=contact)

    def wave(self, wave: int, chain: str = "win_back", within: int = 42, holdout: float = 0.1, kind: str = "purchased",
             day: float = 0) -> None:
        self.add("goals", chain=chain, wave=wave, kind=kind, closes_at=at(day + within), holdout=holdout, arm_by="contact")

    def enrol(self, contact: int, wave: int = 1, arm: str = "treated", day: float = 0, chain: str = "win_back") -> int:
        enrolment = wave << 36 | contact
        self.add("enrolments", enrolment_id=enrolment, chain=chain, version=1, wave=wave, contact_id=contact, arm=arm,
                 enrolled_at=at(day), run=f"run{wave}")
        first = "hello" if arm == "treated" else "holdout"
        self.move(enrolment, "", first, "entered" if arm == "treated" else "held_out", 1, day, chain)
        return enrolment

    def move(self, enrolment: int, from_step: str, to_step: str, reason: str, seq: int, day: float = 0,
             chain: str = "win_back") -> None:
        self.add("moves", chain=chain, version=1, wave=enrolment >> 36, enrolment_id=enrolment,
                 contact_id=enrolment & (2**36 - 1), seq=seq, from_step=from_step, to_step=to_step, reason=reason,
                 visit=1, moved_at=at(day), run=f"run{enrolment >> 36}")

    def touch(self, enrolment: int, outcome: str | None = "accepted", step: str = "hello", day: float = 0,
              channel: str = "email", chain: str = "win_back", cost: str = "0.05", visit: int = 1) -> None:
        ids = dict(chain=chain, wave=enrolment >> 36, enrolment_id=enrolment, contact_id=enrolment & (2**36 - 1),
                   step=step, visit=visit, leg=1, channel=channel, connector="post_office", run=f"run{enrolment >> 36}")
        self.add("touches", version=1, purpose="commercial", planned_at=at(day), cost=Decimal(cost), **ids)
        if outcome:
            self.add("receipts", outcome=outcome, units=1, cost=None, settled_at=at(day), **ids)

    def hear(self, enrolment: int, kind: str, step: str = "hello", day: float = 1, machine: bool = False) -> None:
        self.add("responses", contact_id=enrolment & (2**36 - 1), chain="win_back", wave=enrolment >> 36,
                 enrolment_id=enrolment, step=step, visit=1, leg=1, kind=kind, happened_at=at(day), received_at=at(day),
                 machine=machine, dedup=f"{enrolment}{kind}{step}{machine}")

    def refuse(self, enrolment: int, reason: str, rule: str, until: float | None = None, stage: str = "plan",
               step: str = "hello") -> None:
        self.add("refusals", chain="win_back", version=1, wave=enrolment >> 36, enrolment_id=enrolment,
                 contact_id=enrolment & (2**36 - 1), step=step, visit=1, leg=1, reason=reason, rule=rule, stage=stage,
                 until_at=None if until is None else at(until), refused_at=DAY0, run=f"run{enrolment >> 36}")

    def order(self, contact: int, day: float, amount: str, number: str = "", line: str = "1", margin: str | None = None,
              cancelled: float | None = None) -> None:
        self.add("orders", contact_id=contact, order_id=number or f"{contact}/{day}", line_id=line, ordered_at=at(day),
                 amount=Decimal(amount), margin=None if margin is None else Decimal(margin), quantity=1,
                 cancelled_at=None if cancelled is None else at(cancelled))

    def rows(self, query: str, **values: Any) -> list[tuple]:
        return self.con.execute(query, values).fetchall()

    def sql(self, query: str, **values: Any):
        return self.con.sql(query, params=values).to_arrow_table()

    def set(self, **changes: Any) -> None:
        self.settings = replace(self.settings, **changes)
        create(self.con, self.settings)


def at(day: float) -> datetime:
    return DAY0 + timedelta(days=day)
