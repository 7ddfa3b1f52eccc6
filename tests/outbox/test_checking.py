"""What stands against sending is said before anybody gets a message, and nothing is said without cause."""

from datetime import date, datetime

import pytest

from marketing.chain import (
    APPOINTMENT, CLICKED, COMMERCIAL, LETTER_RETURNED, RELATIONSHIP, REPLIED, TRANSACTIONAL, Assign, Chain, Delay, Exit, Field,
    GoTo, Send, WaitFor, WaveParams, days, months, weeks,
)
from marketing.graph import compile
from outbox.checking import checks, message_hashes
from outbox.checking_plan import before, sendings
from tests.passing.shop import Shop

HEAD = "subject: Hello\nsender: House <hello@house.example>\n---\n"
STOP = '<p>Words</p><a href="{{ unsubscribe_url }}">stop</a>'
URLS = '[urls]\nshop = "https://shop.example"\nunsubscribe = "https://house.example/u"\n'
HOURS = '[[hours]]\nchannel = "phone"\nweekdays = ["mon"]\nfrom = "10:00"\nto = "13:00"\n'


class Words(WaveParams):
    valid_until: date = Field(date(2026, 4, 1))
    headline: str = Field("News", max_length=40)
    incentive_cost: float = Field(0)
    incentive_budget: float = Field(0)


@pytest.fixture
def says(tmp_path, monkeypatch):
    """`says(chain, {file: text}, contacts)` opens a shop with these messages; returns what checks() finds as a function."""
    opened = []

    def opening(chain, files, *people, policy='country = "FR"', urls=URLS, live=False, audience="SELECT contact_id FROM contacts"):
        home = tmp_path / f"shop{len(opened)}"
        home.mkdir()
        shop = Shop(home, monkeypatch, chain, policy=policy, mail={"record": True})
        opened.append(shop)
        house = type(shop.warehouse.house).model_validate(shop.warehouse.house.model_dump() | {
            "urls": dict(line.split(" = ") for line in urls.replace('"', "").splitlines()[1:]), "environment": "live" if live else "test"})
        monkeypatch.setattr(shop.warehouse, "house", house)
        for name, text in {f"{chain.name}/{chain.audience}.sql": f"-- One row per contact.\n{audience}"}.items() | files.items():
            path = home / (name if "/" in name else f"{chain.name}/messages/{name}")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        if people:
            shop.contacts(*people)
        shop.said = lambda params=None, **more: checks(shop.wired, chain, params, **more)
        shop.rules = lambda params=None: [(f.rule, f.blocking) for f in shop.said(params) if f.rule != "no_audience"]
        return shop

    yield opening
    for one in opened:
        one.warehouse.close()


def one(by="email", purpose=COMMERCIAL, **more) -> Chain:
    return Chain(name="spring", title="Spring", kind="loyalty", audience="everybody", params=Words,
                 steps=[Send("hi", by=by, message="hi", purpose=purpose), *more.get("then", [])])


@pytest.mark.parametrize(("text", "rules"), [
    (HEAD + STOP, []),
    ("subject: {{ params.headline }}\nsender: x <a@b.example>\n---\n" + STOP, []),
    ("subject: {% if not first_name %}x{% endif %}\nsender: x <a@b.example>\n---\n" + STOP, [("no_subject", True)]),
    ("subject: Hello\n---\n" + STOP, [("no_sender", True)]),
    ("subject: Hello\nsender: House\n---\n" + STOP, [("bad_sender", True)]),
    (HEAD.replace("---", "reply_to: nobody\n---") + STOP, [("bad_reply_to", True)]),
    (HEAD.replace("hello@", "no-reply@") + STOP, [("no_reply", False)]),
    (HEAD.replace("Hello", "x" * 151) + STOP, [("long_subject", False)]),
    (HEAD + "<p>Words</p>", [("no_unsubscribe", True)] * 2),
    (HEAD + '<p>Words</p><!-- {{ unsubscribe_url }} -->', [("no_unsubscribe", True)]),
    (HEAD + "<p> </p><a href='{{ unsubscribe_url }}'></a>", [("empty_body", True)]),
    (HEAD + '<img src="https://house.example/a.png"><a href="{{ unsubscribe_url }}"></a>', []),
    (HEAD + STOP + "<p>x</p>" * 14_000, [("oversized", True)]),
    (HEAD + STOP + "{{ params.headline|safe }}", [("markup", True)]),
    (HEAD + STOP + "{% if x", [("unprintable", True)]),
    (HEAD + STOP + "{{ nowhere }}", [("no_variable", True)]),
    (HEAD + STOP + "{{ rep }}", [("no_variable", True)]),
    (HEAD + STOP + "{{ first_name|money }}", [("unprintable", True)]),
])
def test_an_email(says, text, rules):
    """Who writes, how to stop, a body of the right size with words in it, every variable known."""
    assert says(one(), {"hi.email.j2": text}).rules() == rules


