"""`relance chains diff`, `migrate`, `keep`, `pause`, `resume`."""

import shutil
import sys

import pytest

import chains
from tests.cli.conftest import ROOT, START, answering


def forget_modules() -> None:
    for module in [module for module in sys.modules if module.startswith("chains.")]:
        del sys.modules[module]


@pytest.fixture(scope="module")
def house(tmp_path_factory, files, environment):
    """A house with chains of its own, whose reactivation has made its first pass."""
    folder, home = tmp_path_factory.mktemp("own") / "chains", tmp_path_factory.mktemp("home")
    shutil.copytree(ROOT / "chains", folder, ignore=shutil.ignore_patterns("__pycache__"))
    environment.setattr(chains, "__path__", [str(folder)])
    forget_modules()
    relance = answering(home, environment)
    from flows import wiring

    wiring.wired().warehouse.clock.simulate(START)
    for kind in ("contacts", "orders", "consents", "suppressions"):
        assert relance("load", kind, str(files / f"{kind}.csv")).code == 0
    assert relance("pass", "reactivate_lapsed", "--plain").code == 0
    yield relance, folder / "reactivate_lapsed" / "chain.py"
    forget_modules()


@pytest.fixture
def written(house):
    """The commands, and a function that replaces words of the chain's file; it is restored at the end."""
    relance, file = house
    text = file.read_text(encoding="utf-8")

    def write(before: str, after: str) -> None:
        assert before in text
        file.write_text(text.replace(before, after), encoding="utf-8")
        forget_modules()

    yield relance, write
    file.write_text(text, encoding="utf-8")
    forget_modules()


def renamed(write) -> None:
    write('WaitFor("first_response"', 'WaitFor("an_answer"')


def test_nothing_is_otherwise(written):
    """A file as it was when its people entered."""
    relance, _ = written
    said = relance("chains", "diff", "--strict")

    assert said.code == 0
    assert "reactivate_lapsed: from version 1 to the file. Nothing is otherwise.\n" in said.out
    assert "newsletter_monthly: no pass has run yet.\n" in said.out


def test_the_impact(written):
    """Who stands where, what is gone, new and changed, and what could be said."""
    relance, write = written
    renamed(write)
    said, record = relance("chains", "diff", "reactivate_lapsed"), relance("chains", "diff", "reactivate_lapsed", "--json").json

    assert said.code == 0
    assert "Gone: first_response (now an_answer?); new: an_answer." in said.out
    assert ("Move them along: relance chains migrate reactivate_lapsed --map first_response=an_answer; or let them finish in "
            "their version: relance chains keep reactivate_lapsed.\n") in said.out
    version = record["chains"][0]["versions"][0]
    assert record["chains"][0]["unmapped"] == ["first_response"]
    assert version["difference"]["renamed"] == [["first_response", "an_answer"]]
    assert [(one["step"], one["lost"]) for one in version["standing"]] == [
        ("first_response", True), ("holdout", False), ("last_response", False)]
    assert sum(one["contacts"] for one in version["standing"]) == version["contacts"] == 19


def test_nothing_is_deployed_over_people_without_a_word(written):
    """--strict ends with 1 while a step with people is gone; a mapping or a decision makes it 0."""
    relance, write = written
    renamed(write)

    assert relance("chains", "diff", "--strict").code == 1
    assert relance("chains", "diff", "--strict", "--map", "first_response=an_answer").code == 0
    refused = relance("deploy")
    assert (refused.code, "--map first_response=an_answer" in refused.err) == (1, True)


def test_a_migration_wants_a_mapping(written):
    """It is refused with each step that is gone and what could be said; a wrong mapping is 2; neither moves anybody."""
    relance, write = written
    renamed(write)
    refused = relance("chains", "migrate", "reactivate_lapsed")
    wrong = relance("chains", "migrate", "reactivate_lapsed", "--map", "first_response=nowhere", "--map", "first_response")

    assert (refused.code, refused.out) == (1, "")
    assert "--map first_response=an_answer" in refused.err
    assert (wrong.code, "is no mapping" in wrong.err) == (2, True)
    assert relance("chains", "migrate", "reactivate_lapsed", "--map", "first_response=nowhere").code == 2
    assert relance("sql", "select distinct version from moves", "--json").json["rows"] == [{"version": 1}]


def test_pausing(house):
    """A paused chain says so in its pass, which ends with 3, and in the status; resumed it goes on."""
    relance, _ = house
    paused = relance("chains", "pause", "reactivate_lapsed", "--why", "a wrong price")
    passed = relance("pass", "reactivate_lapsed", "--plain")
    shown = relance("status")

    assert paused.out.startswith("reactivate_lapsed: paused since 2026-01-05 10:00 by ")
    assert (passed.code, "a wrong price (relance chains resume reactivate_lapsed)" in passed.out) == (3, True)
    assert "paused" in shown.out
    assert "goes on" in relance("chains", "resume", "reactivate_lapsed").out
    assert relance("chains", "resume", "reactivate_lapsed").out == "reactivate_lapsed was not paused.\n"
    assert relance("pass", "reactivate_lapsed", "--plain").code == 0
    assert relance("chains", "pause", "nothing").code == 2


def test_moving_along(written):
    """It moves everybody once and says who went where; rehearsed it only says so; run again it does nothing more."""
    relance, write = written
    renamed(write)
    words = ("chains", "migrate", "reactivate_lapsed", "--map", "first_response=an_answer")
    rehearsed, done = relance(*words, "--rehearse", "--json").json, relance(*words)
    again = relance(*words, "--json").json

    assert (rehearsed["rehearsed"], rehearsed["moved"]) == (True, 19)
    assert {(one["step"], one["to"]) for one in rehearsed["steps"]} == {
        ("first_response", "an_answer"), ("holdout", "holdout"), ("last_response", "last_response")}
    assert done.code == 0 and "19 contacts were moved along into the version of the file." in done.out
    assert (again["moved"], again["steps"]) == (0, [])
    assert relance("chains", "diff", "reactivate_lapsed", "--strict").code == 0
    assert relance("reconcile").code == 0
    assert relance("explain", "C05").code == 0
    assert relance("report").code == 0


def test_deciding_that_they_finish(written):
    """After `keep` the file may go without the step; they finish in their version. A chain without a file is told."""
    relance, write = written
    write('WaitFor("first_response"', 'WaitFor("a_third_name"')

    assert relance("chains", "diff", "--strict").code == 1
    assert "In version " in relance("chains", "keep", "reactivate_lapsed").out
    assert relance("chains", "diff", "--strict").code == 0


def test_a_chain_without_a_file(house, monkeypatch):
    """People whose chain is gone are told of."""
    relance, _ = house
    names = [name for name in chains.names() if name != "reactivate_lapsed"]
    monkeypatch.setattr(chains, "names", lambda: names)
    said = relance("chains", "diff", "--strict")

    assert (said.code, "reactivate_lapsed: 19 contacts in the chain, and chains/reactivate_lapsed is gone" in said.out) == (1, True)
