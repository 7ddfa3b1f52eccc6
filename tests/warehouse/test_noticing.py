"""Noticing: whoever comes first after a file of settings was changed writes it down, once."""

import subprocess
import sys
from datetime import datetime
from decimal import Decimal

import sqlalchemy as sa

from warehouse import journal
from warehouse.acts import text
from warehouse.noticing import notice

NOW = datetime(2026, 3, 1)
ANNE, BRUNO = journal.Who("anne"), journal.Who("bruno")


def test_a_change_is_written_down_once(opened):
    """The first look only remembers; a change is one entry with both digests, under whoever found it."""
    here = opened()
    assert notice(here, ANNE, now=NOW) == [] == notice(here, BRUNO, now=NOW)
    here.policy = here.policy.model_copy(update={"global_holdout": 0.1})

    assert notice(here, BRUNO, now=NOW) == ["policy"] and notice(here, ANNE, now=NOW) == []
    (entry,) = journal.entries(here.ledger)
    assert (entry.act, entry.who, len(entry.what["was"]), entry.what["was"] != entry.what["is"]) == (
        "policy changed", "bruno", 64, True)
    with here.ledger.read() as tx:
        kept = dict(tx.execute(sa.select(text.c.digest, text.c.text)).all())
    assert '"global_holdout": 0.1' in kept[entry.what["is"]] and '"global_holdout": 0.0' in kept[entry.what["was"]]


def test_a_tariff_is_a_change_of_its_own(opened):
    """A price changes the house and its tariff; found by a schedule, it is no person's."""
    here = opened()
    notice(here, ANNE, now=NOW)
    here.house = here.house.model_copy(update={"costs": {**here.house.costs, "sms": Decimal("0.07")}})

    assert notice(here, None, now=NOW) == ["house", "tariff"]
    assert [(entry.act, entry.known) for entry in journal.entries(here.ledger)] == [
        ("house changed", "machine"), ("tariff changed", "machine")]


def test_the_same_in_every_process(opened):
    """The order in which a process holds a set is no change of the policy."""
    here = opened()
    notice(here, ANNE, now=NOW)
    look = ("import sys, pathlib, datetime; from warehouse import Warehouse; from warehouse.noticing import notice;"
            "from marketing.house import House; from marketing.policy import Policy; home = pathlib.Path(sys.argv[1]);"
            "read = House.read(home / 'house.toml'), Policy.read(home / 'policy.toml');"
            "print(notice(Warehouse.open(home, *read), None, now=datetime.datetime(2026, 3, 1)))")
    for seed in "123":
        said = subprocess.run([sys.executable, "-c", look, str(here.home)], capture_output=True, text=True, check=True,
                              env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)})
        assert said.stdout == "[]\n"
