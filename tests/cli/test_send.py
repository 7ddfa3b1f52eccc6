"""`relance send`, `collect` and `maintain`."""

from flows import wiring
from warehouse.stops import stop


def test_nothing_to_send(passed):
    """An empty outbox is no error."""
    assert passed("send", "--json").json == {
        "environment": "test", "sent": {"folder": {}}, "outbox": {}, "stopped": {}, "full": {}}
    assert passed("send").out == "TEST: nothing reaches real addresses\nNothing was ready to be sent.\n"


def test_stopped(passed):
    """A stopped connector is told with its reason and the way out, and ends with 1; --resume lets it send."""
    stop(wiring.wired().warehouse.ledger, "folder", "config: the password was refused")
    said, resumed = passed("send"), passed("send", "folder", "--resume")

    assert (said.code, said.out.splitlines()[-1]) == (
        1, "folder is stopped: config: the password was refused. Mend it, then: relance send folder --resume")
    assert resumed.code == 0


def test_no_such_connector(passed):
    """A connector that there is not is answered with those there are."""
    said = passed("send", "pigeon")

    assert (said.code, said.err) == (2, "relance: there is no connector 'pigeon'; connectors: folder.\n")


def test_waiting(loaded, environment):
    """What a pass did not send itself waits in the outbox, and says so; `send` hands it over."""
    environment.setenv("RELANCE_SEND_FOR", "0")
    planned, sent = loaded("pass", "loyalty_six_contacts", "--plain"), loaded("send", "--json").json
    environment.delenv("RELANCE_SEND_FOR")

    assert planned.out.splitlines()[-1].endswith("touches wait in the outbox. Next: relance send")
    assert sent["sent"]["folder"]["accepted"] > 0 and sent["outbox"] == {}


def test_collect(passed):
    """Collecting says what came back, and what became of it."""
    record = passed("collect", "--json").json

    assert {name: record[name] for name in ("received", "listed", "failed")} == {"received": 0, "listed": 0, "failed": {}}
    assert passed("collect").out.startswith("0 received: 0 new, 0 known already, ")


def test_maintain(passed):
    """Maintenance says what it folded and deleted."""
    assert set(passed("maintain", "--json").json) == {"receipts", "folded", "files", "orphans", "rows", "snapshots", "branches", "records"}
