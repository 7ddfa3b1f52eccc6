"""`relance status` and `relance sql`."""

from datetime import datetime

import pytest

from warehouse import processes, schema


def test_new_house(empty):
    """An empty house says what comes first."""
    said = empty("status")

    assert said.code == 0
    assert "No pass has run yet. Next: relance pass CHAIN" in said.out
    assert "Nothing was loaded yet. Next: relance load contacts FILE" in said.out


def test_status(passed):
    """Chains with who is in them and when they are due, connectors, sources with their age."""
    record = passed("status", "--json").json
    chain = record["chains"][0]

    assert (record["now"], record["simulated_clock"], record["inbox"]) == ("2026-01-05T09:00:00Z", True, 0)
    assert (chain["chain"], chain["active"], chain["next_due"], chain["due_at_steps"]) == (
        "reactivate_lapsed", 19, "2026-01-12T09:00:00Z", [])
    assert chain["last_pass"]["state"] == "completed" and chain["last_pass"]["said"].startswith("20 of 20 entered")
    assert record["connectors"] == [{
        "connector": "folder", "channels": ["email", "phone", "post", "sms", "voice"], "planned": 0, "sending": 0,
        "settled": 0, "unknown": 0, "stuck": 0, "stopped": None, "daily_ceiling": None, "handed_today": None}]
    assert (record["alarms"], chain["overdue"], chain["next_pass"]) == ([], None, None)
    assert [(row["source"], row["rows"], row["age_seconds"], row["confirmed"]) for row in record["sources"]] == [
        ("consents", 1, 0.0, True), ("contacts", 40, 0.0, True), ("orders", 40, 0.0, True), ("suppressions", 1, 0.0, True)]


def test_a_run_that_died_is_told(passed):
    """Who asks for the status finds out which runs cannot be running any more."""
    from flows import wiring

    ledger, (host, number, start, place) = wiring.wired().warehouse.ledger, processes.ours().split(" ")
    with ledger.begin() as tx:
        ledger.put(tx, schema.run, {"id": "gone", "name": "gone", "kind": "send", "started_at": datetime(2026, 1, 5), "state": "running",
                                    "process": f"{host} {number} {start}0 {place}"})
    passed("status")

    assert passed("sql", "select state from runs where run = 'gone'", "--json").json["rows"] == [{"state": "crashed"}]


def test_alarms(passed):
    """What is wrong stands above all else, with what to do about it."""
    from flows import wiring
    from warehouse import stops

    ledger = wiring.wired().warehouse.ledger
    stops.stop(ledger, "folder", "credit: 402 nothing left")
    shown, told = passed("status").out, passed("status", "--json").json["alarms"]
    stops.release(ledger, "folder")

    assert "stopped connector" in shown and "relance send folder --resume" in shown and "402 nothing left" in shown
    assert [(alarm["kind"], alarm["what"]) for alarm in told if alarm["kind"] != "crashed_run"] == [("stopped_connector", "folder")]


def test_answers(passed):
    """A question is answered over facts and marts of one moment."""
    rows = passed("sql", "with e as (select * from enrolments) select chain, count(*) as many from e group by all", "--json").json
    shown = passed("sql", "from chain_funnel")

    assert rows == {"columns": ["chain", "many"], "rows": [{"chain": "reactivate_lapsed", "many": 20}]}
    assert (shown.code, "reactivate_lapsed" in shown.out) == (0, True)


def test_views_are_listed(passed):
    """`show tables` lists the documented views with what they hold, and nothing beneath them."""
    rows = passed("sql", "SHOW TABLES;", "--json").json["rows"]

    assert {"name": "contacts", "what_it_holds": "One row per contact, with its attributes as loaded."} in rows
    assert not [row for row in rows if row["name"].startswith(("raw_", "ledger_"))]


@pytest.mark.parametrize("query", ["describe contacts", "summarize orders", "show contacts", "values (1)"])
def test_reading_statements(passed, query):
    """What only reads is answered."""
    assert passed("sql", query).code == 0


@pytest.mark.parametrize("query", [
    "create table t as select 1", "copy contacts to 'contacts.csv'", "delete from contacts", "attach 'x.db'", "set threads = 9",
    "pragma version", "install httpfs", "export database 'x'", "select 1; select 2", "", "call pragma_version()",
    "explain analyze copy contacts to 'contacts.csv'",
])
def test_nothing_is_changed(passed, query, tmp_path, monkeypatch):
    """What is no single question is refused before it runs."""
    monkeypatch.chdir(tmp_path)
    said = passed("sql", query)

    assert (said.code, said.out, list(tmp_path.iterdir())) == (2, "", [])
    assert "accepted: one SELECT, WITH, FROM, DESCRIBE, SHOW or SUMMARIZE" in said.err


@pytest.mark.parametrize("query", [
    "select * from read_text('/etc/passwd')", "select * from '/etc/passwd.csv'", "from glob('/etc/*')", "from read_csv('{home}/house.toml')",
    "select * from read_blob('{home}/secret.key')", "from read_parquet('https://example.org/x.parquet')",
])
def test_nothing_else_is_read(passed, query):
    """Only the parts can be opened: no other file, not even the house's own."""
    import os

    said = passed("sql", query.format(home=os.environ["RELANCE_HOME"]), "--json")

    assert said.code == 2
    assert "disabled by configuration" in said.json["error"]["message"]


def test_mistake(passed):
    """A mistake in the query is DuckDB's own sentence, and 2."""
    said = passed("sql", "select nothing from contacts")

    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("relance: DuckDB: Binder Error") and "Traceback" not in said.err
