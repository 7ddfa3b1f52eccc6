"""`relance report` and `relance reconcile`."""

import sqlalchemy as sa

from flows import wiring
from warehouse.schema import rest


def test_nothing_yet(empty):
    """Before the first pass both say so, and what comes next; a misspelt chain is told."""
    assert "No chain has enrolled anybody yet. Next: relance pass CHAIN" in empty("report").out
    assert empty("reconcile").out == "No pass has run yet: there is nothing to account for.\n"
    assert empty("report", "reactivate").code == empty("reconcile", "reactivate").code == 2


def test_report(passed):
    """The report shows the funnel, the refusals, and that this holdout is too small for a claim."""
    said, record = passed("report"), passed("report", "reactivate_lapsed", "--json").json

    assert said.code == 0
    assert "not enough data" in said.out and "consent withdrawn" in said.out and "Amounts in EUR" in said.out
    assert [tuple(row[name] for name in ("chain", "enrolled", "held_out", "sent", "dropped", "active", "ended"))
            for row in record["figures"]["chains"]] == [("reactivate_lapsed", 20, 2, 17, 3, 19, 1)]
    assert {row["run"] for row in record["figures"]["waves"]} == {
        row["run"] for row in passed("sql", "select run from runs where kind = 'pass'", "--json").json["rows"]}


def test_page(passed, tmp_path):
    """--html writes one page that needs nothing else."""
    path = tmp_path / "deep" / "report.html"
    said = passed("report", "--html", str(path))
    page = path.read_text(encoding="utf-8")

    assert said.out.splitlines()[-1] == f"Written: {path}"
    assert page.startswith("<!doctype html>") or page.startswith("<!DOCTYPE html>")
    assert "<svg" in page and "Win back lapsed buyers" in page


def test_balanced(passed):
    """Everybody who entered is accounted for."""
    said, record = passed("reconcile"), passed("reconcile", "reactivate_lapsed", "--json").json

    assert (said.code, said.out) == (0, "reactivate_lapsed: 20 entered = 19 active + 1 exit:not_reached (not_sent): balanced\n")
    assert (record["balanced"], record["chains"]["reactivate_lapsed"]["contradictions"]) == (True, [])


def test_not_balanced(passed):
    """One contact too many is told, and ends with 1."""
    ledger = wiring.wired().warehouse.ledger
    change = sa.update(rest).where(rest.c.step == "holdout")
    with ledger.begin() as tx:
        tx.execute(change.values(residents=rest.c.residents + 1))
    said = passed("reconcile")
    with ledger.begin() as tx:
        tx.execute(change.values(residents=rest.c.residents - 1))

    assert (said.code, said.out) == (1, "reactivate_lapsed: 20 entered = 20 active + 1 exit:not_reached (not_sent): NOT BALANCED\n")