def test_what_belongs_to_an_order_needs_no_way_to_stop(says):
    """A transactional message has no link for unsubscribing; a relationship message has."""
    assert says(one(purpose=TRANSACTIONAL), {"hi.email.j2": HEAD + "<p>Words</p>"}).rules() == []
    assert says(one(purpose=RELATIONSHIP), {"hi.email.j2": HEAD + "<p>Words</p>"}).rules() == [("no_unsubscribe", True)] * 2


def test_the_house_has_a_page_for_unsubscribing(says):
    """Without an address in house.toml the link leads nowhere, and that is said."""
    found = says(one(), {"hi.email.j2": HEAD + STOP}, urls="[urls]\nshop = https://shop.example").said()

    assert {(f.rule, f.blocking) for f in found if f.rule != "no_audience"} == {("no_unsubscribe", True), ("dead_link", True)}
    assert any('house.toml, [urls], unsubscribe = "https://…"' in f.sentence for f in found)


@pytest.mark.parametrize(("text", "rules"), [
    ("Words STOP 36111", []), ("Words", [("no_stop", True)]), ("nonSTOPsense", [("no_stop", True)]), (" ", [("empty_body", True)]),
    ("x" * 151 + " STOP 36111", [("long_sms", False)]), ("x" * 1530 + " STOP 36111", [("oversized", True)]),
    ("sender: Maison Exemple\n---\nWords STOP 36111", [("bad_sender", True)]), ("sender: +33612345678\n---\nWords STOP", []),
    ("Words STOP http://house.example", [("unsafe_link", False)]),
])
def test_a_text_message(says, text, rules):
    """It says how to stop, and is not longer than it may be."""
    assert says(one("sms"), {"hi.sms.j2": text}).rules() == rules


@pytest.mark.parametrize(("address", "image", "rules"), [
    ("https://house.example/a?b=1#c", False, []), ("http://house.example", False, [("unsafe_link", False)]),
    ("", False, [("dead_link", True)]), ("#", False, [("dead_link", True)]), ("#top", False, []), ("shop.example/x", False, [("dead_link", True)]),
    ("//shop.example", False, [("dead_link", True)]), ("https://", False, [("dead_link", True)]), ("https://shop", False, [("dead_link", True)]),
    ("https://shop..example", False, [("dead_link", True)]), ("https://a.example:x/", False, [("dead_link", True)]),
    ("https://a.example/a b", False, [("dead_link", True)]), ("https://x.invalid/", False, [("dead_link", True)]),
    ("javascript:x()", False, [("dead_link", True)]), ("ftp://a.example", False, [("dead_link", True)]), ("https://[bad", False, [("dead_link", True)]),
    ("https://a.example/{{ '{{' }} x }}", False, [("dead_link", True)]), ("mailto:a@b.example", False, []), ("mailto:", False, [("dead_link", True)]),
    ("tel:+33612345678", False, []), ("https://house.example/a.png", True, []), ("a.png", True, [("dead_image", True)]),
    ("", True, [("dead_image", True)]), ("cid:logo", True, [("dead_image", True)]), ("data:image/png;base64,AA", True, [("dead_image", True)]),
    ("http://house.example/a.png", True, [("unsafe_image", False)]), ("http://127.0.0.1:4200/", False, []),
])
def test_links_and_images(says, address, image, rules):
    """What leads nowhere, is not sent along or is no address is said by its look alone."""
    shown = f'<img src="{address}" alt="x">' if image else f'<a href="{address}">x</a>'

    assert says(one(), {"hi.email.j2": HEAD + STOP + shown}).rules() == rules


def test_names_kept_for_examples_reach_nobody_when_it_is_earnest(says):
    """In the environment live a sender or a link below .example blocks; elsewhere nobody is misled by it."""
    files = {"hi.email.j2": HEAD + STOP + '<a href="https://shop.example/">x</a>'}

    assert says(one(), files).rules() == []
    assert says(one(), files, live=True).rules() == [("bad_sender", True), ("dead_link", True), ("dead_link", True)]


