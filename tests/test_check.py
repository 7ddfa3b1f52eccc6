"""Every mistake in a chain is named with its fix, and all of them at once."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given

from marketing.calendar import Span, days, months, weeks
from marketing.chain import (
    CLICKED, COMMERCIAL, PURCHASED, Assign, Chain, ChainError, Delay, Enrol, Exit, Experiment, Field, Goal,
    GoTo, Send, Split, WaitFor, WaveParams,
)
from marketing.check import check, check_all, check_files
from tests.random_chains import chains


def mail(name: str = "hello") -> Send:
    return Send(name, by="email", message="hello", purpose=COMMERCIAL)


def wait(on, otherwise=()) -> WaitFor:
    return WaitFor("wait", within=days(7), on=on, otherwise=otherwise)


def chain(*steps, **head) -> Chain:
    return Chain(**({"name": "c", "title": "C", "kind": "loyalty", "audience": "a", "steps": steps or [mail()]} | head))


BUYS = Goal(PURCHASED, within=weeks(6))


class Noted(WaveParams):
    note: str = ""


class Asked(WaveParams):
    discount: int = Field(description="Percent")


STEPS = {
    'Send("hello") has purpose=None: write purpose= and one of COMMERCIAL': lambda: [Send("hello", by="email", message="m")],
    "holds one step without brackets: write [Send(…)]": lambda: [mail("a"), wait({CLICKED: mail("b")})],
    "which is no step: use one of Send": lambda: [mail("a"), "b"],
    'WaitFor("wait") has on=\'clicked\': write on={answer: [steps], …}': lambda: [mail("a"), wait(CLICKED)],
    '2 steps are named "hello": give each its own name': lambda: [mail(), mail()],
    "says nothing: write at least one Send": lambda: [],
    'Send("goal") has a name that the engine uses itself': lambda: [mail("goal")],
    "'rest:x': use lower-case letters, digits and _": lambda: [mail("rest:x")],
    'Send("hello") goes by "emial", which is no channel: did you mean "email"?': lambda: [Send("hello", by="emial", message="m", purpose=COMMERCIAL)],
    'Send("hello") has no channel': lambda: [Send("hello", message="m", purpose=COMMERCIAL)],
    "one channel twice": lambda: [Send("hello", by=("sms", "sms"), message="m", purpose=COMMERCIAL)],
    'on "clickd" is no known response: did you mean "clicked"?': lambda: [mail(), wait({"clickd": []})],
    'on "opened": machines do that too': lambda: [mail(), wait({"opened": []})],
    'write it as otherwise=[…]': lambda: [mail(), wait({"otherwise": []})],
    'WaitFor("wait") within= is 7: write a length such as': lambda: [mail(), WaitFor("wait", within=7, on={CLICKED: []})],
    "Delay is Span(months=0, days=0, seconds=0): write a length": lambda: [Delay(Span()), mail()],
    "Delay is None: write a length": lambda: [Delay(), mail()],
    'write "now" or "enrolled"': lambda: [Delay(days(1), since="entry"), mail()],
    'Delay(until="on") has no response to read a date from': lambda: [mail("a"), Delay(until="on"), mail("b")],
    'Delay(until="on") has since=\'enrolled\' as well': lambda: [mail("a"), wait({CLICKED: [Delay(until="on", since="enrolled")]})],
    'GoTo("hi") names no step: use one of hello': lambda: [mail(), GoTo("hi", at_most=2)],
    'GoTo("hello") has at_most=None: say how many visits': lambda: [mail(), GoTo("hello")],
    'the chain begins with GoTo("hello")': lambda: [GoTo("hello", at_most=2), mail()],
    'Send("b") is never reached, it follows Exit("done")': lambda: [mail("a"), Exit("done"), mail("b")],
    'no path leads to "b": let a branch before it go on': lambda: [
        mail("a"), wait({CLICKED: [Exit("yes")]}, otherwise=[Exit("no")]), mail("b")],
    'Split("split") has no branch': lambda: [Split("split", on={}), mail()],
    'Experiment("test") has 1 variants': lambda: [Experiment("test", on={"a": []}), mail()],
    "shares that add up to 0.9": lambda: [Experiment("test", on={"a": [], "b": []}, shares={"a": 0.5, "b": 0.4}), mail()],
    "shares of a for the variants a, b": lambda: [Experiment("test", on={"a": [], "b": []}, shares={"a": 1.0}), mail()],
    'Assign("rep") is given the name \'Rep of\'': lambda: [Assign("rep", to="Rep of"), mail()],
    'Exit("Not reached!") is given the name': lambda: [mail(), Exit("Not reached!")],
}
HEADS = {
    "name= is given the name 'My chain'": {"name": "My chain"},
    "audience= is given the name 'a.sql'": {"audience": "a.sql"},
    "kind='loyal': did you mean \"loyalty\"?": {"kind": "loyal"},
    'arm_by=\'day\': write "contact" or "wave"': {"arm_by": "day"},
    "holdout=10: write a share from 0 to below 1": {"holdout": 10, "goal": BUYS},
    "holdout= without a goal": {"holdout": 0.1},
    "holdout= in a transactional chain": {"holdout": 0.1, "goal": BUYS, "kind": "transactional"},
    'Goal("bought") is no known response': {"goal": Goal("bought", within=weeks(6))},
    "Goal within= is 42: write a length": {"goal": Goal(PURCHASED, within=42)},
    "Goal then=[Send(\"hello\")]: it ends the enrolment": {"goal": replace(BUYS, then=[mail()])},
    "Goal with ends=False is only measured": {"goal": replace(BUYS, then=[Exit("won")], ends=False)},
    "goal='purchased': write Goal(PURCHASED, within=weeks(6))": {"goal": PURCHASED},
    'which already is the goal': {"goal": BUYS, "exits": {PURCHASED: "won"}},
    'exits= {"opened": "read"}: machines do that too': {"exits": {"opened": "read"}},
    'sources= names "order": did you mean "orders"?': {"sources": {"order": days(3)}},
    "reenter_after= is 12: write a length": {"reenter_after": 12},
    "parameter discount has no default": {"params": Asked},
    "parameter note is asked by every chain's form already": {"params": Noted},
    'on "purchased" is never taken, the goal ends the enrolment first': {"goal": BUYS, "steps": [mail(), wait({PURCHASED: []})]},
    'on "refused" is never taken, exits= leaves first': {"exits": {"refused": "refused"}, "steps": [mail(), wait({"refused": []})]},
}


@pytest.mark.parametrize(("fix", "steps"), STEPS.items())
def test_a_mistake_in_the_steps_is_named_with_its_fix(fix, steps):
    """Each kind of mistake in the steps raises ChainError, with a text that names the step and the fix."""
    with pytest.raises(ChainError) as error:
        chain(steps=steps())

    assert fix in str(error.value)


@pytest.mark.parametrize(("fix", "head"), HEADS.items())
def test_a_mistake_in_the_head_is_named_with_its_fix(fix, head):
    """Each kind of mistake in the arguments of Chain raises ChainError, with its fix."""
    with pytest.raises(ChainError) as error:
        chain(**head)

    assert fix in str(error.value)


def test_all_mistakes_are_told_at_once():
    """Whoever mends a chain sees everything there is to mend."""
    with pytest.raises(ChainError) as error:
        chain(mail(), mail(), GoTo("hi"), kind="loyal", holdout=0.1)

    assert str(error.value).splitlines()[0] == "c has 5 to mend:"
    assert len(str(error.value).splitlines()) == 6


def test_a_measured_goal_may_be_a_branch():
    """With ends=False the goal's own response still moves the contact."""
    assert check(chain(mail(), wait({PURCHASED: [Exit("bought")]}), goal=replace(BUYS, ends=False))) == []


