"""`relance chains`."""

import shutil
import sys

import pytest

import chains
from tests.cli.conftest import ROOT, answering


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A house with a copy of the chains that may be broken."""
    folder, home = tmp_path / "chains", tmp_path / "home"
    shutil.copytree(ROOT / "chains", folder, ignore=shutil.ignore_patterns("__pycache__"))
    home.mkdir()
    monkeypatch.setattr(chains, "__path__", [str(folder)])
    for module in [module for module in sys.modules if module.startswith("chains.")]:
        monkeypatch.delitem(sys.modules, module)
    yield answering(home, monkeypatch), folder
    for module in [module for module in sys.modules if module.startswith("chains.")]:
        del sys.modules[module]


def test_list(empty):
    """Every chain with what it is for."""
    rows = empty("chains", "list", "--json").json

    assert [row["chain"] for row in rows] == chains.names()
    assert rows[3] == {"chain": "reactivate_lapsed", "title": "Win back lapsed buyers", "kind": "loyalty", "error": None,
                       "audience": "lapsed_buyers", "params": {"months_silent": 12, "months_forgotten": 36,
                                                               "discount_percent": 20, "offer_days": 14}}


def test_check(empty):
    """The chains of the house are sound."""
    said = empty("chains", "check")

    assert (said.code, said.out) == (0, "".join(f"{name}: sound\n" for name in chains.names()))


@pytest.mark.parametrize(("path", "before", "after", "told"), [
    ("chain.py", "Chain(", "Chane(", "chains/reactivate_lapsed/chain.py, line "),
    ("lapsed_buyers.sql", "SELECT contact_id\n", "SELECT client\n", "lapsed_buyers.sql: Binder Error"),
    ("lapsed_buyers.sql", "$months_silent", "$months_silence", "lapsed_buyers.sql takes $months_silence"),
    ("messages/we_miss_you.fr.email.j2", "{% block body %}", "{% block body", "we_miss_you.fr.email.j2"),
    ("chain.py", 'Enrol("newsletter_monthly")', 'Enrol("newsletter")', 'Enrol("newsletter") names no chain'),
])
def test_mistakes(own, path, before, after, told):
    """A mistake is told under the chain that made it, with 1; the others stay sound."""
    relance, folder = own
    file = folder / "reactivate_lapsed" / path
    text = file.read_text(encoding="utf-8")
    assert before in text
    file.write_text(text.replace(before, after), encoding="utf-8")
    found = relance("chains", "check", "--json")

    assert found.code == 1
    assert [told in fault for fault in found.json["chains"]["reactivate_lapsed"]].count(True) == 1
    assert not any(faults for name, faults in found.json["chains"].items() if name not in ("reactivate_lapsed", "loyalty_six_contacts"))


def test_what_stands_against_sending(own):
    """Each finding names step, message, language and kind; what blocks ends with 1, and a remark alone does not."""
    relance, folder = own
    whole = relance("chains", "check", "reactivate_lapsed", "--sending", "--json")
    (folder / "reactivate_lapsed/messages/win_back_sms.fr.sms.j2").write_text("Bonjour {{ nickname }}", encoding="utf-8")
    broken = relance("chains", "check", "reactivate_lapsed", "--sending", "--json")
    told = relance("chains", "check", "reactivate_lapsed", "--sending")

    assert (whole.code, whole.json["sound"], whole.json["may_leave"], whole.json["chains"]) == (0, True, True, {"reactivate_lapsed": []})
    assert [(f["rule"], f["blocking"]) for f in whole.json["sending"]["reactivate_lapsed"]] == [("no_audience", False)]
    assert (broken.code, broken.json["may_leave"], broken.json["sound"]) == (1, False, True)
    assert [(f["step"], f["message"], f["language"], f["kind"], f["rule"])
            for f in broken.json["sending"]["reactivate_lapsed"] if f["blocking"]] == [("win_back_sms", "win_back_sms", "fr", "sms", "no_variable")]
    assert "  mend  step win_back_sms, win_back_sms.fr.sms: No contact has a nickname" in told.out
    assert told.out.endswith("Next: mend that, then the same command again\n")


def test_new(own):
    """A new chain is sound as it is written, in both languages, and makes a pass."""
    relance, folder = own
    said = relance("chains", "new", "spring_letter", "--json")

    assert (said.code, len(said.json["files"])) == (0, 6)
    assert (folder / "spring_letter" / "chain.py").is_file()
    assert relance("chains", "check", "spring_letter").out == "spring_letter: sound\n"
    assert relance("chains", "check", "spring_letter", "--sending").code == 0
    assert relance("pass", "spring_letter", "--plain").code == 0
    assert relance("chains", "new", "spring_letter").code == relance("chains", "new", "Spring-Letter").code == 2


def test_diagram(empty, tmp_path):
    """The page is written, and --check tells when it is out of date."""
    page = tmp_path / "chains.md"
    checked = empty("chains", "diagram", "--write", str(page), "--check")
    written = empty("chains", "diagram", "--write", str(page))

    assert (checked.code, "out of date" in checked.out, written.code) == (1, True, 0)
    assert empty("chains", "diagram", "--write", str(page), "--check").code == 0
    assert "```mermaid\nflowchart" in page.read_text(encoding="utf-8")
    assert empty("chains", "diagram", "reactivate_lapsed").out.count("```mermaid") == 1
