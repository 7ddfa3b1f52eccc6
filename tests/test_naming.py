"""What a run is called, and which names nobody gave."""

import re
from datetime import datetime
from pathlib import Path

import prefect
import pytest
from prefect.utilities.names import generate_slug

from marketing.naming import FORM, drawn, run_name
from tasks.naming import words

AT = datetime(2026, 1, 5, 9)
RUN = "0ab1c2d3-0000-4000-8000-000000000000"


@pytest.mark.parametrize(("more", "name"), [
    ({"waves": [3]}, "reactivate lapsed · wave 3 · 2026-01-05 10:00"),
    ({"waves": [3, 4]}, "reactivate lapsed · waves 3 and 4 · 2026-01-05 10:00"),
    ({}, "reactivate lapsed · 2026-01-05 10:00"),
    ({"environment": "demo"}, "reactivate lapsed · 2026-01-05 10:00 · demo"),
    ({"rehearsed": True, "waves": [3], "environment": "test"}, "reactivate lapsed · rehearsed · 2026-01-05 10:00 · test"),
])
def test_run_name(more, name):
    """A name tells the chain, the wave if anybody entered, the moment by the house's clock, and an environment that is not live."""
    assert run_name("reactivate_lapsed", AT, "Europe/Paris", **more) == name


def test_what_prefect_draws():
    """Every name that Prefect's server draws is known for one, and so is that of a command's own run."""
    assert [name for name in (generate_slug(2) for _ in range(2000)) if not drawn(name, RUN, words())] == []
    assert drawn("pass-0ab1c2d3", RUN, words())


def test_what_the_form_proposes():
    """The words that the form proposes names from are those of the interface that is installed."""
    pages = Path(prefect.__ui_v2_static_path__) / "assets"
    script = next(text for path in pages.glob("deployment_._id.run-*.js") if "Awesome" in (text := path.read_text(encoding="utf-8")))
    animals = max(re.findall(r"`([^`]*)`\.split\(`\.`\)", script), key=lambda text: ("Aardvark" in text, len(text))).split(".")
    firsts = re.search(r"\[(`Awesome`[^\]]*)\]", script)[1].replace("`", "").split(",")

    assert "maxCharCount:6" in script
    assert (sorted(FORM[0]), sorted(FORM[1])) == (sorted(firsts), sorted(name for name in animals if len(name) <= 6))
    assert drawn("Rustic-Addax", RUN, words())


@pytest.mark.parametrize("name", [
    "Before the spring sale", "spring-sale", "Small-Wave", "test", "reactivate lapsed, 1997-10-01", "golden otter", "Golden-Otter",
    "golden-otter-2", "pass-deadbeef", "alpha-cygni", "rustic-addax", "-", "", "reactivate lapsed · wave 3 · 2026-01-05 10:00",
])
def test_what_somebody_wrote(name):
    """A name that is not word for word one that Prefect draws was given by somebody."""
    assert not drawn(name, RUN, words())
