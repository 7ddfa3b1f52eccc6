"""The two makings of a pass, the live one and the one on a branch, compared as sets: row for row, or verdict by verdict."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from marketing.relation import STAYS
from warehouse import Warehouse, schema
from warehouse.determinism import COMPARED
from warehouse.engine import Engine
from warehouse.manifest import Part, current_number, parts_of
from warehouse.records import Record
from warehouse.scan import scan

__all__ = ["SHOWN", "Compared", "Verdict", "compare"]

#: So many differing rows of a kind, and contacts of a verdict, are told; all of them are counted.
SHOWN = 5


@dataclass(frozen=True)
class Verdict:
    """What became of contacts at a step in the live pass, and in its replay; None: nothing. The first few are named by id."""

    step: str
    #: whether it is a way out of the step, else a touch or its refusal
    move: bool
    live: str | None
    replayed: str | None
    contacts: int
    such_as: list[int]


@dataclass
class Compared:
    """What two makings of a pass have in common and what not, by kind of row."""

    rows: dict[str, int] = field(default_factory=dict)  #: of the live pass
    differing: dict[str, int] = field(default_factory=dict)  #: rows that only one of the two has
    shown: dict[str, list[dict[str, Any]]] = field(default_factory=dict)  #: the first of these
    erased: int = 0  #: contacts that are no longer in the base, left out of both
    verdicts: list[Verdict] = field(default_factory=list)

    @property
    def equal(self) -> bool:
        return not any(self.differing.values())


def compare(wh: Warehouse, stage: Warehouse, records: Sequence[Record]) -> Compared:
    """Compare what a pass made true with what the branch `stage` has made of it."""
    engine, found = wh.engine(), Compared()
    with wh.snapshot(engine=engine) as snapshot:  # the files of the live pass stay meanwhile
        try:
            for view in COMPARED:
                _live(engine, wh, snapshot.n, view, records)
                _replayed(engine, stage, view, records[0])
            found.erased = _without_erased(engine, wh, snapshot.n, records)
            for view, columns in COMPARED.items():
                _differences(engine, found, view, columns)
            found.verdicts = [Verdict(*row) for row in engine.run("replaying/verdicts", stays=list(STAYS), shown=SHOWN)]
        finally:
            engine.close()
    return found


def _live(engine: Engine, wh: Warehouse, n: int, view: str, records: Sequence[Record]) -> None:
    """The view `<view>_every_live`: what the run made true, folded with others' rows or not."""
    part, record = schema.part, records[0]
    with wh.ledger.read() as tx:
        parts = parts_of(tx, n, view, part.c.chain == record.chain, sa.or_(part.c.run == record.run, part.c.run.is_(None)),
                         part.c.slice.in_([one.slice for one in records]))
    _rows(engine, wh.store, parts, view, "live", record.run)


def _replayed(engine: Engine, stage: Warehouse, view: str, record: Record) -> None:
    """The view `<view>_every_replayed`: what the branch has made."""
    part = schema.part
    with stage.ledger.read() as tx:
        parts = parts_of(tx, current_number(tx), view, part.c.n < 0)
    _rows(engine, stage.store, parts, view, "replayed", record.run)


def _rows(engine: Engine, store, parts: Sequence[Part], view: str, side: str, run: str) -> None:
    scan(engine, store, list(parts), view, f"{view}_of_{side}")
    # A sender's refusals bear the run that sent, which may be the same one.
    planned = " AND stage = 'plan'" if view == "refusals" else ""
    engine.execute(f"CREATE OR REPLACE TEMP TABLE {view}_every_{side} AS SELECT * FROM {view}_of_{side} "
                   f"WHERE run = $run{planned}", run=run)


def _without_erased(engine: Engine, wh: Warehouse, n: int, records: Sequence[Record]) -> int:
    """The views `<view>_live` and `<view>_replayed`, without contacts that are no longer in the base; returns how many."""
    with wh.ledger.read() as tx:
        parts = parts_of(tx, n, "contacts", schema.part.c.slice.in_([one.slice for one in records]))
    scan(engine, wh.store, parts, "contacts", "contacts_there", constants=False)
    everybody = " UNION ".join(f"SELECT enrolment_id & 68719476735 AS contact_id FROM {view}_every_{side}"
                               for view in COMPARED for side in ("live", "replayed"))
    engine.execute(f"CREATE OR REPLACE TEMP TABLE erased AS SELECT contact_id FROM ({everybody}) AS e "
                   "ANTI JOIN contacts_there AS c ON c.contact_id = e.contact_id")
    for view in COMPARED:
        for side in ("live", "replayed"):
            engine.execute(f"CREATE OR REPLACE TEMP VIEW {view}_{side} AS SELECT r.* FROM {view}_every_{side} AS r "
                           "ANTI JOIN erased AS e ON e.contact_id = r.enrolment_id & 68719476735")
    return engine.count("erased")


def _differences(engine: Engine, found: Compared, view: str, columns: Sequence[str]) -> None:
    # The wave and the contact in one number: a replay gives the same ones.
    named = ", ".join("enrolment_id" if column == "contact_id" else column for column in columns)
    for side in ("live", "replayed"):
        engine.execute(f"CREATE OR REPLACE TEMP VIEW {side}_rows AS SELECT {named} FROM {view}_{side}")
    found.rows[view] = engine.count(f"{view}_live")
    engine.keep(f"{view}_differing", "replaying/differences")
    found.differing[view] = engine.count(f"{view}_differing")
    found.shown[view] = engine.sql(f"SELECT * FROM {view}_differing LIMIT {SHOWN}").to_pylist()
