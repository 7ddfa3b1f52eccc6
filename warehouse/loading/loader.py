"""One load from the path to the commit: read, understand, hold or merge, write the rejects, make it true."""

import statistics
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import duckdb
import numpy as np
import sqlalchemy as sa

from warehouse import schema
from warehouse.passing.standing import refresh_standing
from warehouse.commit import HeadMoved
from warehouse.ledger import LedgerError
from warehouse.loading.cells import Reader
from warehouse.loading.kinds import Kind, LoadError, kind_of
from warehouse.loading.merging import Merger, Plan, attribute_types
from warehouse.loading.reading import Sheet, read
from warehouse.loading.rejects import rejected_places, write_rejects
from warehouse.loading.report import Report
from warehouse.loading.understanding import Complaint, Understood, is_corrected, understand
from warehouse.store import StoreError

__all__ = ["load"]

#: A load is compared with the median of so many before it.
USUAL_LOADS = 5
#: Differences of fewer rows say nothing about a source.
FEW_ROWS = 100
#: Above this share of rejected rows a source is not confirmed.
REJECTED_SHARE = 0.01
ATTEMPTS = 5
STAGES = 6
#: What a disk, a folder or a database can refuse.
FAILURES = (OSError, StoreError, LedgerError, duckdb.IOException, duckdb.OutOfMemoryException, sa.exc.DBAPIError)

Progress = Callable[[int, int, str], None]


def load(warehouse, kind: str, path: Path | str, *, as_of: datetime, run: str, confirm: bool = False,
         progress: Progress | None = None) -> Report:
    """Load a CSV or Parquet file of contacts, orders, consents or suppressions, in one commit.

    `as_of` (naive, UTC) is the moment of the load, `run` the id that its rows carry. `progress` is
    told (stages done, stages in all, what comes now). The same file again changes nothing.
    A file half or twice the usual size is held (`Report.held`) unless `confirm`. Raises LoadError,
    naming the file and what is accepted, with nothing loaded.
    """
    tell = progress or (lambda done, total, what: None)
    path, what = Path(path), kind_of(kind)
    tell(0, STAGES, f"reading {path.name}")
    sheet = read(path)
    tell(1, STAGES, "understanding its columns")
    understood = _understood(warehouse, sheet, what, as_of)
    report = _told(sheet, what, understood)
    source = f"{kind}/corrected" if is_corrected(sheet) else kind
    report.held = None if confirm else _held(warehouse.ledger, source, report)
    if report.held:
        return report
    try:
        _merge_again(warehouse, sheet, what, understood, report, source, as_of, run, confirm, tell)
    except FAILURES as error:
        raise LoadError(f"{path} could not be loaded, and nothing of it was kept: {_reason(error)}") from error
    tell(STAGES - 1, STAGES, "refreshing what the gate knows")
    try:
        refresh_standing(warehouse, run=run, as_of=as_of)
    except FAILURES as error:  # the load is committed, and the next pass makes what it did not find
        report.notes.append(f"what the gate knows is left to the next pass ({_reason(error)})")
    tell(STAGES, STAGES, "loaded")
    return report


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(getattr(error, "orig", None) or error).splitlines()[0]


def _merge_again(*arguments) -> Report:
    """Merge; where another load came between reading and commit, read again."""
    for _ in range(ATTEMPTS - 1):
        with suppress(HeadMoved):
            return _merge(*arguments)
    return _merge(*arguments)


def _understood(warehouse, sheet: Sheet, kind: Kind, as_of: datetime) -> Understood:
    house = warehouse.house
    reader = Reader(zone=house.zone, currency=house.currency, country=house.country, as_of=as_of,
                    comma=sheet.separator == ";")
    try:
        with warehouse.snapshot() as snapshot:
            known = attribute_types(snapshot, kind.name)
        return understand(sheet, kind, reader, known)
    finally:
        reader.close()


def _told(sheet: Sheet, kind: Kind, understood: Understood) -> Report:
    report = Report(kind=kind.name, path=sheet.path, digest=sheet.digest, encoding=sheet.encoding_shown,
                    separator=sheet.separator_shown, columns=understood.columns, attributes=understood.attributes,
                    ignored=understood.ignored, notes=understood.notes, repairs=understood.repairs)
    report.read = sheet.rows - understood.blank
    if sheet.trimmed:
        report.notes.append(f"{sheet.trimmed:,} rows ended with empty cells beyond the last column")
    return report


def _held(ledger, source: str, report: Report) -> str | None:
    """Why a load waits for a confirmation: its size is not that of the loads before it."""
    table = schema.source
    query = (sa.select(table.c.rows, table.c.digest).where(table.c.source == source)
             .order_by(table.c.id.desc()).limit(USUAL_LOADS))
    with ledger.read() as tx:
        before = tx.execute(query).all()
    if not before or source.endswith("/corrected") or report.digest in {digest for _, digest in before}:
        return None
    usual = statistics.median(rows for rows, _ in before)
    if abs(report.read - usual) < FEW_ROWS or usual / 2 < report.read < usual * 2:
        return None
    return (f"{report.read:,} rows where the last {len(before)} loads of {report.kind} had {usual:,.0f} (median); "
            "look at the file, then load it again with the confirmation if it is whole")


def _merge(warehouse, sheet: Sheet, kind: Kind, understood: Understood, report: Report, source: str,
           as_of: datetime, run: str, confirm: bool, tell: Progress) -> Report:
    tell(2, STAGES, f"comparing with the {kind.name} that are known")
    with Merger.reading(warehouse, kind, as_of=as_of, run=run) as merger:
        plan = merger.plan(understood.rows, sheet.lines)
        tell(3, STAGES, "writing the rejected rows")
        complaints = [*understood.complaints, *plan.complaints]
        name = f"rejected-{kind.name}-{sheet.path.name.split('.')[0]}-{sheet.digest[:8]}.csv"
        report.rejects = write_rejects(warehouse.home / "rejects", name, sheet, complaints)
        _count(report, plan, sheet, complaints)
        report.confirmed = confirm or report.rejected <= report.read * REJECTED_SHARE
        tell(4, STAGES, "committing")
        row = {"source": source, "loaded_at": as_of, "newest_at": plan.newest_at, "rows": report.read,
               "rejected": report.rejected, "confirmed": report.confirmed, "digest": sheet.digest, "run": run}
        plan.commit.within(lambda tx, _numbers: tx.execute(sa.insert(schema.source), row))
        plan.commit.apply()
    return report


def _count(report: Report, plan: Plan, sheet: Sheet, complaints: list[Complaint]) -> None:
    report.new, report.changed, report.unchanged = plan.new, plan.changed, plan.unchanged
    report.repeated, report.newest_at = plan.repeated, plan.newest_at
    report.rejected = len(rejected_places(complaints)) + len(sheet.broken)
    counted: dict[str, int] = {}
    for complaint in complaints:
        counted[complaint.rule] = counted.get(complaint.rule, 0) + len(np.unique(complaint.places))
    if sheet.broken:
        counted["the row could not be cut into cells"] = len(sheet.broken)
    report.reasons = dict(sorted(counted.items(), key=lambda item: -item[1]))
