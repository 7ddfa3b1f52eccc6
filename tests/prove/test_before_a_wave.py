"""A marketer in the browser before a wave leaves: rehearsed, approved with a lower volume; another rejected, a third lapsed."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.installed import needs
from tests.prove.installation import ROOT, installed
from tests.prove.shop import Shop

pytestmark = [pytest.mark.prove, pytest.mark.timeout(900), pytest.mark.xdist_group("prove_browser")]

APPROVED, REJECTED, LAPSED = "reactivate_lapsed", "loyalty_six_contacts", "newsletter_monthly"
AT_MOST = 25


@pytest.fixture(scope="module")
def installation(tmp_path_factory):
    needs("chromium")
    with installed(tmp_path_factory.mktemp("shop"), Shop(), {"contacts = 50000": "contacts = 30"}) as made:
        yield made


@pytest.fixture(scope="module")
def pages(installation, tmp_path_factory) -> Iterator[Any]:
    from tests.prove.browsing import Pages, browser

    folder = Path(os.environ.get("PICTURES") or tmp_path_factory.mktemp("pictures"))
    with browser() as page:
        yield Pages(page, installation, ROOT / folder)


def start(installation, pages, name: str, values: dict[str, Any], opens_with: str = "Rehearse only", picture: str = "") -> dict:
    """The ended run that was started from a form filled like this; once more where the server was busy."""
    from tests.prove.browsing import Refused

    try:
        return installation.ended(filled(pages, name, values, opens_with, picture).start())
    except Refused:
        return installation.ended(filled(pages, name, values, opens_with, picture).start())


def filled(pages, name: str, values: dict[str, Any], opens_with: str, picture: str) -> Any:
    """The form with these values, a picture of it taken."""
    form = pages.form(name, opens_with)
    for title, value in values.items():
        form.fill(title, value)
    if picture:
        pages.picture(picture, whole=True)
    return form


def entered(installation) -> dict[str, int]:
    """Who has entered, by chain."""
    rows = json.loads(installation.command("sql", "SELECT chain, count(*) AS many FROM enrolments GROUP BY chain", "--json"))["rows"]
    return {row["chain"]: row["many"] for row in rows}


def asked(installation, pages, chain: str) -> int:
    """The number of the wave for which a run of the chain asks approval."""
    run = start(installation, pages, chain, {})
    assert run["state_type"] == "COMPLETED" and "awaits approval until" in run["state"]["message"], run["state"]["message"]
    return int(run["state"]["message"].partition("relance approve ")[2].partition(",")[0])


def test_rehearsed_then_approved_with_a_lower_volume(installation, pages):
    """The marketer rehearses, starts the run, which waits; approves less of it by name, and no more than that enters."""
    rehearsed = start(installation, pages, APPROVED, {"Rehearse only": True})
    wave = asked(installation, pages, APPROVED)
    before = entered(installation)
    decided = start(installation, pages, "approve", {"Wave": wave, "Decision": "approve", "Your name": "Anne Durand",
                                                     "Why": "read it all", "At most so many contacts": AT_MOST},
                    "Wave", "prefect-form-approve")
    ran = start(installation, pages, APPROVED, {})

    assert rehearsed["state"]["message"].startswith("Rehearsed, nothing of it was done: ")
    assert decided["state"]["message"] == f"Wave {wave} of {APPROVED} is approved: at most {AT_MOST} contacts."
    assert ran["state_type"] == "COMPLETED" and (before, entered(installation)) == ({}, {APPROVED: AT_MOST})


def test_rejected(installation, pages):
    """A wave that is rejected in the form is entered by nobody, and the next run says who rejected it and why."""
    wave = asked(installation, pages, REJECTED)
    start(installation, pages, "approve", {"Wave": wave, "Decision": "reject", "Your name": "Anne Durand", "Why": "wrong season"}, "Wave")
    said = start(installation, pages, REJECTED, {})["state"]["message"]

    assert "was rejected by Anne Durand (name typed), wrong season" in said and REJECTED not in entered(installation)


def test_lapsed(installation, pages):
    """A wave that nobody has decided on in time lapses: the form says so."""
    wave = asked(installation, pages, LAPSED)
    installation.command("pass", "prospect_web_lead", "--plain", "--as-of", "2026-01-08")
    late = start(installation, pages, "approve", {"Wave": wave, "Decision": "approve", "Your name": "Anne Durand"}, "Wave")

    assert late["state_type"] == "FAILED" and f"wave {wave} cannot be approved: it lapsed at 2026-01-07" in late["state"]["message"]
    assert LAPSED not in entered(installation)
