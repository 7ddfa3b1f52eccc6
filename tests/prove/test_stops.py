"""A send to a hundred thousand is stopped at random points, by command in another process: the answer is what the sink got."""

import json
import os
import random
import signal
import subprocess
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from tests.prove.installation import RELANCE
from tests.prove.world import START, Setup, World
from warehouse.outbox import open_batches
from warehouse.reconciling import account, contradictions
from warehouse.stops import ordered
from warehouse.tables import TABLES

ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.prove, pytest.mark.timeout(900), pytest.mark.xdist_group("prove_worlds")]

MANY, POINTS = 100_000, 20
SCOPES = [("wave", "1"), ("all",), ("chain", "mailing"), ("step", "mailing/offer"), ("connector", "memory")]
#: Seconds that a call takes: fifty touches each, so that some hundred calls are made while a command starts.
SLOW = 0.01


def peopled(home: Path, many: int, **settings) -> World:
    """A world of one mailing whose messages are planned, and nothing has left."""
    world = World(home, Setup(contacts=0, slice_bits=20, **settings))
    warehouse = world.open()
    commit = warehouse.commit(run="load", as_of=START)
    columns = TABLES["contacts"].columns
    values = {"contact_id": pa.array(range(many), pa.int64()), "client_id": pa.array([f"c{n}" for n in range(many)]),
              "email": pa.array([f"c{n}@example.org" for n in range(many)]),
              "email_key": pa.array(range(1, many + 1), columns.field("email_key").type),
              "created_at": pa.array([START] * many, pa.timestamp("us"))}
    commit.add("contacts", pa.table([values.get(field.name, pa.nulls(many, field.type)) for field in columns], columns), slice=0)
    commit.apply()
    warehouse.close()
    world.run([("pass", "mailing", "pass-1", "0")])
    return world


def relance(world: World, *words: str) -> dict:
    """What a command in a process of its own answers."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("RELANCE_", "PREFECT_"))}
    done = subprocess.run([*RELANCE, *words, "--json"], env=clean | world.setup.environ | {"RELANCE_HOME": str(world.home)},
                          cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def lines(world: World) -> int:
    path = world.home / "sink.tsv"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def stopped_at(world: World, point: int, scope: tuple[str, ...], run: str) -> dict:
    """Send until the sink has so many, stop by command; what it said, how many the sink had then, and the seconds from the
    stop's row to the last message."""
    sender = world.start([("send", run)])
    while lines(world) < point and sender.process.is_alive():
        time.sleep(0.01)
    said = relance(world, "stop", *scope, "--why", "a wrong price")
    last, had = os.stat(world.home / "sink.tsv").st_mtime, lines(world)
    world.finish(sender)
    warehouse = world.open()
    (row,) = ordered(warehouse.ledger)
    warehouse.close()
    world.run([("send", f"{run}-again")])  # whoever sends now finds nothing
    assert lines(world) == had, "a message left after the stop had answered"
    return said | {"had": had, "last": last, "row": row}


def test_stopped_at_random_points(tmp_path):
    """What the sink got is what each stop reported, nothing leaves after it, and in the end everybody has it exactly once."""
    world, points = peopled(tmp_path / "world", MANY, slow=SLOW), random.Random("stops")
    told, longest = [], 0.0
    # Many points lie behind the one before: the sender has just begun again when the command comes.
    for number, point in enumerate(sorted(points.randrange(int(MANY * 0.9)) for _ in range(POINTS))):
        begun = time.monotonic()
        said = stopped_at(world, point, SCOPES[number % len(SCOPES)], f"send-{number}")
        assert said["left"] == said["had"] and said["outcomes"] in ({"accepted": said["had"]}, {})
        assert (said["not_left"], said["still_with_provider"], said["silent"]) == (MANY - said["had"], 0, 0)
        assert relance(world, "release", *SCOPES[number % len(SCOPES)])["may_leave"] == MANY - said["had"]
        longest = max(longest, time.monotonic() - begun)
        told.append((said["had"], said["in_flight"]))
    world.run([("send", "at last")])

    warehouse = world.open()
    with warehouse.snapshot() as snapshot:
        assert contradictions(snapshot, "mailing") == []
        outcomes = snapshot.sql("SELECT outcome, count(*) AS many FROM receipts GROUP BY ALL").to_pylist()
    assert (outcomes, open_batches(warehouse.ledger)) == ([{"outcome": "accepted", "many": MANY}], {})
    warehouse.close()
    made = Counter(contact for _, contact, *_ in world.sink())
    assert len(made) == sum(made.values()) == world.calls() == MANY
    print(f"\n{POINTS} stops of {MANY:,} touches; at each the sink had (of them in flight at the stop): "
          + ", ".join(f"{had:,} ({flying})" for had, flying in told)
          + f"; calls {world.calls():,}, in the sink {sum(made.values()):,}, twice 0; longest round {longest:.1f} s")


