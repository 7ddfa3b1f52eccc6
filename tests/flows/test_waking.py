"""Waking in flow runs: what is scheduled, what is told, and that neither can stop a run."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from uuid import uuid4

import pyarrow as pa
import pytest

import chains
from flows import waking
from flows.collect import take_in
from flows.load import load_file
from flows.send import drain
from marketing.chain import RELATIONSHIP, REPLIED, Chain, Exit, Send, WaitFor, days, minutes
from marketing.summary import Summary
from tasks import wake
from tests.cli.conftest import CONTACTS
from tests.clockwork import Clockwork, utc
from warehouse import idling
from warehouse.tables import TABLES

START = "2026-01-05 08:00"
LEADS = chains.load("prospect_web_lead")


def chain(name: str) -> Chain:
    return Chain(name=name, title="Ask", kind="loyalty", audience="everybody", wake_every=minutes(15), enrol_every=days(99), steps=[
        Send("question", by="email", message="question", purpose=RELATIONSHIP),
        WaitFor("answer", days(3), {REPLIED: [Exit("spoke")]})])


@pytest.fixture
def clockwork(home, monkeypatch):
    made = Clockwork(home, monkeypatch, chain("ask"), {1: None, 2: None}, utc(START))
    yield made
    made.close()


def outlook(clockwork: Clockwork, now: str, name: str = "ask"):
    return idling.outlook(clockwork.warehouse.ledger, name, [0], utc(START), utc(now))


def test_outlook(clockwork):
    """The next moment is the first deadline, and now where receipts or answers are unread; a chain never passed has none."""
    before = outlook(clockwork, START)
    clockwork.at(START)
    receipts = outlook(clockwork, "2026-01-05 08:01")
    clockwork.at("2026-01-05 08:15")
    quiet = outlook(clockwork, "2026-01-05 08:16")
    clockwork.hear(1, "question", REPLIED, "2026-01-06 10:00")
    clockwork.at("2026-01-06 10:00", "2026-01-06 10:15")

    assert (before, receipts) == ((None, False), (utc("2026-01-05 08:01"), False))
    assert quiet == outlook(clockwork, "2026-01-07 08:16") == (utc("2026-01-08 08:00"), False)
    assert outlook(clockwork, "2026-01-09 09:00") == (utc("2026-01-09 09:00"), False)


def test_outlook_of_hand_overs(clockwork):
    """Contacts handed over are news to the chain they come to, and to no other."""
    commit = clockwork.warehouse.commit(run="other", as_of=utc("2026-01-05 08:30"))
    columns = TABLES["moves"].columns
    moved = {"enrolment_id": 1, "contact_id": 1, "seq": 1}
    table = pa.Table.from_pylist([{name: moved.get(name) for name in columns.names}], columns)
    commit.add("moves", table, slice=0, to_step="enrol:ask", reason="otherwise", from_step="a")
    commit.apply()

    assert outlook(clockwork, "2026-01-05 08:31") == (utc("2026-01-05 08:31"), True)
    assert outlook(clockwork, "2026-01-05 08:31", "another") == (None, False)


@pytest.fixture
def told(monkeypatch):
    """The events that would have been told, and the passes that would have been planned."""
    said = SimpleNamespace(events=[], planned=[])
    monkeypatch.setattr(wake, "emit", lambda event, name, counts: said.events.append((event, name, counts)))
    monkeypatch.setattr(wake, "plan", lambda wired, chain, due, news=False: said.planned.append((chain.name, due, news)))
    monkeypatch.setattr(wake, "deployed", uuid4)
    monkeypatch.setattr(waking, "sound", lambda: ([chain("ask"), chain("other")], {}))
    return said


def real(clockwork: Clockwork, monkeypatch, now: str):
    """The same house, as if its clock were the real one and showed `now`."""
    monkeypatch.setattr(clockwork.warehouse.clock, "simulated", lambda: None)
    return SimpleNamespace(warehouse=clockwork.warehouse, wall=lambda: utc(now))


def test_after_listing(clockwork, told, monkeypatch):
    """A reply is told to those who listen and planned for at once; what nobody waits for is not told; one's own pass has it."""
    clockwork.at(START, "2026-01-05 08:15")
    waking.after_listing(real(clockwork, monkeypatch, "2026-01-05 09:00"), {REPLIED: 2, "delivered": 9}, apart="other")

    assert told.events == [("relance.response", "ask", {REPLIED: 2})]
    assert told.planned == [("ask", utc("2026-01-05 09:00"), False)]


