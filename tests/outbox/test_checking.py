"""What stands against sending is said before anybody gets a message, and nothing is said without cause."""

import pytest

from marketing.chain import COMMERCIAL, RELATIONSHIP, TRANSACTIONAL, Chain, Field, Send, WaveParams
from marketing.graph import compile
from outbox.bound import digests
from outbox.checking_links import of_links
from tests.outbox.conftest import HEAD, STOP, one


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


@pytest.mark.parametrize(("body", "rules"), [
    ("{% block body %}<p>&nbsp;</p>{# later #}{% endblock %}", [("empty_body", True)]), ("", [("empty_body", True)]),
    ("{% block body %}<p>Words</p>{% endblock %}", []), ("{% block body %}{{ first_name }}{% endblock %}", []),
    ("{% block body %}{% include 'words.j2' %}{% endblock %}", []), ("{% block body %}<img src='https://a.example/i.png'>{% endblock %}", [])])
def test_the_words_of_a_layout_are_no_message(says, body, rules):
    """A file that fills its layout with nothing would send footers; that is an empty message too."""
    layout = {"_shared/l.j2": "<p>Foot</p>{% block body %}{% endblock %}" + STOP, "_shared/words.j2": "Words"}

    assert says(one(), {"hi.email.j2": HEAD + '{% extends "l.j2" %}' + body, **layout}).rules() == rules


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
    ("https://a.example/{{ x }}", False, [("dead_link", True)]), ("mailto:a@b.example", False, []), ("mailto:", False, [("dead_link", True)]),
    ("tel:+33612345678", False, []), ("https://house.example/a.png", True, []), ("a.png", True, [("dead_image", True)]),
    ("", True, [("dead_image", True)]), ("cid:logo", True, [("dead_image", True)]), ("data:image/png;base64,AA", True, [("dead_image", True)]),
    ("http://house.example/a.png", True, [("unsafe_image", False)]), ("http://127.0.0.1:4200/", False, []),
])
def test_links_and_images(address, image, rules):
    """What leads nowhere, is not sent along or is no address is said by its look alone."""
    shown = f'<img src="{address}" alt="x">' if image else f'<a href="{address}">x</a>'

    assert [found[:2] for found in of_links({"html": f"<p>Words</p>{shown}"}, live=False)] == rules


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
    first = digests(shop.wired, compile(one(("email", "sms"))))
    changed = {}
    for name in files:
        path = shop.wired.messages.folder / (name if "/" in name else f"spring/messages/{name}")
        text = path.read_text()
        path.write_text(text.replace("i", "ii") if name == "_shared/i.j2" else text + " ")
        changed[name] = {key for key, digest in digests(shop.wired, compile(one(("email", "sms")))).items() if digest != first[key]}
        path.write_text(text)

    assert first.keys() == {"hi.email.fr", "hi.sms."} and all(len(digest) == 64 for digest in first.values())
    assert changed == {"hi.sms.j2": {"hi.sms."}, "_shared/o.j2": set(),
                       **{name: {"hi.email.fr"} for name in files if name not in ("hi.sms.j2", "_shared/o.j2")}}
    assert digests(shop.wired, compile(one(("email", "sms")))) == first