def test_every_language_is_printed(says):
    """A mistake in one language is found in that language alone, and named by its file's words."""
    found = says(one(), {"hi.fr.email.j2": HEAD + STOP, "hi.en.email.j2": HEAD + "<p>Words</p>", "hi.de.email.j2": "no head"}).said()

    assert [(f.step, f.message, f.language, f.kind, f.rule) for f in found if f.step] == [
        ("hi", "hi", "de", "email", "unprintable"), *[("hi", "hi", "en", "email", "no_unsubscribe")] * 2]


def test_a_message_that_is_not_there(says):
    """A Send without a file in the house's language blocks."""
    for files in ({}, {"hi.en.email.j2": HEAD + STOP}):
        said = [(f.language, f.rule, "no message 'hi' by email in 'fr'" in f.sentence) for f in says(one(), files).said() if f.blocking]
        assert said == [("fr", "unprintable", True)]


def test_as_many_are_said_as_the_sender_would_refuse(says):
    """For each variable and language, the contacts without a value, blank ones too: exactly those whom the pass then refuses."""
    files = {"hi.fr.email.j2": HEAD + STOP + "Bonjour {{ first_name }} de {{ city }}, {{ last_name or 'x' }}",
             "hi.en.email.j2": HEAD + STOP + "Hello{% if first_name %} {{ first_name }} of {{ city }}{% endif %}"}
    names, cities = ("Anne", "", None, " \t", "\xa0"), ("Metz", None, "\u2003")
    people = [{"contact_id": number, "language": language, "first_name": name, "city": city, "last_name": None}
              for number, (language, name, city) in enumerate(
                  ((language, name, city) for language in ("fr", "en", "de", None) for name in names for city in cities), 1)]
    shop = says(one(purpose=RELATIONSHIP), files, *people)
    found = {(f.language, f.sentence.split(" have no ")[1].split(",")[0]): int(f.sentence.split(" ")[0])
             for f in shop.said() if f.rule == "missing_value"}
    shop.passes("spring")
    refused = shop.rows("SELECT c.language, count(*) FROM refusals JOIN contacts AS c USING (contact_id) WHERE reason = 'missing_value' GROUP BY ALL")
    by_file: dict[str, int] = {}
    for language, contacts in refused:
        by_file["en" if language == "en" else "fr"] = by_file.get("en" if language == "en" else "fr", 0) + contacts

    assert found == {("fr", "first_name"): 36, ("fr", "city"): 6, ("en", "city"): 2}
    assert by_file == {"fr": 42, "en": 2}


def test_a_value_that_everybody_lacks_blocks(says):
    """A message that would reach nobody blocks, one that would miss some is a remark, and who is not asked in is not counted."""
    files = {"hi.email.j2": HEAD + STOP + "{{ city }}"}
    people = [{"contact_id": number, "city": "Metz" if number == 1 else None} for number in (1, 2, 3)]
    some = says(one(), files, *people)
    nobody = says(one(), files, *people, audience="SELECT contact_id FROM contacts WHERE contact_id > 1")

    assert some.rules() == [("missing_value", False)] and "2 of the 3 contacts" in some.said()[0].sentence
    assert nobody.rules() == [("missing_value", True)] and "2 of the 2 contacts" in nobody.said()[0].sentence
    assert "Metz" not in str(some.said())


def test_a_blank_parameter(says):
    """A subject that prints a parameter is empty without it; a line break in it is told."""
    shop = says(one(), {"hi.email.j2": "subject: {{ params.headline }}\nsender: x <a@b.example>\n---\n" + STOP})

    assert shop.rules({"headline": " "}) == [("no_subject", True)]
    assert shop.rules({"headline": "a\nb"}) == [("subject_lines", True)]


@pytest.mark.parametrize(("until", "rules"), [
    (date(2026, 3, 1), [("expired_offer", True)]), (date(2026, 3, 2), [("expired_offer", True)]), (date(2026, 3, 15), [("expired_offer", True)]),
    (date(2026, 3, 16), [("expired_offer", False)]), (date(2026, 3, 22), [("expired_offer", False)]), (date(2026, 3, 23), [])])
