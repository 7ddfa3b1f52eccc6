"""`relance replay`."""

import pytest

from tests.cli.conftest import ROOT


@pytest.fixture(scope="module")
def run(passed) -> str:
    """The id of the pass that was made."""
    return passed("sql", "select run from runs where kind = 'pass'", "--json").json["rows"][0]["run"]


def test_the_same(passed, run):
    """A pass made again is the same row for row, and the command says so with the next step; 0."""
    said = passed("replay", run[:8])
    record = passed("replay", run, "--json").json

    assert (said.code, said.err) == (0, "")
    assert "reactivate_lapsed, 2026-01-05 10:00 (Europe/Paris), 1 slice." in said.out
    assert "The same, row for row. Next: relance replay RUN --with policy=FILE.toml" in said.out
    assert (record["equal"], record["rows"], record["differing"], record["erased"]) == (
        True, {"moves": 43, "touches": 17, "refusals": 3}, {"moves": 0, "touches": 0, "refusals": 0}, 0)


def test_another_policy(passed, run, tmp_path):
    """With another policy each change is a line with its step, what became of whom, how many and a few numbers; 0."""
    path = tmp_path / "policy.toml"
    path.write_text((ROOT / "policy.toml").read_text() + '\n[[hours]]\nchannel = "email"\nweekdays = ["sun"]\nfrom = "08:00"\n'
                    'to = "09:00"\nholidays = true\n')
    said = passed("replay", run, "--with", f"policy={path}")
    record = passed("replay", run, "--with", f"policy={path}", "--json").json

    assert said.code == 0
    assert "deferred: hours" in said.out and "Next: relance explain CONTACT" in said.out
    [touch] = [one for one in record["verdicts"] if one["live"] == "planned"]  # the seventeenth is a letter
    assert (touch["step"], touch["contacts"], len(touch["such_as"])) == ("we_miss_you", 16, 5)
    same = passed("replay", run, "--with", f"policy={ROOT / 'policy.toml'}")
    assert (same.code, "The change makes no difference to this pass." in same.out) == (0, True)


def test_another_chain(passed, run):
    """With the chain's own folder nothing differs; with another chain's the error names both."""
    same = passed("replay", run, "--with", f"chain={ROOT / 'chains' / 'reactivate_lapsed'}")
    other = passed("replay", run, "--with", f"chain={ROOT / 'chains' / 'newsletter_monthly'}")

    assert (same.code, "The change makes no difference" in same.out) == (0, True)
    assert (other.code, other.err) == (2, (
        "relance: The folder holds the chain 'newsletter_monthly', and the pass was one of 'reactivate_lapsed'; give a changed "
        "copy of that chain.\n"))


@pytest.mark.parametrize(("words", "code", "told"), [
    (["nothing"], 2, "There is no pass 'nothing'; accepted: the id of its run, the beginning of it, or its name"),
    (["RUN", "--with", "weather=fine"], 2, "--with 'weather=fine'; accepted: policy=FILE.toml, chain=FOLDER."),
    (["RUN", "--with", "policy=nowhere.toml"], 1, "nowhere.toml"),
    (["RUN", "--with", "chain=nowhere"], 2, "there is no file nowhere/chain.py"),
])
def test_wrong_words(passed, run, words, code, told):
    """What cannot be is one line that says what is accepted."""
    said = passed("replay", *(run if word == "RUN" else word for word in words))

    assert (said.code, said.out, said.err.count("\n")) == (code, "", 1)
    assert told in said.err
