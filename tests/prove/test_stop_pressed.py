"""STOP as somebody presses it in the browser, on a server as `relance up` starts it: how soon the row stands."""

import json
import time
from typing import Any

import pytest

from tests.prove.installation import installed
from tests.prove.shop import Shop
from warehouse import journal
from warehouse.ledger import Ledger
from warehouse.stops import ordered

pytestmark = [pytest.mark.prove, pytest.mark.timeout(900), pytest.mark.xdist_group("prove_browser")]


def press(installation: Any, deployed: str, /, **values: Any) -> str:
    """What the button Run sends; returns the run."""
    deployment = installation.ask(f"/deployments/name/{deployed}/{deployed}")["id"]
    return installation.ask(f"/deployments/{deployment}/create_flow_run", state={"type": "SCHEDULED"}, parameters=values)["id"]


def test_pressed(tmp_path):
    """The row stands within seconds, with the name that was typed; released in the form, it ends."""
    with installed(tmp_path, Shop(30)) as installation:
        installation.command("pass", "reactivate_lapsed", "--plain")
        ledger, delays = Ledger(f"sqlite:///{installation.home / 'ledger.sqlite'}"), []
        while installation.ask("/deployments/name/STOP/STOP")["work_pool_name"]:
            time.sleep(0.2)  # it is still being taken from the worker
        for scope, name in (("all", ""), ("chain", "reactivate_lapsed"), ("wave", "1")):
            begun = time.monotonic()
            run = press(installation, "STOP", scope=scope, name=name, your_name="Bruno", why="a wrong price")
            while not ordered(ledger):
                assert time.monotonic() < begun + 60
                time.sleep(0.02)
            delays.append(time.monotonic() - begun)
            (stop,), ended = ordered(ledger), installation.ended(run)
            told = json.loads(installation.command("stops", "--json"))["stops"]
            assert (stop.scope, stop.name, stop.who, stop.why) == (scope, name, "Bruno (name typed)", "a wrong price")
            assert ended["state_type"] == "COMPLETED" and "messages have left" in ended["state"]["message"]
            assert [one["stop"] for one in told] == [stop.id]
            released = installation.ended(press(installation, "release", scope=scope, name=name, your_name="Bruno"))
            assert released["state_type"] == "COMPLETED" and ordered(ledger) == []
        wrong = installation.ended(press(installation, "STOP", scope="wave", name="99"))
        acts = [(entry.act, entry.who, entry.known) for entry in journal.entries(ledger)]
        ledger.close()

    print(f"\nfrom the press to the row: {', '.join(f'{delay:.1f} s' for delay in delays)}; it said: {ended['state']['message']}")
    assert (wrong["state_type"], "there is no wave '99'" in wrong["state"]["message"]) == ("FAILED", True)
    assert [one for one in acts if one[0] in ("stop", "release")] == [("stop", "Bruno", "typed"), ("release", "Bruno", "typed")] * 3
    assert max(delays) < 10