def test_an_offer_that_is_over(says, until, rules):
    """Against the days on which its message may leave: too late for all blocks, too late for some is a remark."""
    chain = Chain(name="spring", title="Spring", kind="loyalty", audience="everybody", params=Words, steps=[
        Send("first", by="email", message="first", purpose=COMMERCIAL), WaitFor("heard", within=weeks(1), on={REPLIED: []}),
        Delay(weeks(2)), Send("hi", by="email", message="hi", purpose=COMMERCIAL)])
    shop = says(chain, {"first.email.j2": HEAD + STOP, "hi.email.j2": HEAD + STOP + "until {{ params.valid_until }}"})

    assert shop.rules({"valid_until": until}) == rules
    assert {f.step for f in shop.said({"valid_until": until}) if f.rule == "expired_offer"} <= {"hi"}


def test_a_past_date_that_nobody_reads_is_a_remark(says):
    """It may stand in a query: worth knowing, no reason to stop."""
    shop = says(one(), {"hi.email.j2": HEAD + STOP})

    assert shop.rules({"valid_until": date(2026, 3, 1)}) == [("expired_offer", False)] and shop.rules() == []


def test_first_and_last_sendings():
    """Delays add up, an answer may come at once or at the end of its wait, and going round again is left out."""
    graph = compile(Chain(name="c", title="c", kind="loyalty", audience="a", steps=[
        Send("one", by="email", message="m", purpose=COMMERCIAL), Delay(months(1)), Send("two", by="email", message="m", purpose=COMMERCIAL),
        WaitFor("w", within=days(10), on={CLICKED: [Send("fast", by="email", message="m", purpose=COMMERCIAL), GoTo("one", at_most=3)]},
                otherwise=[Delay(days(1)), Send("slow", by="email", message="m", purpose=COMMERCIAL)])]))

    assert sendings(graph, datetime(2026, 1, 5, 9), "Europe/Paris") == {
        "one": (datetime(2026, 1, 5, 9), datetime(2026, 1, 5, 9)), "two": (datetime(2026, 2, 5, 9), datetime(2026, 2, 5, 9)),
        "fast": (datetime(2026, 2, 5, 9), datetime(2026, 2, 15, 9)), "slow": (datetime(2026, 2, 16, 9), datetime(2026, 2, 16, 9))}


def test_incentives_stay_within_their_budget(says):
    """Cost times contacts above the budget blocks, and says how many could enter."""
    shop = says(one(), {"hi.email.j2": HEAD + STOP}, *({"contact_id": number} for number in range(1, 11)))

    assert shop.rules({"incentive_cost": 2.5, "incentive_budget": 25}) == []
    assert shop.rules({"incentive_cost": 2.5, "incentive_budget": 24}) == [("incentive_budget", True)]
    assert shop.said({"incentive_cost": 2.5, "incentive_budget": 24})[0].sentence == (
        "The incentives would cost 25.00 EUR (10 contacts × 2.50 EUR), above the incentive_budget of 24.00: raise it, or let at most 9 contacts enter.")


@pytest.mark.parametrize(("by", "on", "text", "rules"), [
    ("email", CLICKED, HEAD + STOP + '<a href="https://a.example">x</a>', []), ("email", CLICKED, HEAD + STOP, [("no_way_back", True)]),
    ("sms", CLICKED, "See https://a.example STOP", []), ("email", APPOINTMENT, HEAD + STOP, [("no_way_back", True)]),
    ("email", LETTER_RETURNED, HEAD + STOP, [("no_way_back", True)]), ("post", LETTER_RETURNED, "<p>x</p>", []),
    ("email", REPLIED, HEAD + STOP, []), ("email", REPLIED, HEAD.replace("hello@", "noreply@") + STOP, [("no_reply", True)]),
    ("post", REPLIED, "<p>x</p>", [("no_way_back", True)])])
def test_an_answer_that_is_waited_for_can_come_in(says, by, on, text, rules):
    """A click needs a link, an outcome a call, a reply a mailbox that is read."""
    chain = one(by, then=[WaitFor("heard", within=days(7), on={on: [Exit("heard")]})])

    assert says(chain, {f"hi.{by}.j2": text}).rules() == rules