@given(chains())
def test_a_chain_that_exists_has_no_mistakes(chain):
    """check() of a chain that could be made is empty."""
    assert check(chain) == []


def test_chains_that_enrol_in_a_circle_say_after_how_long():
    """A circle of Enrols needs reenter_after on every chain of it; other chains may do without."""
    one, two = chain(mail(), Enrol("two"), name="one"), chain(mail(), Enrol("one"), name="two", reenter_after=months(6))
    aside = chain(mail(), Enrol("two"), name="aside")

    assert check_all([one, two, aside]) == [
        "one lies on a circle of Enrols and lets nobody in twice: give it reenter_after=, or end the circle with Exit"]
    assert check_all([replace(one, reenter_after=months(6)), two, aside]) == []


def test_an_enrol_into_no_chain_is_named():
    """Enrol names a chain that exists, also in the goal's then."""
    one = chain(name="one", goal=replace(BUYS, then=[Enrol("to")]))

    assert check_all([one, chain(name="two")]) == ['one: Enrol("to") names no chain: did you mean "two"?']


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A chain's folder with every file in order."""
    folder = tmp_path / "c"
    (folder / "messages").mkdir(parents=True)
    (folder / "messages" / "hello.fr.email.j2").write_text("subject: Bonjour\n---\n<p>Bonjour</p>\n")
    (folder / "a.sql").write_text("-- One row per contact, $nothing.\nSELECT contact_id FROM contacts WHERE created_at < $as_of")
    return folder


