"""`relance load`."""

from tests.cli.conftest import ORDERS


def test_says_what_it_understood(loaded, files):
    """The same file again is understood again, and changes nothing."""
    said = loaded("load", "orders", str(files / "orders.csv"))

    assert (said.code, said.err) == (0, "")
    assert "amount: decimal commas, 40 rows" in said.out
    assert "40 rows read: 0 new, 0 changed, 40 already known, 0 rejected" in said.out


def test_json(loaded, files):
    """With --json the answer is one document, and nothing else."""
    record = loaded("load", "orders", str(files / "orders.csv"), "--json").json

    assert {name: record[name] for name in ("kind", "read", "unchanged", "rejected", "held", "confirmed")} == {
        "kind": "orders", "read": 40, "unchanged": 40, "rejected": 0, "held": None, "confirmed": True}


def test_waits_for_a_confirmation(loaded, tmp_path):
    """A file with many bad rows ends with 3 and says how to go on; confirmed, it ends with 0."""
    path = tmp_path / "orders.csv"
    path.write_text(ORDERS + "nobody;X1;1;2025-12-20;5\n", encoding="utf-8")
    said, confirmed = loaded("load", "orders", str(path)), loaded("load", "orders", str(path), "--confirm")

    assert (said.code, said.out.splitlines()[-1]) == (3, f"Next: relance load orders {path} --confirm")
    assert (confirmed.code, "Next:" in confirmed.out) == (0, False)


def test_no_such_file(loaded, tmp_path):
    """A path that does not exist is one sentence that names it, and 1; in JSON with --json."""
    path = tmp_path / "gone.csv"
    said, record = loaded("load", "orders", str(path)), loaded("load", "orders", str(path), "--json")

    assert (said.code, said.out, said.err.count("\n")) == (1, "", 1)
    assert str(path) in said.err
    assert (record.code, record.json["error"]["kind"]) == (1, "LoadError")


def test_no_such_kind(loaded, files):
    """A kind that there is not is a mistake in the command line: 2, with those there are."""
    said, record = (loaded("load", "customers", str(files / "orders.csv"), *more) for more in ((), ("--json",)))

    assert (said.code, "suppressions" in said.err) == (2, True)
    assert (record.code, record.json["error"]["kind"]) == (2, "UsageError")


def test_kept_in_the_ledger(loaded):
    """Each load is a run of the ledger, with who started it."""
    rows = loaded("sql", "select state, count(*) > 3 as some, bool_and(starter is not null) as known from runs "
                         "where kind = 'load' group by all order by 1", "--json").json["rows"]

    assert {"state": "completed", "some": True, "known": True} in rows
