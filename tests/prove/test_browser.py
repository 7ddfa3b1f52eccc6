"""The marketer's view: every chain's form, its runs and what they publish, in a browser, on a server as `relance up` starts it."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import chains
from marketing.options import RunOptions
from tests.installed import needs
from tests.prove.installation import ROOT, installed
from tests.prove.kept import kept
from tests.prove.shop import Shop

pytestmark = [pytest.mark.prove, pytest.mark.timeout(900), pytest.mark.xdist_group("prove_browser")]

CHAINS = chains.names()
#: The one that the pages of the documentation show.
SHOWN = "reactivate_lapsed"
AT_MOST = 12
NO_PAGE = "not / a page!"


@pytest.fixture(scope="module")
def shop() -> Shop:
    return Shop()


@pytest.fixture(scope="module")
def installation(tmp_path_factory, shop):
    needs("chromium")
    with installed(tmp_path_factory.mktemp("shop"), shop) as made:
        yield made


@pytest.fixture(scope="module")
def pages(installation, tmp_path_factory) -> Iterator[Any]:
    from tests.prove.browsing import Pages, browser

    folder = Path(os.environ.get("PICTURES") or tmp_path_factory.mktemp("pictures"))
    with browser() as page:
        yield Pages(page, installation, ROOT / folder)


class Runs:
    """What was started from the forms: for each chain a run that rehearses, then one in earnest, of a few contacts."""

    EARNEST = {"At most so many contacts": AT_MOST, "Budget": 500}
    REHEARSED = {"Rehearse only": True, "Note": "Before the spring sale"}

    def __init__(self, installation: Any, pages: Any):
        self.installation, self.pages = installation, pages
        self._rehearsed, self._earnest = {}, {}

    def rehearse(self, chain: str) -> None:
        self._rehearsed[chain] = self._start(chain, "rehearsed", self.REHEARSED)

    def rehearsed(self, chain: str) -> dict[str, Any]:
        """The ended rehearsal of a chain."""
        if chain not in self._rehearsed:
            self.rehearse(chain)
        return self.installation.ended(self._rehearsed[chain])

    def earnest(self, chain: str) -> dict[str, Any]:
        """The ended run of a chain, of all that were started at the same time."""
        for one in CHAINS if not self._earnest else []:
            self.rehearsed(one)
            self._earnest[one] = self._start(one, "spring", self.EARNEST)
        return self.installation.ended(self._earnest[chain])

    def _start(self, chain: str, called: str, values: dict[str, Any]) -> str:
        from tests.prove.browsing import Refused

        try:
            return self._fill(chain, called, values).start()
        except Refused:  # a field that was drawn anew while it was filled: from the beginning, once
            return self._fill(chain, called, values).start()

    def _fill(self, chain: str, called: str, values: dict[str, Any]) -> Any:
        form = self.pages.form(chain)
        form.name(f"{chain.replace('_', ' ')}, {called}")
        for title, value in values.items():
            form.fill(title, value)
        if (chain, called) == (SHOWN, "rehearsed"):
            self.pages.picture("prefect-form-rehearsed", whole=True)
        return form


@pytest.fixture(scope="module")
def runs(installation, pages) -> Runs:
    return Runs(installation, pages)


def fields(chain: str) -> dict[str, dict[str, Any]]:
    """Title and words of every field that the form of a chain has."""
    found = {}
    for model in (chains.load(chain).params, RunOptions):
        found |= {words["title"]: words for words in model.model_json_schema()["properties"].values()}
    return found


def beyond(words: dict[str, Any]) -> Any:
    """A value just outside the limits of a field; None where it has none."""
    limits = [words, *words.get("anyOf", [])]
    for name, by in (("maximum", 1), ("minimum", -1)):
        if found := [one[name] for one in limits if name in one]:
            return found[0] + by
    if "pattern" in words and not re.search(words["pattern"], NO_PAGE):
        return NO_PAGE
    return "x" * (words["maxLength"] + 1) if "maxLength" in words else None


def test_the_list_shows_every_chain(pages):
    """Who opens the address finds the chains, and on a chain's page what it is for and when it runs."""
    pages.deployments()
    pages.picture("prefect-deployments")
    for chain in CHAINS:
        pages.search(chain).wait_for()

    pages.chain(SHOWN)
    pages.description()
    pages.page.get_by_role("heading", name=chains.load(SHOWN).title).wait_for()
    pages.page.get_by_text("held out and get nothing").wait_for()
    pages.picture("prefect-chain")


@pytest.mark.parametrize("chain", CHAINS)
def test_form(installation, pages, runs, chain):
    """Every field shows its title, description and default; a value beyond its limits is refused; good ones start a run."""
    form, before = pages.form(chain), len(installation.runs_of(chain))
    for title, words in fields(chain).items():
        form.shows(title, words)

    for title, words in fields(chain).items():
        if (bad := beyond(words)) is not None:
            form.fill(title, bad)
            said = form.refused(title)
            assert re.search(r"(less|greater) than or equal to|is too long|does not match|more characters", said), (title, said)
            if (chain, title) == (SHOWN, "Months silent"):
                pages.picture("prefect-refused")
            form.fill(title, words["default"])
    assert len(installation.runs_of(chain)) == before

    # Afresh: after the server refused a value, the old form may only look at the new ones on the first attempt.
    runs.rehearse(chain)
    assert len(installation.runs_of(chain)) == before + 1