def test_leads(clockwork, told, monkeypatch):
    """Contacts that were loaded are told as leads to prospecting chains, in numbers, and to no others."""
    monkeypatch.setattr(waking, "sound", lambda: ([chain("ask"), LEADS], {}))
    path = clockwork.warehouse.home / "contacts.csv"
    path.write_text(CONTACTS, encoding="utf-8")
    wired = real(clockwork, monkeypatch, START)
    wired.warehouse.clock.now = lambda: utc(START)
    load_file(wired, "contacts", path, run="load")

    assert told.events == [("relance.response", "prospect_web_lead", {"lead": 40})]
    assert told.planned == [("ask", None, False), ("prospect_web_lead", utc(START), False)]


def test_each_listing_is_passed_on(clockwork, monkeypatch):
    """A collection, and that of a pass, tell what people said, by kind; a pass has heard for its own chain."""
    listed = []
    monkeypatch.setattr(waking, "after_listing", lambda wired, kinds, apart=None: listed.append((dict(kinds), apart)))
    clockwork.at(START)
    clockwork.hear(1, "question", REPLIED, "2026-01-05 10:00")
    take_in(clockwork.wired, run="collect")
    clockwork.hear(2, "question", REPLIED, "2026-01-05 11:00")
    clockwork.at("2026-01-05 12:00")
    drain(clockwork.wired, run="send")

    assert listed == [({REPLIED: 1}, None), ({REPLIED: 1}, "ask"), ({}, None)]


def test_after_listing_nothing(clockwork, told, monkeypatch):
    """With nothing listed a chain is planned for when somebody is due: a run that died is made good."""
    clockwork.at(START, "2026-01-05 08:15")
    waking.after_listing(real(clockwork, monkeypatch, "2026-01-05 09:00"), {})

    assert told.events == []
    assert told.planned == [("ask", utc("2026-01-08 08:00"), False), ("other", None, False)]


def test_after_pass(clockwork, told, monkeypatch):
    """A pass tells whom it handed over to, in numbers alone, and plans its own next; a rehearsal and a waiting one do not."""
    wired = real(clockwork, monkeypatch, "2026-01-05 09:00")
    summary = Summary("ask", "run", utc("2026-01-05 08:59"))
    summary.moves.update({("answer", "otherwise", "enrol:other"): 7})
    waking.after_pass(wired, chain("ask"), summary)
    for name in ("rehearsed", "waits_for"):
        waking.after_pass(wired, chain("ask"), Summary("ask", "run", utc("2026-01-05 08:59"), **{name: "yes"}))

    assert told.events == [("relance.handover", "other", {"contacts": 7})]
    assert told.planned == [("ask", None, False)]


def test_simulated_clock(clockwork, told):
    """A simulated clock wakes nobody at real times."""
    waking.after_pass(clockwork.wired, chain("ask"), Summary("ask", "run", utc(START)))
    waking.after_listing(clockwork.wired, {REPLIED: 1})

    assert (told.events, told.planned) == ([], [])


NOON = datetime(2030, 1, 7, 12)


def wired(now: datetime):
    return SimpleNamespace(wall=lambda: now, warehouse=SimpleNamespace(house=SimpleNamespace(zone="Europe/Paris")))


def in_a_run(asked: str, body, paused: bool = False, schedule: datetime | None = None):
    """What `body` returns inside a run of the deployment asked/asked; and for when its runs are scheduled after it."""
    from prefect import flow
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowRunFilter
    from prefect.flow_engine import run_flow
    from prefect.states import Scheduled

    found = []
    made = flow(name=asked, persist_result=False)(lambda: found.append(body()))
    with get_client(sync_client=True) as client:
        deployment = client.create_deployment(client.create_flow(made), asked, paused=paused)
        if schedule:
            client.create_flow_run_from_deployment(deployment, state=Scheduled(scheduled_time=schedule.replace(tzinfo=UTC)))
        run = client.create_flow_run_from_deployment(deployment)
        run_flow(made, flow_run=client.read_flow_run(run.id))
        runs = client.read_flow_runs(flow_run_filter=FlowRunFilter(
            deployment_id={"any_": [deployment]}, state={"type": {"any_": ["SCHEDULED"]}}))
    return found[0], sorted((one.next_scheduled_start_time.replace(tzinfo=None), sorted(one.tags)) for one in runs)