def test_the_last_message_after_a_stop(tmp_path):
    """From the row of a stop on no call begins: the last message is made within five seconds, whoever sends."""
    world = peopled(tmp_path / "world", 20_000, slow=0.2)
    senders = [world.start([("send", f"send-{number}")]) for number in range(2)]
    while lines(world) < 500:
        time.sleep(0.01)
    warehouse = world.open()
    command = subprocess.Popen([*RELANCE, "stop", "all", "--json"], cwd=ROOT, stdout=subprocess.PIPE, env=os.environ | {
        "RELANCE_HOME": str(world.home), **world.setup.environ})
    while not ordered(warehouse.ledger):
        time.sleep(0.005)
    row = time.time()
    said = json.loads(command.communicate()[0])
    for sender in senders:
        world.finish(sender)
    after = os.stat(world.home / "sink.tsv").st_mtime - row
    warehouse.close()

    print(f"\nthe last message was made {after:+.2f} s after the row of the stop could be read; calls take 0.2 s, two senders")
    assert said["left"] == lines(world) and after < 5


@pytest.mark.parametrize("connector", ["idempotent", "lookup", "neither"])
def test_a_withdrawn_wave_never_sends_again(connector, tmp_path):
    """Its sender killed in the middle, its lease lapsed: withdrawn, the wave is passed and sent again, and nothing leaves."""
    world = peopled(tmp_path / "world", 5_000, slow=SLOW, connector=connector, lease=2.0)
    sender = world.start([("send", "send-1")])
    while lines(world) < 1_000:
        time.sleep(0.01)
    os.kill(sender.process.pid, signal.SIGKILL)
    sender.process.join()
    time.sleep(2.2)  # its lease is over
    said, had = relance(world, "withdraw", "1", "--why", "a wrong price"), lines(world)
    world.ahead += timedelta(hours=1)
    for day in (1, 8, 15, 30):
        world.run([("clock", (START + timedelta(days=day)).isoformat()), ("pass", "mailing", f"pass-{day}", "60"),
                   ("send", f"send-{day}"), ("tidy", f"tidy-{day}")])

    warehouse = world.open()
    with warehouse.snapshot() as snapshot:
        assert contradictions(snapshot, "mailing") == []
        outcomes = dict(tuple(row.values()) for row in snapshot.sql(
            "SELECT outcome, count(*) FROM receipts WHERE wave = 1 GROUP BY ALL").to_pylist())
        places = snapshot.sql("SELECT DISTINCT to_step FROM moves WHERE to_step LIKE 'exit%'")["to_step"].to_pylist()
    with warehouse.ledger.read() as tx:
        from warehouse.versions import chain_number

        number = chain_number(tx, "mailing")
    assert account(warehouse.ledger, number).balanced and open_batches(warehouse.ledger) == {}
    warehouse.close()
    unknown = outcomes.get("unknown", 0)
    print(f"\nwithdrawn, {connector}: the sink had {had:,} and has {lines(world):,}; {said['contacts']:,} contacts left; {outcomes}")
    assert (lines(world), said["contacts"], places) == (had, 5_000, ["exit:withdrawn"])
    assert sum(outcomes.values()) == 5_000 and outcomes["accepted"] <= had <= outcomes["accepted"] + unknown
