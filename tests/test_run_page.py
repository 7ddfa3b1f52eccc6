"""What a run's page leads to: who is due next, the waves that live, and links that hold wherever the page is shown."""

from dataclasses import replace
from datetime import datetime
from urllib.parse import urljoin

import pytest

from marketing.chain import COMMERCIAL, Chain, Goal, Send, WaitFor, days, weeks
from marketing.graph import compile
from marketing.responses import CLICKED, PURCHASED
from reports import places
from reports.artifact import WAVES, artifact
from reports.due import DueFigures, due_at_steps, read_due
from reports.figures import Figures, RunFigures, WaveFigures
from tests.marts.shop import Shop

CHAIN = Chain(
    name="win_back", title="Win back", kind="loyalty", audience="lapsed_buyers", goal=Goal(PURCHASED, within=weeks(6)), holdout=0.1,
    steps=[Send("hello", by="email", message="hello", purpose=COMMERCIAL),
           WaitFor("answer", within=days(7), on={CLICKED: [Send("offer", by="email", message="offer", purpose=COMMERCIAL)]})])
AS_OF = datetime(2026, 1, 5, 9)
WAVE = WaveFigures("run1", "spring", "win_back", 1, 90, 9, 80, 70, True, 3, 4.5, 60.0, False, None)
NONE = Figures((), (), (), (), (), (), {}, {})


def page(*waves: WaveFigures, due: tuple[DueFigures, ...] = (), **more) -> str:
    return artifact(RunFigures("run1", "win_back"), replace(NONE, waves=waves), compile(CHAIN), "EUR", due=due, **more)


def part(text: str, heading: str) -> list[str]:
    """The lines of a part of the page."""
    return text.partition(f"## {heading}\n")[2].partition("\n## ")[0].strip().splitlines()


def test_due_by_days_of_the_house():
    """Those due later are counted by the house's own days: late in the evening of Paris it is the same day still."""
    rows = [("answer", datetime(2026, 1, 12, 22, 30), 4), ("answer", datetime(2026, 1, 12, 23, 5), 2),
            ("answer", datetime(2026, 1, 12, 9), 7), ("answer", datetime(2026, 1, 5, 9), 1), ("answer", datetime(2026, 1, 13, 8), 5),
            ("quiet", None, 3)]

    assert due_at_steps(rows, AS_OF, "Europe/Paris") == [
        DueFigures("answer", 19, 1, datetime(2026, 1, 12, 10), 11, 7), DueFigures("quiet", 3, 0, None, 0, 0)]


def test_due_of_a_warehouse():
    """Each contact counts at the step where it stands, by its last move; who has left is due nowhere."""
    shop = Shop()
    shop.contact(1, 2, 3)
    for number, moves in enumerate([[("hello", 5), ("answer", 12)], [("hello", 5)], [("hello", 5), ("exit:suppressed", None)]], 1):
        shop.add("enrolments", enrolment_id=number, chain="win_back", version=1, wave=1, contact_id=number, arm="treated",
                 enrolled_at=AS_OF, run="run1")
        for seq, (step, day) in enumerate(moves, 1):
            shop.add("moves", chain="win_back", version=1, wave=1, enrolment_id=number, contact_id=number, seq=seq, from_step="",
                     to_step=step, reason="next", visit=1, due_at=day and datetime(2026, 1, day, 9), moved_at=AS_OF, run="run1")

    assert read_due(shop.sql, "win_back", AS_OF, "Europe/Paris") == [
        DueFigures("answer", 1, 0, datetime(2026, 1, 12, 10), 1, 1), DueFigures("hello", 1, 1, None, 0, 0)]
    assert read_due(shop.sql, "spring", AS_OF, "Europe/Paris") == []


def test_due_is_told_in_the_order_of_the_chain():
    """Step by step as the chain has them, those of an earlier version last, with the zone of the times."""
    due = tuple(DueFigures(step, 5, now, datetime(2026, 1, 12, 10), 4, 5 - now) for step, now in (("gone", 0), ("answer", 1), ("hello", 0)))
    lines = part(page(due=due, zone="Europe/Paris"), "Due next")

    assert lines[2:5] == ["| hello | 5 | 0 | 2026-01-12 10:00 | 4 | 5 |", "| answer | 5 | 1 | 2026-01-12 10:00 | 4 | 4 |",
                          "| gone | 5 | 0 | 2026-01-12 10:00 | 4 | 5 |"]
    assert lines[-1].startswith("All times in Europe/Paris.")


@pytest.mark.parametrize("due", [(), (DueFigures("answer", 7, 0, None, 0, 0),)])
def test_nobody_is_due(due):
    """Where nobody waits for a moment, the page says so."""
    assert part(page(due=due), "Due next") == ["Nobody is due."]


def test_waves_that_live():
    """A wave is told as long as somebody is in it or its goal counts, the newest first, with a link to the run that started
    it; one that is over is not."""
    lines = part(page(WAVE, replace(WAVE, wave=2, run="run2", run_name="[Easter] | try"), replace(WAVE, wave=3, lives=False)), "Waves")

    assert lines[2:] == [
        "| 2 | [(Easter) / try](../../runs/flow-run/run2) | 90 | 9 | 70 | 80 | 3 | 4.50 EUR | 60.00 EUR |",
        "| 1 | [spring](../../runs/flow-run/run1) | 90 | 9 | 70 | 80 | 3 | 4.50 EUR | 60.00 EUR |"]
    assert "## Waves" not in page(replace(WAVE, lives=False))
    assert part(page(WAVE, run_name="by its new name"), "Waves")[2].startswith("| 1 | [by its new name](../../runs/flow-run/run1) |")


def test_more_waves_than_a_page_holds():
    """Of very many waves the largest are told, and how many are not."""
    lines = part(page(*(replace(WAVE, wave=number, enrolled=number) for number in range(1, WAVES + 4))), "Waves")

    assert (len(lines), lines[2].split()[1], lines[-1]) == (WAVES + 4, str(WAVES + 3), "3 smaller waves are not shown.")


@pytest.mark.parametrize("root", ["http://127.0.0.1:4200", "https://prefect.shop.example/v2"])
@pytest.mark.parametrize("shown", ["/artifacts/artifact/a1", "/artifacts/key/win-back", "/runs/flow-run/run1?tab=Artifacts"])
def test_links_hold_anywhere(root, shown):
    """From any page that shows the figures, in both interfaces and at any address, the links lead to the same places."""
    found = [urljoin(root + shown, place) for place in (
        places.run("run1"), places.deployment("d1"), places.artifact(places.artifact_key("win_back")))]

    assert found == [f"{root}/runs/flow-run/run1", f"{root}/deployments/deployment/d1", f"{root}/artifacts/key/win-back"]


def test_elsewhere():
    """The page ends with the way to the chain's figures of today, to all chains, and to the chain's form where it has one."""
    assert part(page(deployment="d1"), "Elsewhere") == [
        "- [These figures as they are by now](../../artifacts/key/win-back)",
        "- [All chains at a glance](../../artifacts/key/status)",
        "- [The chain: its form and its schedule](../../deployments/deployment/d1)"]
    assert len(part(page(), "Elsewhere")) == 2
