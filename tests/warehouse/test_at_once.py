"""Two processes that begin the same thing at the same moment make it once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from threading import Barrier

from marketing.chain import RELATIONSHIP, Chain, Send
from marketing.graph import compile
from warehouse.passing import SlicePass
from warehouse.versions import register

NOW = datetime(2026, 3, 1)
MANY = 4
CHAIN = Chain(name="hello", title="Hello", kind="loyalty", audience="everybody",
              steps=[Send("greet", by="email", message="greet", purpose=RELATIONSHIP)])


def at_once(make):
    """What `make` returns in each of several threads that begin together."""
    together = Barrier(MANY)

    def one(_):
        together.wait()
        return make()

    with ThreadPoolExecutor(MANY) as pool:
        return list(pool.map(one, range(MANY)))


def test_a_version_is_kept_once(wh):
    """A chain that several passes see for the first time at once is one chain with one version."""
    versions = at_once(lambda: register(wh.ledger, compile(CHAIN), {}, {"everybody": "SELECT 1"}, NOW))

    assert {(v.chain, v.id, v.number, tuple(v.step_numbers)) for v in versions} == {
        (versions[0].chain, versions[0].id, 1, ("greet",))}


def test_a_run_has_one_wave(wh):
    """A run that is made twice at once reserves one wave."""
    version = register(wh.ledger, compile(CHAIN), {}, {"everybody": "SELECT 1"}, NOW)
    passes = [SlicePass(wh, [version], version, slice=0, as_of=NOW, run="run") for _ in range(MANY)]
    waiting = iter(passes)

    numbers = at_once(lambda: next(waiting).wave("audience", {}))

    assert len(set(numbers)) == 1
    for one in passes:
        one.close()
