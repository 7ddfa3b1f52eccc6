"""Going live: what is missing is listed with what mends it, nothing else makes a house live, and it is written down."""

import json
import re
from datetime import timedelta

import pytest
import sqlalchemy as sa

from flows import wiring
from flows.cli import bounds_checkups
from tests.cli.conftest import answering
from tests.connectors.servers import mail_server
from warehouse import backing_up, environment, journal, schema
from warehouse.acts import seed

KEY = "k" * 64
NEEDED = {"contacts", "consents", "connectors", "unsubscribe", "seeds", "backup", "secret key", "house.toml"}


@pytest.fixture
def fresh(tmp_path, monkeypatch):
    """A new installation: the house of the repository, nothing loaded, by the real clock."""
    wiring._OPEN.clear()
    yield answering(tmp_path, monkeypatch)
    wiring._OPEN.clear()


@pytest.fixture
def relay():
    """A mail relay that accepts everything."""
    with mail_server() as (inbox, port):
        inbox.port = port
        yield inbox


def says(home, *changes: tuple[str, str]) -> None:
    """house.toml with other words; every process reads it anew."""
    path = home / "house.toml"
    text = path.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text)
    wiring._OPEN.clear()


def missing(relance) -> set[str]:
    record = relance("go-live", "--json").json
    wrong = [one for one in record["findings"] if one["state"] == "wrong"]
    assert record["missing"] == len(wrong) and all(one["mend"] for one in wrong)
    return {one["about"] for one in wrong}


@pytest.fixture
def ready(fresh, tmp_path, files, relay, monkeypatch):
    """A house that lacks nothing but its word in house.toml."""
    monkeypatch.setenv("RELANCE_SECRET_KEY", KEY)
    wiring._OPEN.clear()
    for kind in ("contacts", "orders", "consents", "suppressions"):
        assert fresh("load", kind, str(files / f"{kind}.csv"), "--confirm").code == 0
    with wiring.wired().warehouse.ledger.begin() as tx:
        tx.execute(sa.insert(seed), {"name": "Anne", "language": "fr", "added_at": wiring.wired().wall(),
                                     "addresses": json.dumps({"email": "anne@maison.fr"})})
    assert fresh("backup", str(tmp_path / "elsewhere")).code == 0
    says(tmp_path, ('email = "folder"', 'email = "mail"'), ("relance.example", "relance.maison.fr"), ("[costs]", f"""[connectors.mail]
kind = "smtp"
host = "127.0.0.1"
port = {relay.port}
security = "none"
sender = "Maison <hello@maison.fr>"
allow = ["@maison.fr"]

[costs]"""))
    return fresh


def test_a_fresh_installation_lacks_nearly_everything(fresh):
    """Each thing that is missing has a command; nothing of it makes the house live."""
    said = fresh("go-live", "--yes")

    assert said.code == 1 and "is not live" in said.out
    assert missing(fresh) >= NEEDED
    assert environment.environment_of(wiring.wired().warehouse.ledger) == "test"
    assert journal.entries(wiring.wired().warehouse.ledger, act="go live") == []


def test_a_file_makes_no_house_live(fresh, tmp_path):
    """With `live` written into house.toml alone every command refuses, over a new ledger and over one of test."""
    says(tmp_path, ('environment = "test"', 'environment = "live"'))
    for _ in range(2):
        said = fresh("status")
        assert (said.code, "relance go-live" in said.err) == (1, True)
    assert fresh("go-live", "--yes").code == 1
    assert "While house.toml says live" in fresh("go-live").out
    assert any(one["mend"] == "relance go-live" for one in fresh("doctor", "--json").json["findings"])


def test_the_whole_way(ready, tmp_path):
    """With everything there it waits for a word, goes live with it, says so in the journal, and is live for everybody."""
    assert missing(ready) == {"house.toml"}
    says(tmp_path, ('environment = "test"', 'environment = "live"'))
    waits = ready("go-live")
    assert (waits.code, "relance go-live --yes" in waits.out) == (3, True)
    assert ready("status").code == 1

    assert ready("go-live", "--yes").code == 0
    wiring._OPEN.clear()
    status = ready("status")
    assert status.code == 0 and "TEST" not in status.out and "environment live" in status.out
    (entry,) = ready("journal", "--act", "go live", "--json").json["entries"]
    assert (entry["known"], entry["what"]["consents"]) == ("login", "1 rows")
    assert ready("go-live", "--json").json["live"] is True
    says(tmp_path, ('environment = "live"', 'environment = "test"'))
    assert "this ledger is of 'live'" in ready("status").err


@pytest.mark.parametrize(("old", "new", "about", "words"), [
    ("https://relance.maison.fr", "http://relance.maison.fr", "unsubscribe", "not https"),
    ("https://relance.maison.fr", "https://localhost", "unsubscribe", "leads nowhere"),
    ("sms = 0.06", "sms = 0", "tariffs", "costs.sms is 0"),
    ('sender = "Maison', 'require_unsubscribe = false\nsender = "Maison', "unsubscribe", "no way out"),
    ('email = "mail"', 'email = "folder"', "connectors", "real people"),
])
def test_one_thing_missing(ready, tmp_path, old, new, about, words):
    """Whatever single thing is missing is named, and stops it."""
    says(tmp_path, (old, new), ('environment = "test"', 'environment = "live"'))
    record = ready("go-live", "--yes", "--json").json

    assert (record["live"], [one["about"] for one in record["findings"] if one["state"] == "wrong"]) == (False, [about])
    assert words in next(one["said"] for one in record["findings"] if one["state"] == "wrong")