@pytest.mark.xdist_group("prefect")
def test_plan(prefect_server):
    """A pass is scheduled for the moment of `wake_every`, once, however often it is asked for, with the deployment's own form."""
    due = NOON + timedelta(minutes=20)
    when, runs = in_a_run("planned", lambda: [wake.plan(wired(NOON), chain("planned"), due) for _ in range(2)])

    assert when == [NOON + timedelta(minutes=30), None]
    assert runs == [(NOON + timedelta(minutes=30), ["by:wake-up"])]


@pytest.mark.xdist_group("prefect")
def test_plan_beside(prefect_server):
    """Nothing is scheduled beside a run that comes by then, for a paused deployment, or where nobody is due."""
    due, tick = NOON + timedelta(minutes=20), NOON + timedelta(minutes=28)
    asked = {"ticking": {"schedule": tick}, "paused": {"paused": True}, "undeployed_chain": {}}
    told = {name: in_a_run(name, lambda name=name: wake.plan(wired(NOON), chain(name.replace("undeployed", "no")), due), **more)
            for name, more in asked.items()}

    assert told == {"ticking": (None, [(tick, [])]), "paused": (None, []), "undeployed_chain": (None, [])}
    assert in_a_run("nobody", lambda: wake.plan(wired(NOON), chain("nobody"), None)) == (None, [])


@pytest.mark.xdist_group("prefect")
def test_failures_stop_nothing(prefect_server, monkeypatch):
    """A server that refuses, or is away, costs the pass nothing but a line in the log."""
    def away(*args, **more):
        raise ConnectionError("the server is away")

    monkeypatch.setattr(wake, "run_deployment", away)
    monkeypatch.setattr(wake, "emit_event", away)
    body = lambda: (wake.emit("relance.response", "lost", {"replied": 1}), wake.plan(wired(NOON), chain("lost"), NOON))  # noqa: E731

    assert in_a_run("lost", body) == ((None, None), [])


def test_outside_flow_runs(monkeypatch):
    """Outside a flow run nothing is told and nothing is scheduled, and no server is asked."""
    monkeypatch.setattr(wake, "get_client", None)
    monkeypatch.setattr(wake, "emit_event", None)

    assert wake.plan(wired(NOON), chain("plain"), NOON) is None
    assert wake.emit("relance.response", "plain", {"replied": 1}) is None


@pytest.mark.xdist_group("prefect")
def test_register(prefect_server):
    """A chain has one automation however often it is registered; it follows its deployment, and stays off if switched off."""
    from prefect.client.orchestration import get_client

    from tasks.automations import named, register_wakings

    first, second = uuid4(), uuid4()
    new = [register_wakings({"chain_a": first, "chain_b": first})]
    with get_client(sync_client=True) as client:
        client.pause_automation(client.read_automations_by_name(named("chain_b"))[0].id)
        new.append(register_wakings({"chain_a": second, "chain_b": second}))
        kept = {name: client.read_automations_by_name(named(name)) for name in ("chain_a", "chain_b")}

    assert new == [["chain_a", "chain_b"], []]
    assert {name: [one.enabled for one in many] for name, many in kept.items()} == {"chain_a": [True], "chain_b": [False]}
    for name, (one,) in kept.items():
        assert one.trigger.expect == {"relance.response", "relance.handover"}
        assert one.trigger.match.root == {"prefect.resource.id": f"relance.chain.{name}"}
        assert (one.trigger.threshold, one.trigger.within) == (1, timedelta(0))
        assert [action.deployment_id for action in one.actions] == [second]


@pytest.mark.xdist_group("prefect")
def test_forget(prefect_server):
    """The automation of a chain that is no more goes; that of a chain that is there, broken or not, and a user's own stay."""
    from prefect.client.orchestration import get_client

    from tasks.automations import forget_wakings, named, register_wakings, waking

    chains = ["chain_a", "chain_b", "chain_kept"]
    register_wakings({"chain_kept": uuid4(), "chain_gone": uuid4()})
    theirs = [waking("chain_gone", uuid4()).model_copy(update=changed) for changed in (
        {"name": "Call me about chain_gone"}, {"name": named("the office")}, {"tags": []})]
    with get_client(sync_client=True) as client:
        for one in theirs:
            client.create_automation(one)
        forgotten = [forget_wakings(chains), forget_wakings(chains)]
        left = {name: [one.tags for one in client.read_automations_by_name(name)]
                for name in (named("chain_kept"), *(one.name for one in theirs))}

    assert forgotten == [["chain_gone"], []]
    assert left == {named("chain_kept"): [["relance"]], **{one.name: [one.tags] for one in theirs}}