@pytest.mark.parametrize("chain", CHAINS)
def test_a_rehearsed_run(pages, runs, chain):
    """A rehearsal completes, says that nothing of it was done, and publishes figures, refusals and a picture."""
    run = runs.rehearsed(chain)
    assert (run["state_type"], run["parameters"]["rehearse"]) == ("COMPLETED", True), run["state"]["message"]
    assert run["state"]["message"].startswith("Rehearsed, nothing of it was done: ")

    text = pages.artifact(run["id"])
    text.get_by_text("nobody was moved, nothing was sent").first.wait_for()
    headed(text, "The chain so far", "Steps", "Refused, and why", "Pressure, all chains", "The way through")
    refused = text.get_by_role("table").filter(has=text.page.get_by_role("columnheader", name="Reason"))
    assert refused.get_by_role("row").count() > 1
    assert drawn(text)


@pytest.mark.parametrize("chain", CHAINS)
def test_a_run(installation, pages, runs, chain):
    """A run takes in no more of the audience than the form allowed, beside whom another chain handed over by then; it sends,
    and its page leads to the figures and their picture."""
    run = runs.earnest(chain)
    assert (run["state_type"], run["parameters"]["at_most"]) == ("COMPLETED", AT_MOST), run["state"]["message"]
    asked = installation.command("sql", f"SELECT kind, entered FROM waves WHERE run = '{run['id']}'", "--json")
    entered = {row["kind"]: row["entered"] for row in json.loads(asked)["rows"]}
    assert entered["audience"] == AT_MOST
    assert re.match(rf"{sum(entered.values())} of \d+ entered", run["state"]["message"])
    pages.run(run["id"])
    if chain == SHOWN:
        pages.picture("prefect-run", rest=4000)

    text = pages.artifact(run["id"])
    headed(text, "The chain so far", "Due next", "Waves", "Steps", "Pressure, all chains", "The way through", "Elsewhere")
    text.get_by_text(f"enrolled {sum(entered.values())} contacts").first.wait_for()
    assert drawn(text)
    if chain == SHOWN:
        pages.picture("prefect-artifact", of=text)
        pages.front()
        pages.picture("prefect-dashboard", rest=3000)


def test_the_page_leads_on(installation, pages, runs):
    """A run that nobody named tells what it was, one that somebody named keeps its name; and from the page of figures, in both
    interfaces, links lead to the run that started a wave, to the figures of today, to all chains and to the form."""
    named, deployment = runs.earnest(SHOWN), installation.ask(f"/deployments/name/{SHOWN}/{SHOWN}")["id"]
    asked = installation.ask(f"/deployments/{deployment}/create_flow_run", parameters={"months_silent": 13, "at_most": 1})
    run = installation.ended(asked["id"])
    [figures] = installation.ask("/artifacts/filter", artifacts={"flow_run_id": {"any_": [run["id"]]}, "type": {"any_": ["markdown"]}})

    assert named["name"] == "reactivate lapsed, spring · test"
    assert re.fullmatch(r"reactivate lapsed · wave \d+ · 2026-01-05 10:00 · test", run["name"]), run["name"]
    leads = {named["name"]: f"/runs/flow-run/{named['id']}", run["name"]: f"/runs/flow-run/{run['id']}",
             "These figures as they are by now": "/artifacts/key/reactivate-lapsed",
             "All chains at a glance": "/artifacts/key/status",
             "The chain: its form and its schedule": f"/deployments/deployment/{deployment}"}
    for root in ("/v2", ""):
        for words, place in leads.items():
            pages.published(figures["id"], root)
            assert pages.led(words) == root + place


def test_nobody_is_named(installation, shop, runs):
    """After all of this, and a load with faults in it, no word about anybody stands in what Prefect keeps or wrote."""
    assert {runs.earnest(chain)["state_type"] for chain in CHAINS} == {"COMPLETED"}
    people = shop.people[:3]
    faulty = installation.home / "files" / "more.csv"
    faulty.write_text("client_id;email;phone;first_name;last_name\n" + "".join(
        f"{one.client_id};{one.email.replace('@', ' at ')};{one.phone}9;{one.first_name};{one.last_name}\n" for one in people))
    assert "held" in installation.command("load", "contacts", str(faulty))  # three rows where there were hundreds
    assert "rejected" in installation.command("load", "contacts", str(faulty), "--confirm")
    words = {word.lower() for word in shop.told}

    assert [run["state_type"] for run in installation.runs_of("load")] == ["COMPLETED"] * 2
    assert found(words, b"".join(path.read_bytes() for path in installation.home.glob("sent/**/*") if path.is_file())) != []
    assert found(words, kept(installation.prefect / "prefect.db").encode()) == []
    for path in installation.prefect.rglob("*"):
        if path.is_file():
            assert (path.name, found(words, path.read_bytes())) == (path.name, [])


def headed(text: Any, *headings: str) -> None:
    """The text has these headings, once it stands."""
    for heading in headings:
        text.get_by_role("heading", name=heading, exact=True).wait_for()


def drawn(text: Any) -> bool:
    """Whether the picture that came with the text is one that the browser could draw."""
    picture = text.get_by_role("img", name="Contacts by touches in 365 days")
    return picture.evaluate("async image => { await image.decode(); return image.naturalWidth * image.naturalHeight }") > 0


def found(words: set[str], text: bytes) -> list[str]:
    text = text.lower()
    return sorted(word for word in words if word.encode() in text)
