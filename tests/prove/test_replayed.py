"""Every pass of the demo made again at its end: nine months of 23,570 customers, zero differences; a tighter cap counted by hand."""

import shutil
import time
from collections import Counter
from datetime import timedelta

import pytest

from demo.season import CHAINS
from flows.replaying import Change, replay
from marketing.calendar import local, utc
from marketing.policy import Policy
from tests.demo.seasons import play
from warehouse.clock import wall
from warehouse.maintenance import fold_small, sweep

pytestmark = [pytest.mark.prove, pytest.mark.timeout(1800), pytest.mark.xdist_group("prove_demo")]

CAP = '\n[[cap]]\nname = "tight"\nchannels = ["email"]\nat_most = 1\nwithin_days = 30\n'


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """The season of the demo, folded and swept as it would be a month later."""
    home = tmp_path_factory.mktemp("demo")
    over = play(home)
    warehouse = over.season.wired.warehouse
    fold_small(warehouse, run="fold", as_of=warehouse.clock.now(), more_than=1)
    sweep(warehouse, now=wall() + timedelta(days=30))
    return over


def test_every_pass(played):
    """Each of the forty passes is made again from its record: the same moves, touches and refusals, row for row."""
    wired, counted, begun, made = played.season.wired, Counter(), time.perf_counter(), []
    for number, summary in enumerate(played.summaries):
        again = replay(wired, summary.run, run=f"proof-{number}")
        counted.update(again.compared.rows)
        made.append((summary.chain, again.compared.differing))
    seconds = time.perf_counter() - begun
    print(f"\n{len(made)} passes of the demo made again in {seconds:.0f} s: {dict(counted)}, none differs")

    assert [one for one in made if any(one[1].values())] == []
    assert [chain for chain, _ in made] == [*CHAINS] * 20
    with wired.warehouse.snapshot() as snapshot:
        there = snapshot.sql("SELECT (SELECT count(*) FROM moves) AS moves, (SELECT count(*) FROM touches) AS touches, "
                             "(SELECT count(*) FROM refusals WHERE stage = 'plan') AS refusals").to_pylist()[0]
    assert dict(counted) == there


def test_a_tighter_cap(played, tmp_path):
    """One e-mail in thirty days: each of six passes refuses exactly whom the touches, counted one by one, say."""
    wired = played.season.wired
    path = tmp_path / "policy.toml"
    shutil.copy(wired.warehouse.home / "policy.toml", path)
    path.write_text(path.read_text() + CAP)
    change = Change(policy=Policy.read(path))
    with wired.warehouse.snapshot() as snapshot:
        touches = snapshot.sql("SELECT t.contact_id, t.planned_at, t.run FROM touches AS t ANTI JOIN receipts AS r ON "
                               "r.enrolment_id = t.enrolment_id AND r.step = t.step AND r.visit = t.visit AND r.leg = t.leg "
                               "AND r.outcome NOT IN ('accepted', 'duplicate', 'unknown') WHERE channel = 'email'").to_pylist()
    by_contact: dict[int, list] = {}
    for touch in touches:
        by_contact.setdefault(touch["contact_id"], []).append(touch["planned_at"])
    zone, found, expected = wired.warehouse.house.zone, {}, {}
    for number, summary in enumerate(played.summaries[3:39:6]):
        verdicts = replay(wired, summary.run, change, run=f"tight-{number}").compared.verdicts
        found[summary.run] = sum(one.contacts for one in verdicts if not one.move and one.live == "planned"
                                 and "tight" in one.replayed)
        after = utc(local(summary.as_of, zone) - timedelta(days=30), zone)
        expected[summary.run] = sum(any(after < one < touch["planned_at"] for one in by_contact[touch["contact_id"]])
                                    for touch in touches if touch["run"] == summary.run)
    print(f"\ntouches that one e-mail in thirty days would have refused, by pass: {list(found.values())}")

    assert found == expected and sum(found.values()) > 100