def test_a_sender_that_is_refused(ready, tmp_path, relay):
    """A relay that cannot be reached stops it."""
    says(tmp_path, (f"port = {relay.port}", "port = 9"))

    assert missing(ready) == {"connector mail", "connectors", "house.toml"}


def test_policy_without_hours_or_caps(ready, tmp_path):
    """Calls and texts without hours, and a policy without a cap, stop it."""
    (tmp_path / "policy.toml").write_text('country = "FR"\n')
    wiring._OPEN.clear()

    assert "policy" in missing(ready)


def test_waves_of_test_stay_in_test(ready):
    """Who has entered a chain before the house was live counts as written to: such a ledger never goes live."""
    with wiring.wired().warehouse.ledger.begin() as tx:
        tx.execute(sa.insert(schema.wave), {"chain": 1, "version": 1, "run": "r", "kind": "audience", "params": "{}",
                                            "enrolled_at": wiring.wired().wall(), "audience": 3, "entered": 3, "held_out": 0})

    assert missing(ready) == {"ledger", "house.toml"}


def test_a_house_of_test_reaches_its_list(ready, tmp_path, relay):
    """A pass over the whole base with a real connector: of all that it plans the relay gets what is for the list, and a seed
    its copy; the others are refused with a reason that explain shows."""
    says(tmp_path, ('["@maison.fr"]', '["c7@example.org", "@maison.fr"]'))
    said = ready("pass", "reactivate_lapsed", "--plain", "--param", "months_silent=12", "--json").json

    assert (said["environment"], said["planned"]["we_miss_you"], said["sent"]["dropped"]) == ("test", 16, 15)
    assert relay.recipients == ["anne@maison.fr", "c7@example.org"]
    assert ready("pass", "reactivate_lapsed", "--plain", "--param", "months_silent=12").code == 0
    assert "not on the list that may be reached before the house is live" in ready("explain", "C09").out
    assert "not allowed here" in ready("report").out


def test_an_old_backup_is_none(ready):
    """A backup of eight days ago does not count."""
    wired = wiring.wired()
    backing_up.note_backup(wired.warehouse.ledger, journal.Who("anne"), "noted", now=wired.wall() - timedelta(days=8))

    assert missing(ready) == {"backup", "house.toml"}


def test_a_backup_is_a_home(passed, tmp_path, environment_of_home):
    """What was copied opens as a home of its own, with the same rows; no key is in it."""
    asked = "select chain, count(*) as many from enrolments group by all"
    before = passed("sql", asked, "--json").json
    made = [passed("backup", str(tmp_path / "copy"), "--json").json["backup"]["parts"] for _ in range(2)]
    names = {path.name for path in (tmp_path / "copy").iterdir()}
    environment_of_home(tmp_path / "copy")

    assert passed("sql", asked, "--json").json == before and before["rows"]
    assert made == [0, 0] and names == {"ledger.sqlite", "inbox.sqlite", "house.toml", "policy.toml"}


@pytest.fixture
def environment_of_home(monkeypatch):
    """`environment_of_home(folder)` makes a folder the home."""
    yield lambda folder: (monkeypatch.setenv("RELANCE_HOME", str(folder)), wiring._OPEN.clear())
    wiring._OPEN.clear()


def test_a_backup_needs_a_folder(passed):
    """A backup without a folder, or into the home itself, is refused; one by other means is noted."""
    assert passed("backup").code == 2
    assert passed("backup", str(wiring.wired().warehouse.home)).code == 2
    assert passed("backup", "--noted").code == 0
    assert backing_up.last(wiring.wired().warehouse.ledger).how == "noted"


def test_what_the_doctor_says(fresh):
    """The environment, the journal and a ceiling that is reached are findings of the doctor."""
    from datetime import UTC, datetime

    from marketing.calendar import local
    from warehouse import ceilings

    wired = wiring.wired()
    ledger, house = wired.warehouse.ledger, wired.warehouse.house
    journal.note(ledger, journal.Who("anne"), "run", {}, now=wired.wall())
    house.connectors["folder"]["daily_ceiling"] = 5
    ceilings.reserve(ledger, "folder", 9, 5, local(datetime.now(UTC).replace(tzinfo=None), house.zone).date())

    assert [one.said for one in bounds_checkups.environment(wired)] == [
        "test, in house.toml and in the ledger. TEST: nothing reaches real addresses"]
    assert [one.said for one in bounds_checkups.journal(wired)] == ["1 entries, every seal holds"]
    assert [(one.about, one.state) for one in bounds_checkups.ceilings(wired)] == [("connector folder", "remark")]
    with ledger.begin() as tx:
        tx.execute(sa.text("UPDATE journal SET who = 'bruno'"))
        tx.execute(sa.update(schema.meta).where(schema.meta.c.key == "environment").values(value="demo"))
    assert [(one.state, one.mend) for one in bounds_checkups.journal(wired)] == [("wrong", "relance journal --check")]
    assert [(one.state, one.mend) for one in bounds_checkups.environment(wired)] == [("wrong", "relance go-live")]
    (said,) = bounds_checkups.journal(wired)
    assert re.fullmatch("entry 1 .* is not as it was written", said.said)
