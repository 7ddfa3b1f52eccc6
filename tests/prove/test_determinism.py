"""The same world with other threads, slices, orders, retries and deaths: the same moves, touches and refusals."""

import pytest
import sqlalchemy as sa

from tests.prove.laws import hold, state
from tests.prove.world import Setup, World, calendar_of, random_times
from warehouse.determinism import COMPARED

pytestmark = [pytest.mark.prove, pytest.mark.timeout(1200), pytest.mark.xdist_group("prove_worlds")]

DAYS = calendar_of("spiral", "landing")
VARIANTS = {
    "two threads, slices downwards": {"threads": 2, "order": "down"},
    "slices half as large, shuffled": {"slice_bits": 9, "order": "7"},
    "one slice for all": {"slice_bits": 12},
}


@pytest.fixture(scope="module")
def plain(tmp_path_factory) -> World:
    """One thread, slices upwards, nobody dies; no address is shared between slices, since the first slice to come has it."""
    world = World(tmp_path_factory.mktemp("plain") / "world", Setup(across=False))
    for tasks in DAYS:
        world.run(tasks)
    return world


@pytest.mark.parametrize("variant", VARIANTS)
def test_however_it_is_cut(variant, plain, tmp_path, note):
    """Threads, the size of the slices and the order in which a pass takes them decide nothing."""
    world = World(tmp_path / "world", Setup(across=False, **VARIANTS[variant]))
    for tasks in DAYS:
        world.run(tasks)

    note("determinism", variant, hold(world))
    _same(world, plain)


def test_beside_its_double(plain, tmp_path, note):
    """The same runs made by two processes at once, with deaths among them: each run passes each slice once."""
    world = World(tmp_path / "world", Setup(across=False))
    clocks = iter(random_times("double", 8, 5.0))
    for tasks in DAYS:
        first, last = tasks[:2], [task for task in tasks if task[0] == "maintain"]
        both = [task for task in tasks[2:] if task not in last]
        world.run(first)
        world.run(both, both, timers=clocks)
        world.run([("send", f"{tasks[0][1]}-rest"), *last])

    note("determinism", "two processes of each run, killed", hold(world))
    _same(world, plain)


def test_on_postgresql(postgres_url, plain, tmp_path, note):
    """The ledger on PostgreSQL, its processes killed at random times: the same world."""
    server = sa.make_url(postgres_url)
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as tx:
        tx.execute(sa.text("CREATE DATABASE proof"))
    engine.dispose()
    url = server.set(database="proof").render_as_string(hide_password=False)
    world = World(tmp_path / "world", Setup(across=False, ledger_url=url))
    clocks = iter(random_times("postgresql", 8, 5.0))
    for tasks in DAYS:
        world.run(tasks, timers=clocks)

    note("determinism", "ledger on PostgreSQL, killed", hold(world))
    _same(world, plain)


def _same(world: World, plain: World) -> None:
    ours, theirs = state(world), state(plain)
    for view in COMPARED:
        assert len(theirs[view]) > 100
        assert ours[view] == theirs[view]
