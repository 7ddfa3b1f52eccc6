"""Every chain in chains/ loads, compiles, has its files, says its messages, and finds its audience."""

from datetime import datetime
from html import unescape

import duckdb
import pytest

import chains
from connectors.message import Messages
from marketing.channels import CHANNELS
from marketing.check import check_all, check_files
from marketing.drawing import brief, mermaid, table
from marketing.files import audience_file, message_files
from marketing.graph import Graph, compile
from marketing.steps import Assign, ChainError, Split, walk

LANGUAGES = ("fr", "en")
NAMES = chains.names()
SENDS = [(name, send) for name in NAMES for send in compile(chains.load(name)).sends]
SPOKEN = [(name, send, channel, language) for name, send in SENDS for channel in send.channels for language in LANGUAGES]
#: The 7-bit alphabet of the GSM: a text with anything else costs more than twice as much.
GSM = set("@£$¥èéùìòÇ\nØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
          "abcdefghijklmnopqrstuvwxyzäöñüà")


def test_the_four_chains_are_there():
    """What is shipped is found by its folder."""
    assert {"reactivate_lapsed", "loyalty_six_contacts", "prospect_web_lead", "newsletter_monthly"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_chain_compiles_and_has_its_files(name):
    """Each chain bears the name of its folder, compiles, and speaks only of messages and audiences there are."""
    chain = chains.load(name)

    assert chain.name == name
    assert Graph.from_json(compile(chain).to_json()) == compile(chain)
    assert check_files(chain, chains.folder(name), [], CHANNELS, LANGUAGES) == []


def test_the_chains_fit_each_other():
    """Every Enrol names a chain there is, and no circle closes for good."""
    assert check_all([chains.load(name) for name in NAMES]) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_chain_can_be_drawn_and_told(name):
    """Diagram, table and paragraph exist for each chain."""
    graph = compile(chains.load(name))

    assert mermaid(graph).startswith("flowchart TD") and table(graph).startswith("| From |")
    assert brief(chains.load(name)).startswith(chains.load(name).title)


@pytest.mark.parametrize("name", NAMES)
def test_no_message_file_is_left_over(name):
    """Every file in messages/ is said by a Send."""
    said = {path for chain, send in SENDS if chain == name for channel in send.channels
            for path in message_files(chains.folder(name), send.message, channel).values()}

    assert set((chains.folder(name) / "messages").iterdir()) == said


def printed(name, send, channel, language, **contact) -> dict[str, str]:
    """The message of a Send as a contact would get it."""
    row = {
        "contact_id": 1, "first_name": "Zoé", "last_name": "Martin", "language": language, "address_1": "3 rue des Lilas",
        "address_2": None, "postcode": "75011", "city": "Paris", "country": "FR", "key": "k" * 37, "rep": "camille_durand",
        "unsubscribe_url": "https://relance.example/u/k", "params": chains.load(name).params().model_dump(),
        "house": {"name": "Maison Exemple", "language": "fr", "currency": "EUR", "zone": "Europe/Paris",
                  "urls": {"shop": "https://shop.example"}},
    }
    folder = chains.folder(name).parent
    return Messages(folder, "fr").get(name, send.message, channel, language).render(row | contact)


@pytest.mark.parametrize(("name", "send", "channel", "language"), SPOKEN)
def test_a_message_can_be_said_to_anybody(name, send, channel, language):
    """Each message prints in its language, also for a contact without a name, and shows nothing unfilled."""
    for contact in ({}, {"first_name": None, "last_name": None, "country": None}):
        content = printed(name, send, channel, language, **contact)

        assert all("None" not in part and "{{" not in part and "{%" not in part for part in content.values())
        assert ("Zoé" in " ".join(content.values())) <= (not contact)


@pytest.mark.parametrize(("name", "send", "channel", "language"), [s for s in SPOKEN if s[2] == "email"])
def test_an_email_says_who_writes_and_how_to_stop(name, send, channel, language):
    """Subject, preheader, sender, postal address and unsubscribe link, in the page and in the text."""
    content = printed(name, send, channel, language)

    assert all(content[field] for field in ("subject", "preheader", "sender", "html", "text"))
    assert len(content["subject"]) <= 60 and content["preheader"] in unescape(content["html"])
    for part in (content["html"], content["text"]):
        assert "https://relance.example/u/k" in part and "12 rue des Exemples" in part
    assert f'<html lang="{language}">' in content["html"] and "<style>@media" in content["html"]


@pytest.mark.parametrize(("name", "send", "channel", "language"), [s for s in SPOKEN if s[2] == "sms"])
def test_a_text_message_is_one_part_and_says_how_to_stop(name, send, channel, language):
    """At most 160 characters of the 7-bit alphabet, with the STOP words."""
    text = printed(name, send, channel, language)["text"].strip()

    assert len(text) <= 160 and set(text) <= GSM and "STOP" in text


@pytest.fixture
def con():
    """A small base: the public views that audiences read, as tables."""
    with duckdb.connect() as con:
        con.execute("""
            CREATE TABLE contacts (contact_id BIGINT, touchpoint TEXT, created_at TIMESTAMP, country TEXT, postcode TEXT);
            CREATE TABLE orders (contact_id BIGINT, order_id TEXT, ordered_at TIMESTAMP, amount DECIMAL(18,4), cancelled_at TIMESTAMP);
            CREATE TABLE consents (contact_id BIGINT, channel TEXT, purpose TEXT, status TEXT, happened_at TIMESTAMP);
            CREATE TABLE assignments (contact_id BIGINT, rep TEXT, assigned_at TIMESTAMP);
        """)
        yield con


AS_OF = datetime(2026, 11, 24, 9)


def ask(con, name, audience, **values) -> list[tuple]:
    """The rows of an audience at AS_OF with the chain's default parameters, save those given."""
    query = audience_file(audience, [chains.folder(name)]).read_text(encoding="utf-8")
    values = {"as_of": AS_OF} | chains.load(name).params(**values).model_dump()
    return sorted(con.execute(query, {k: v for k, v in values.items() if f"${k}" in query}).fetchall())


@pytest.mark.parametrize(("name", "audience"), [
    (name, audience) for name in NAMES for audience in [
        chains.load(name).audience,
        *(a for s in walk(chains.load(name).steps) if isinstance(s, Split) for a in s.on),
        *(s.to for s in walk(chains.load(name).steps) if isinstance(s, Assign)),
    ]
])
def test_every_query_runs_on_an_empty_base(con, name, audience):
    """On no contacts at all, every audience is empty and no query fails."""
    assert ask(con, name, audience) == []


def test_lapsed_buyers_are_those_silent_long_enough_but_not_forgotten(con):
    """The last order that stands decides; cancelled orders and returns do not count, nor what comes later."""
    con.execute("""INSERT INTO orders VALUES
        (1, 'a', '2025-11-24 09:00', 10, NULL), (2, 'b', '2025-11-24 09:01', 10, NULL), (3, 'c', '2023-11-24 09:00', 10, NULL),
        (4, 'd', '2024-05-01', 10, NULL), (4, 'e', '2026-10-01', 10, '2026-10-02'), (5, 'f', '2024-05-01', 10, NULL),
        (5, 'f', '2026-10-01', -10, NULL), (6, 'g', '2024-05-01', 10, NULL), (6, 'h', '2026-12-01', 10, NULL)""")

    assert ask(con, "reactivate_lapsed", "lapsed_buyers") == [(1,), (4,), (5,), (6,)]
    assert ask(con, "reactivate_lapsed", "lapsed_buyers", months_silent=11) == [(1,), (2,), (4,), (5,), (6,)]


def test_active_buyers_bought_lately(con):
    """One row per contact however many orders; the days are a parameter."""
    con.execute("""INSERT INTO orders VALUES (1, 'a', '2026-11-01', 10, NULL), (1, 'b', '2026-11-02', 10, NULL),
        (2, 'c', '2026-10-01', 10, NULL), (3, 'd', '2026-11-20', -10, NULL), (4, 'e', '2026-11-20', 10, '2026-11-21')""")

    assert ask(con, "loyalty_six_contacts", "active_buyers") == [(1,)]
    assert ask(con, "loyalty_six_contacts", "active_buyers", days_since_order=60) == [(1,), (2,)]


def test_the_top_fifth_is_a_fifth(con):
    """Of 100 buyers the 20 who bought last, most often and for most are in it."""
    con.execute("""INSERT INTO orders SELECT c, c || '/' || n, TIMESTAMP '2026-01-01' + to_days(c), c, NULL
                   FROM range(1, 101) AS r(c), range(100) AS s(n) WHERE n < c""")

    assert ask(con, "loyalty_six_contacts", "rfm_top_quintile") == [(c,) for c in range(81, 101)]


def test_new_web_leads_are_new_and_have_not_bought(con):
    """A web form filled in within the days given, by somebody who has not bought."""
    con.execute("""INSERT INTO contacts VALUES (1, 'web form', '2026-11-23', 'FR', '75002'), (2, 'Web_form', '2026-11-23', 'FR', '75002'),
        (3, 'shop', '2026-11-23', 'FR', '75002'), (4, 'web form', '2026-11-01', 'FR', '75002'), (5, 'web form', '2026-11-23', 'FR', '75002')""")
    con.execute("INSERT INTO orders VALUES (5, 'a', '2026-11-23', 10, NULL)")

    assert ask(con, "prospect_web_lead", "new_web_leads") == [(1,), (2,)]
    assert ask(con, "prospect_web_lead", "new_web_leads", days_new=30) == [(1,), (2,), (4,)]


def test_everybody_has_one_rep_of_the_territory_and_next_time_another(con):
    """One rep per contact, from the department; a contact given before goes to another; abroad has a desk."""
    con.execute("""INSERT INTO contacts VALUES (3, '', '2026-01-01', 'FR', '75011'), (4, '', '2026-01-01', 'FR', '75011'),
        (5, '', '2026-01-01', 'FR', '29000'), (6, '', '2026-01-01', 'US', '75001'), (7, '', '2026-01-01', NULL, NULL)""")
    first = dict(ask(con, "prospect_web_lead", "rep_of_territory"))
    desk = {"jules_petit", "anna_delattre", "tom_garnier"}

    assert first.keys() == {3, 4, 5, 6, 7} and first[3] != first[4]
    assert {first[3], first[4]} <= {"camille_durand", "hugo_lambert", "ines_moreau"}
    assert {first[5], first[6], first[7]} <= desk
    assert dict(ask(con, "prospect_web_lead", "rep_of_territory")) == first

    con.executemany("INSERT INTO assignments VALUES (?, ?, '2026-11-20')", list(first.items()))
    second = dict(ask(con, "prospect_web_lead", "rep_of_territory"))

    assert all(second[contact] != first[contact] for contact in first)


def test_newsletter_readers_said_yes_last(con):
    """The last word on commercial e-mail counts, the refusal where two words fall together."""
    con.execute("""INSERT INTO consents VALUES
        (1, 'email', 'commercial', 'granted', '2026-01-01'), (2, 'email', 'commercial', 'granted', '2026-01-01'),
        (2, 'email', 'commercial', 'withdrawn', '2026-02-01'), (3, 'email', 'commercial', 'refused', '2026-01-01'),
        (3, 'email', 'commercial', 'granted', '2026-02-01'), (4, 'sms', 'commercial', 'granted', '2026-01-01'),
        (5, 'email', 'relationship', 'granted', '2026-01-01'), (6, 'email', 'commercial', 'granted', '2026-01-01'),
        (6, 'email', 'commercial', 'refused', '2026-01-01'), (7, 'email', 'commercial', 'granted', '2026-12-01')""")

    assert ask(con, "newsletter_monthly", "newsletter_readers") == [(1,), (3,)]


def test_a_broken_chain_names_its_file_and_stops_no_other(tmp_path, monkeypatch):
    """The error names file, line and fault; the other chains still load."""
    monkeypatch.setattr(chains, "__path__", [*chains.__path__, str(tmp_path)])
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "chain.py").write_text('"""Broken."""\nfrom marketing.chain import Chain\nCHAIN = Chain(name="broken")\n')

    assert "broken" in chains.names()
    with pytest.raises(ChainError, match=r"chains/broken/chain.py, line 3: .*title"):
        chains.load("broken")
    assert chains.load("newsletter_monthly").name == "newsletter_monthly"
