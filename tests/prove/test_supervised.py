"""kill -9 of worker, run and Prefect server, in the middle of a pass and of a send: the schedules do what was left."""

import time
from collections import Counter

import pytest

from tests.prove.supervised import CHAIN, ENDED, MID_BATCH, Supervised, until
from warehouse.outbox import open_batches
from warehouse.reconciling import account
from warehouse.versions import chain_numbers

pytestmark = [pytest.mark.prove, pytest.mark.timeout(600), pytest.mark.xdist_group("supervised")]

#: Contacts that a pass takes in; at each death one wave is on its way to the provider, and one on its way into the chain.
WAVE = 2_500
#: Who dies, and where its pass and its send are at that moment. The others go on.
DEATHS = {
    "engine": (("engine",), "commit.part_written", "send.handed_over"),
    "worker": (("worker",), "pass.wave_reserved", MID_BATCH),
    "worker and engine": (("worker", "engine"), "commit.parts_sealed", MID_BATCH),
    "server": (("server",), "commit.before_parts", "send.handed_over"),
    "all three": (("engine", "worker", "server"), "commit.done", "send.settled"),
}
BY_THEMSELVES = (CHAIN, "send", "watch")
#: Seconds after which a run whose process has died holds up nobody any more; Prefect itself would wait for five minutes.
HELD_UP = 180


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    made = Supervised(tmp_path_factory.mktemp("supervised") / "house")
    try:
        made.add_people(2 * WAVE * len(DEATHS) + WAVE)
        made.start()
        made.command("deploy")
        made.quiet(*(one["name"] for one in made.ask("POST", "/deployments/filter")))
        yield made
    finally:
        made.stop()


def reached(house: Supervised) -> bool:
    """Whether everybody who has asked for it is in the chain, and nothing waits in the outbox."""
    ledger = house.wired.warehouse.ledger
    return account(ledger, chain_numbers(ledger).get(CHAIN, 0)).entered == house.asked and not open_batches(ledger)


def left_open(house: Supervised, of) -> list[str]:
    """Those of these runs that have not ended."""
    return [run["id"] for run in house.runs() if run["state_type"] not in ENDED and run["id"] in of]


def hold(house: Supervised) -> dict[str, int]:
    """The laws: each contact is held out or reached, once; every account adds up. Returns the numbers that a person reads."""
    said = house.command("reconcile")
    arms = Counter(row["arm"] == "holdout" for row in house.rows("SELECT arm FROM enrolments"))
    held_out = {str(row["contact_id"]) for row in house.rows("SELECT contact_id FROM enrolments WHERE arm = 'holdout'")}
    touches = Counter(row["outcome"] for row in house.rows("SELECT outcome FROM receipts"))
    made = Counter(contact for _, contact, *_ in house.sink())

    assert said["balanced"] and [row["contradictions"] for row in said["chains"].values()] == [[]]
    assert Counter(made.values()) == {1: len(made)}, "somebody was reached twice"
    assert not held_out & set(made) and len(held_out) + len(made) == house.asked, "somebody was not reached"
    assert arms.total() == house.asked and set(touches) <= {"accepted", "duplicate"} and touches.total() == len(made)
    return {"contacts": house.asked, "held out": len(held_out), "sink lines": len(house.sink()), "twice": sum(many > 1 for many in made.values()),
            "handed over again": touches["duplicate"]}


@pytest.mark.parametrize("death", DEATHS)
def test_killed_and_started_again(death, house, note):
    """Whoever dies, what is started again and the next runs of the schedules reach everybody, each once; who died is
    closed, and holds nobody up for longer than its lease, a turn of the schedules and a start."""
    victims, in_pass, in_send = DEATHS[death]
    house.ask_for_it(WAVE)
    planned, sent = house.plan(), len(house.sink())
    house.ask_for_it(WAVE)
    held = dict([house.held(CHAIN, in_pass), house.held("send", in_send)])
    figures, began = {"with the provider": len(house.sink()) - sent}, time.monotonic()
    house.kill(*victims, runs=held)
    house.start()
    house.schedules_go_on(*BY_THEMSELVES)

    for told, done in {
            "its batches sent after, s": lambda: not house.unsent(planned), "all reached after, s": lambda: reached(house),
            "closed after, s": lambda: not left_open(house, held)}.items():
        until(done, told, HELD_UP)
        figures[told] = round(time.monotonic() - began, 1)
    house.quiet(*BY_THEMSELVES)
    until(house.at_rest, "nothing runs any more")
    note("killed, and started again", death, hold(house) | figures)
    states = {run["id"]: run["state_type"] for run in house.runs()}
    print(f"\n{death}: its pass {states[list(held)[0]]}, its send {states[list(held)[1]]}; so far "
          f"{dict(Counter(states.values()))}, starts {house.starts}")
    assert set(states.values()) <= {"COMPLETED", "CRASHED"}


def test_killed_before_its_first_line(house, note):
    """A run that dies with its worker before it has begun is closed when that worker is missed, and the next ones do its work."""
    house.ask_for_it(WAVE)
    run, process = house.fetched(CHAIN)
    state = next(one["state_type"] for one in house.runs() if one["id"] == run)
    began = time.monotonic()
    house.kill("worker", "engine", runs={run: process})
    house.start()
    house.schedules_go_on(*BY_THEMSELVES)

    until(lambda: not left_open(house, {run}), "the run is closed", HELD_UP)
    closed = time.monotonic() - began
    until(lambda: reached(house), "everybody is reached", HELD_UP)
    figures = {"closed after, s": round(closed, 1), "all reached after, s": round(time.monotonic() - began, 1)}
    house.quiet(*BY_THEMSELVES)
    until(house.at_rest, "nothing runs any more")
    note("killed, and started again", f"before its first line ({state.lower()})", hold(house) | figures)
    assert state == "PENDING"