def test_files_in_order_are_no_problem(folder):
    """A chain whose message, audience and channel exist can run."""
    assert check_files(chain(), folder, [], {"email"}) == []


def test_an_audience_may_be_a_shared_one(folder, tmp_path):
    """What the chain's own folder lacks is looked for in the shared folders."""
    (tmp_path / "shared").mkdir()
    (folder / "a.sql").rename(tmp_path / "shared" / "a.sql")

    assert check_files(chain(), folder, [tmp_path / "shared"], {"email"}) == []
    assert check_files(chain(), folder, [], {"email"}) == ['audience "a" has no query: write c/a.sql']


def test_what_is_missing_is_named_with_the_file_to_write(folder):
    """Channel, message, language and query each have their sentence."""
    post = Send("letter", by="post", message="letter", purpose=COMMERCIAL)
    whole = chain(mail(), Split("best", on={"vip": []}), post, Assign("rep", to="reps"))

    assert check_files(whole, folder, [], {"email"}, languages=["fr", "en"]) == [
        'Send("letter") goes by "post", for which the house has no connector: add it to [channels] in house.toml, or use one of email',
        'Send("hello") has no message in en: write c/messages/hello.en.email.j2',
        'Send("letter") has no message: write c/messages/letter.<language>.post.j2',
        'Split("best") on "vip" has no query: write c/vip.sql',
        'Assign("rep") to "reps" has no query: write c/reps.sql',
    ]


@pytest.mark.parametrize(("text", "fix"), [
    ("<p>Bonjour</p>", "has no subject"), ("subject: Bonjour\n---\n\n", "says nothing below its ---"),
    ("preheader: x\n---\n<p>Bonjour</p>", "has no subject"),
])
def test_a_message_has_fields_and_a_body(folder, text, fix):
    """A message file is a head, a line ---, and a body; an e-mail has a subject."""
    (folder / "messages" / "hello.fr.email.j2").write_text(text)

    assert [fix in problem for problem in check_files(chain(), folder, [], {"email"})] == [True]


def test_a_query_takes_only_the_values_there_are(folder):
    """A query opens with its grain and takes $as_of and the chain's parameters; a $ in a text is no value."""
    (folder / "a.sql").write_text("SELECT contact_id FROM contacts WHERE city <> '$city' AND created_at < $asof")

    assert check_files(chain(), folder, [], {"email"}) == [
        "a.sql does not open with its grain: begin with -- One row per contact …",
        "a.sql takes $asof, which is no parameter of c: use $as_of",
    ]
