"""The floor of the three-step chain: plain SQL with updates on one DuckDB file, the whole gate, one statement a file.

It keeps what a careful program would keep (who stands where, every touch, every refusal with its reason, what was
handed over) and nothing that only the engine needs (history of moves, batches, leases, versions, slices).
"""

from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa

from benchmarks.base import ARRIVALS, ARRIVED, PAST, START, TABLES
from marketing.chance import DRAW_SQL, holdout_salt, salt32
from marketing.gate import known_zone, next_open

__all__ = ["Floor", "prepare"]

SQL = Path(__file__).parent
CHAIN, HOLDOUT, ZONE = "three_steps", 0.05, "Europe/Paris"
#: step: channel, column of the address, where it leads when sent, when dropped, days until due there
SENDS = {
    "opening": ("email", "email_key", "answer", "exit:not_reached", 0),
    "reminder": ("sms", "phone_key", "closing", "closing", 14),
    "closing": ("email", "email_key", "exit:completed", "exit:completed", 0),
}


def prepare(path: str, contacts: int) -> None:
    """Write the base into a new DuckDB file, with the program's own empty tables."""
    con = duckdb.connect(path)
    for name, query in TABLES.items():
        con.execute(f"CREATE TABLE {name} AS SELECT *, $start::TIMESTAMP AS listed_at FROM ({query}) AS t",
                    {"lo": 0, "hi": contacts, "start": START}).fetchall()
    for statement in (SQL / "tables.sql").read_text(encoding="utf-8").split(";"):
        if statement.strip():
            con.execute(statement).fetchall()
    for days, had in PAST:
        con.execute(f"""INSERT INTO touches SELECT i, 'earlier', 'news', 'email', 'commercial', $planned::TIMESTAMP
                        FROM range($hi) AS r(i) WHERE {had}""", {"hi": contacts, "planned": START - timedelta(days=days)}
                    ).fetchall()
    con.close()


def list_arrivals(path: str, contacts: int) -> None:
    """Insert what came in between the first pass and the second."""
    con = duckdb.connect(path)
    for name, query in ARRIVALS.items():
        con.execute(f"INSERT INTO {name} SELECT *, $arrived::TIMESTAMP FROM ({query}) AS t",
                    {"lo": 0, "hi": contacts, "arrived": ARRIVED}).fetchall()
    con.close()


class Floor:
    """The program: one pass at a time over the file at `path`."""

    def __init__(self, path: str, hours: dict, country: str, last: datetime | None = None, threads: int = 2):
        self.con = duckdb.connect(path, config={"threads": threads})
        self.hours, self.country, self.last = hours, country, last or datetime(1970, 1, 1)
        for macro in DRAW_SQL if not isinstance(DRAW_SQL, str) else DRAW_SQL.split(";"):
            if macro.strip():
                self.con.execute(macro).fetchall()

    def one_pass(self, as_of: datetime) -> datetime:
        """Settle, enrol, every step once, in one transaction; then hand over to a channel that takes everything."""
        self.con.execute("BEGIN")
        self._run("settle_goal", as_of=as_of, last=self.last)
        self._run("settle_suppressed", as_of=as_of, last=self.last)
        self._run("enrol", as_of=as_of, salt=salt32(holdout_salt(CHAIN)), holdout=HOLDOUT)
        self._send("opening", as_of)
        self._run("answer_clicked", as_of=as_of)
        self._run("answer_silent", as_of=as_of)
        self._send("reminder", as_of)
        self._send("closing", as_of)
        self.con.execute("COMMIT")
        self._run("handed_over", as_of=as_of)
        return as_of

    def write(self, folder: Path) -> None:
        """The relation that the program leaves, once, as Parquet."""
        for name in ("touches", "refusals", "places"):
            query = (SQL / f"write_{name}.sql").read_text(encoding="utf-8")
            self.con.execute(f"COPY ({query}) TO '{folder / name}.parquet' (FORMAT parquet, COMPRESSION zstd)").fetchall()

    def close(self) -> None:
        self.con.close()

    def _send(self, step: str, as_of: datetime) -> None:
        channel, address, sent, dropped, days = SENDS[step]
        self._run("due", address=address, step=step, as_of=as_of)
        if not self.con.execute("SELECT count(*) FROM due").fetchall()[0][0]:
            return
        self._zones(channel, as_of)
        self._run("verdicts", address=address, step=step, channel=channel, as_of=as_of)
        self._run("plan", step=step, channel=channel, as_of=as_of)
        self._run("refuse", step=step, as_of=as_of)
        self._run("move_on", sent=sent, dropped=dropped, as_of=as_of, due_at=as_of + timedelta(days=days))

    def _zones(self, channel: str, as_of: datetime) -> None:
        """When the channel next opens, for each zone that a contact has."""
        zones = [row[0] for row in self.con.execute("SELECT DISTINCT zone FROM contacts").fetchall()]
        opens = [next_open(as_of, self.hours.get(channel, ()), known_zone(zone, ZONE), self.country) for zone in zones]
        self.con.register("zones", pa.table({"zone": pa.array(zones, pa.string()),
                                             "opens_at": pa.array(opens, pa.timestamp("us"))}))

    def _run(self, name: str, address: str = "", **values) -> None:
        query = (SQL / f"{name}.sql").read_text(encoding="utf-8").replace("address_of_channel", address)
        self.con.execute(query, {key: value for key, value in values.items() if f"${key}" in query}).fetchall()