def test_calls_have_hours_a_script_and_somebody_to_make_them(says):
    """A chain that calls without hours or a script blocks; without a rep or an outcome it is a remark."""
    bare = one("phone")
    whole = Chain(name="spring", title="Spring", kind="loyalty", audience="everybody", steps=[
        Assign("give", to="rep_of"), Send("hi", by="phone", message="hi", purpose=COMMERCIAL),
        WaitFor("outcome", within=days(3), on={APPOINTMENT: [Exit("met")]})])

    assert says(bare, {"hi.phone.j2": "Say hello"}).rules() == [("no_hours", True), ("no_rep", False), ("no_outcome", False)]
    assert says(whole, {"hi.phone.j2": "Say hello, {{ rep }}"}, policy=f'country = "FR"\n{HOURS}').rules() == []
    assert says(whole, {"hi.phone.j2": " \n"}, policy=f'country = "FR"\n{HOURS}').rules() == [("empty_body", True)]


def test_a_wait_hears_the_sends_since_the_wait_before():
    """The Sends of all branches that lead to it, none from before another wait."""
    graph = compile(Chain(name="c", title="c", kind="loyalty", audience="a", steps=[
        Send("a", by="email", message="m", purpose=COMMERCIAL),
        WaitFor("w1", within=days(1), on={CLICKED: [Send("b", by="email", message="m", purpose=COMMERCIAL)]},
                otherwise=[Delay(days(1)), Send("c", by="sms", message="m", purpose=COMMERCIAL)]),
        Delay(days(1)), WaitFor("w2", within=days(1), on={CLICKED: [Exit("x")]})]))

    assert (before(graph, "w1"), before(graph, "w2")) == ({"a"}, {"b", "c"})


def test_a_text_without_limit_is_a_remark(says):
    """A form that takes a text of any length is worth mending."""
    class Endless(WaveParams):
        words: str = Field("x")

    chain = Chain(name="spring", title="Spring", kind="loyalty", audience="everybody", params=Endless,
                  steps=[Send("hi", by="email", message="hi", purpose=COMMERCIAL)])
    assert says(chain, {"hi.email.j2": HEAD + STOP}).rules() == [("endless_text", False)]


def test_links_are_followed_only_when_asked(says):
    """By default nobody is contacted; then each link but the one for unsubscribing, and what it says decides."""
    shop = says(one(), {"hi.email.j2": HEAD + STOP + '<a href="https://a.example/x?y=1">x</a><img src="https://a.example/i.png">'})
    asked = []

    def reach(url):
        asked.append(url)
        return (True, "answers 404.") if url.endswith(".png") else (False, "was slow.") if "y=1" in url else None

    found = [(f.rule, f.blocking, f.sentence) for f in shop.said(reach=reach) if f.rule != "no_audience"]
    assert shop.rules() == [] and asked == ["https://a.example/x?y=1", "https://a.example/i.png"]
    assert found == [("dead_image", True, "The image https://a.example/i.png answers 404."), ("dead_link", False, "The link https://a.example/x was slow.")]


def test_hashes_are_of_all_that_a_message_is_made_of(says):
    """A change in the file, its layout, what it includes or imports, or what that imports, is another hash; nothing else is."""
    files = {"hi.fr.email.j2": "subject: x\n---\n{% extends 'l.j2' %}{% from 'm.j2' import a %}{% block b %}{{ a() }}{% endblock %}", "hi.sms.j2": "x",
             "_shared/l.j2": "<p>{% block b %}{% endblock %}</p>{% include 'i.j2' %}", "_shared/i.j2": "i", "_shared/o.j2": "other",
             "_shared/m.j2": "{% from 'n.j2' import b %}{% macro a() %}{{ b() }}{% endmacro %}", "_shared/n.j2": "{% macro b() %}b{% endmacro %}"}
    shop = says(one(("email", "sms")), files)
    first = message_hashes(shop.wired, one(("email", "sms")))
    changed = {}
    for name in files:
        path = shop.wired.messages.folder / (name if "/" in name else f"spring/messages/{name}")
        text = path.read_text()
        path.write_text(text.replace("i", "ii") if name == "_shared/i.j2" else text + " ")
        changed[name] = {key for key, digest in message_hashes(shop.wired, one(("email", "sms"))).items() if digest != first[key]}
        path.write_text(text)

    assert first.keys() == {"hi.fr.email", "hi.sms"} and all(len(digest) == 64 for digest in first.values())
    assert changed == {"hi.sms.j2": {"hi.sms"}, "_shared/o.j2": set(),
                       **{name: {"hi.fr.email"} for name in files if name not in ("hi.sms.j2", "_shared/o.j2")}}
    assert message_hashes(shop.wired, one(("email", "sms"))) == first
