"""Messages: found by language, compiled once, printed per contact, and refused for one contact alone."""

import os
import pickle
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from connectors.message import BadTemplate, Message, Messages, MissingMessage, MissingValue, RenderFailed

ROW = {"contact_id": 42, "language": "en", "first_name": "Ann & Co", "city": None, "amount": "1234.5",
       "params": {"discount": 20, "note": None}, "house": {"name": "House", "currency": "EUR", "zone": "Europe/Paris"},
       "products": [{"name": "Tea", "items": 3}, {"name": "<Cup>", "items": 1}], "key": "k1", "unsubscribe_url": "https://u.example/1"}
HEAD = "subject: Hello\n---\n"


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def put(body: str, name: str = "hello.email.j2", folder: str = "c/messages") -> Messages:
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / folder / name).write_text(body, encoding="utf-8")
        return Messages(tmp_path, "en")
    return put


def email(write: Any, body: str, **shared: str) -> Message:
    for name, text in shared.items():
        write(text, f"{name}.j2", "_shared")
    return write(body).get("c", "hello", "email")


class TestContent:
    def test_an_email_has_its_five_parts(self, write: Any) -> None:
        """Head fields are templates too; only the HTML is escaped; the row's unsubscribe_url goes along."""
        message = email(write, "subject: For {{ first_name }}\npreheader: {{ params.discount }} %\nsender: House <a@b.example>\n---\n"
                               "<h1>Dear {{ first_name }}</h1><p>See <a href=\"{{ unsubscribe_url }}\">this</a>.</p>")

        assert message.render(ROW) == {
            "subject": "For Ann & Co", "preheader": "20 %", "sender": "House <a@b.example>",
            "html": "<h1>Dear Ann &amp; Co</h1><p>See <a href=\"https://u.example/1\">this</a>.</p>",
            "text": "Dear Ann & Co\n\nSee this (https://u.example/1).\n", "unsubscribe_url": "https://u.example/1"}
        assert message.variables == {"first_name", "params", "unsubscribe_url"}

    def test_each_channel_has_its_parts(self, write: Any) -> None:
        """SMS text, letter html and text, call and voice script; none but HTML is escaped."""
        for channel, body in {"sms": "{{ first_name }} STOP 36111", "post": "title: T\n---\n<p>{{ first_name }}</p>",
                              "phone": "title: Call {{ first_name }}\n---\nAsk {{ first_name }}", "voice": "Hello"}.items():
            messages = write(body, f"hello.{channel}.j2")

        assert {c: messages.get("c", "hello", c).render(ROW) for c in ("sms", "post", "phone", "voice")} == {
            "sms": {"text": "Ann & Co STOP 36111"}, "post": {"title": "T", "html": "<p>Ann &amp; Co</p>", "text": "Ann & Co\n"},
            "phone": {"title": "Call Ann & Co", "script": "Ask Ann & Co"}, "voice": {"script": "Hello"}}

    def test_a_layout_prints_the_head_fields(self, write: Any) -> None:
        """A page may show subject, preheader and sender, escaped, whether or not they hold a variable or are there."""
        message = email(write, "subject: <{{ first_name }}>\npreheader: A & B\n---\n{% extends 'page.j2' %}{% block body %}x{% endblock %}",
                        page="<title>{{ subject }}</title><i>{{ preheader }}|{{ sender }}</i>{% block body %}{% endblock %}")

        assert message.render(ROW)["html"] == "<title>&lt;Ann &amp; Co&gt;</title><i>A &amp; B|</i>x"
        assert message.render(ROW)["subject"] == "<Ann & Co>"
        assert message.variables == {"first_name"}

    def test_inheritance_is_kept(self, write: Any) -> None:
        """Blocks, super(), nested layouts, includes, macros and sets do as they do in Jinja."""
        message = email(write, HEAD + "{% extends 'b.j2' %}{% set city = 'Paris' %}{% block body %}[{{ super() }}{{ city }}]{% endblock %}",
                        a="<p>{% block body %}a{% endblock %}</p>{% include 'foot.j2' %}",
                        b="{% extends 'a.j2' %}{% block body %}({{ super() }}b){% endblock %}",
                        foot="{% from 'm.j2' import shout %}{{ shout(first_name) }}", m="{% macro shout(x) %}<b>{{ x }}!</b>{% endmacro %}")

        content = message.render(ROW)
        assert content["html"] == "<p>[(ab)Paris]</p><b>Ann &amp; Co!</b>"
        assert content["text"] == "[(ab)Paris]\n\nAnn & Co!\n"

    def test_css_goes_onto_elements_once(self, write: Any) -> None:
        """The style sheet is inlined in the template, loops and conditions survive, media queries stay."""
        message = email(write, HEAD + "<html><head><style>td{color:red} .b{color: blue} @media print{td{color:black}}</style></head><body>"
                        "<table>{% for p in products %}<tr><td {% if loop.first %}id=\"f\"{% endif %} class=\"{% if loop.last %}b{% endif %}\">"
                        "{{ p.name }}</td></tr>{% endfor %}</table></body></html>")

        assert message.render(ROW)["html"] == (
            '<html><head><style>@media print{td{color:black}} </style></head><body><table><tr><td class="" id="f" style="color: red;">Tea</td></tr>'
            '<tr><td class="b"  style="color: red;">&lt;Cup&gt;</td></tr></table></body></html>')

    def test_the_text_part_reads_as_typed(self, write: Any) -> None:
        """Paragraphs, list items, rows, links in brackets, alternative texts; hidden things and styles are left out."""
        message = email(write, HEAD + """<head><style>p{}</style><title>No</title></head><div style="display: none">hidden</div>
            <h1>Title</h1><p>One<br>two   three</p><ul>{% for p in products %}
            <li>{{ p.name }}: {{ p['items'] }}</li>{% endfor %}</ul><img alt="A cup" src="x"><a href="#top">up</a>
            <a href="https://e.example">https://e.example</a><script>no()</script><hr>end &amp; &#123;&#123; x &#125;&#125;""")

        assert message.render(ROW)["text"] == (
            "Title\n\nOne\ntwo three\n\n- Tea: 3\n- <Cup>: 1\n\nA cupup https://e.example\n\n----\n\nend & {{ x }}\n")

    def test_amounts_and_days_in_the_language(self, write: Any) -> None:
        """money and day write in the row's language, the house's currency and the house's day."""
        message = email(write, "subject: {{ amount|money }} {{ when|day }}\n---\nx")
        rows = [ROW | {"language": lang, "when": when} for lang, when in (
            ("en", date(2026, 11, 1)), ("fr", date(2026, 11, 1)), ("fr", datetime(2026, 11, 24, 23, 30)), ("de", "2026-11-24"))]

        assert [message.render(row)["subject"] for row in rows] == [
            "€1,234.50 1 November 2026", "1\u202f234,50\u00a0€ 1er novembre 2026", "1\u202f234,50\u00a0€ 25 novembre 2026",
            "1\u202f234,50\u00a0€ 2026-11-24"]


class TestRefusals:
    @pytest.mark.parametrize(("body", "variable"), [
        ("{{ city }}", "city"), ("{{ city|upper }}", "city"), ("{{ 'in ' ~ city }}", "city"), ("{{ nowhere }}", "nowhere"),
        ("{% if nowhere %}x{% endif %}", "nowhere"), ("{{ params.nowhere }}", "nowhere"), ("{{ params.note }}", "params.note"),
        ("{{ params.note|trim }}", "params.note"), ("{{ nowhere.else }}", "nowhere")])
    def test_a_value_that_is_missing_refuses_the_contact(self, write: Any, body: str, variable: str) -> None:
        """No message ever says "None": the error names message, contact and variable, and survives pickling."""
        with pytest.raises(MissingValue) as caught:
            email(write, HEAD + body).render(ROW)
        error = pickle.loads(pickle.dumps(caught.value))

        assert (error.message, error.contact, error.variable) == ("c/hello.email.j2", 42, variable)
        assert str(error) == str(caught.value) == (
            f"message c/hello.email.j2: contact 42: {variable!r} has no value; load one, or give the message a fall-back: {{{{ {variable} or '…' }}}}")

    @pytest.mark.parametrize(("body", "shown"), [
        ("{{ city or 'you' }}", "you"), ("{% if city %}x{% else %}y{% endif %}", "y"), ("{{ city|default('d') }}", "d"),
        ("{{ nowhere|default('d') }}", "d"), ("{% if city is none %}n{% endif %}", "n"), ("{% if city == 'Paris' %}p{% endif %}q", "q"),
        ("{% for x in city %}x{% endfor %}e", "e"), ("{{ params.note or '-' }}", "-")])
    def test_an_empty_value_may_have_a_fall_back(self, write: Any, body: str, shown: str) -> None:
        """What is empty can be tested and replaced; only printing it is refused."""
        assert email(write, HEAD + body).render(ROW)["html"] == shown

    @pytest.mark.parametrize("nothing", [None, "", " ", "\t\n", "\xa0"])
    @pytest.mark.parametrize(("body", "shown"), [
        ("Hello {{ city }},", None), ("Hello {{ city|upper }},", None), ("{{ 'in ' ~ city }}", None), ("{{ city }}{{ first_name }}", None),
        ("Hello {{ city or 'you' }}", "Hello you"), ("Hello{% if city %} {{ city }}{% endif %},", "Hello,"),
        ("{{ city|default('d') }}", "d"), ("{% if city == '' %}e{% endif %}", "e"), ("{% if not city %}n{% endif %}", "n")])
    def test_a_blank_value_is_a_missing_one(self, write: Any, nothing: str | None, body: str, shown: str | None) -> None:
        """"Hello ," never leaves: nothing but space is refused where it is printed, and takes the fall-back where there is one."""
        message = email(write, HEAD + body)
        if shown is None:
            with pytest.raises(MissingValue, match="'city' has no value"):
                message.render(ROW | {"city": nothing})
        else:
            assert message.render(ROW | {"city": nothing})["html"] == shown

    def test_a_blank_value_is_refused_in_every_part(self, write: Any) -> None:
        """A subject is no better than a body; a zero and a no are values."""
        message = email(write, "subject: For {{ first_name }}\n---\n{{ amount }} {{ city }}")
        with pytest.raises(MissingValue, match="'first_name'"):
            message.render(ROW | {"first_name": " ", "city": "Metz"})

        assert message.render(ROW | {"amount": 0, "city": False})["html"] == "0 False"

    def test_a_town_may_be_called_none(self, write: Any) -> None:
        """The word None as a value is a word."""
        assert email(write, HEAD + "{{ city }} {{ city|upper }}").render(ROW | {"city": "None"})["html"] == "None NONE"

    def test_an_error_repeats_no_value(self, write: Any) -> None:
        """A value that a filter cannot take refuses the contact, and is not in the error."""
        with pytest.raises(RenderFailed) as caught:
            email(write, HEAD + "{{ first_name|money }}").render(ROW)
        assert "Ann" not in str(caught.value) and caught.value.contact == 42

    @pytest.mark.parametrize("body", ["{{ ''.__class__.__mro__ }}", "{{ first_name.__init__.__globals__ }}", "{{ products.append(1) }}",
                                      "{% for i in range(10**9) %}x{% endfor %}"])
    def test_the_sandbox_holds(self, write: Any, body: str) -> None:
        """A template reaches nothing but the values it was given, and cannot change or exhaust them."""
        with pytest.raises(RenderFailed):
            email(write, HEAD + body).render(ROW)

    def test_a_value_is_never_a_template(self, write: Any) -> None:
        """Jinja in a name is a name; a separator in a name cuts nothing."""
        message = email(write, "subject: {{ first_name }}\n---\n{{ first_name }}")
        assert message.render(ROW | {"first_name": "{{ 7*7 }}\x1e<b>"}) | {"unsubscribe_url": ""} == {
            "subject": "{{ 7*7 }}<b>", "preheader": "", "sender": "", "html": "{{ 7*7 }}&lt;b&gt;", "text": "{{ 7*7 }}<b>\n",
            "unsubscribe_url": ""}


class TestValues:
    """A value is written out once for all its prints; nothing of that may be seen."""

    @pytest.mark.parametrize(("body", "shown"), [
        ("{{ amount }}{% autoescape false %}{{ first_name }}{% endautoescape %}{{ first_name }}", "1234.5Ann & CoAnn &amp; Co"),
        ("{% if city %}{{ city }}{% endif %}{{ first_name }}", "Ann &amp; Co"),
        ("{% for first_name in [1, 2] %}{{ first_name }}{% endfor %}{{ first_name }}", "12Ann &amp; Co"),
        ("{% macro m(first_name) %}{{ first_name }}{{ amount }}{% endmacro %}{{ m('<') }}{{ first_name }}", "&lt;1234.5Ann &amp; Co"),
        ("{{ first_name }}{% set first_name = 'B' %}{{ first_name }}", "Ann &amp; CoB"),
        ("{% set both %}{{ first_name }}+{% endset %}{{ both }}{{ contact_id }}", "Ann &amp; Co+42"),
        ("{% filter upper %}{{ first_name }}{% endfilter %}", "ANN &AMP; CO")])
    def test_as_jinja_prints_it(self, write: Any, body: str, shown: str) -> None:
        """The same in a branch, a loop, a macro, a block, and where a name is given another value."""
        assert email(write, HEAD + body).render(ROW)["html"] == shown


class TestFiles:
    def test_the_nearest_language_is_taken(self, write: Any) -> None:
        """fr-CA, else fr, else the file for all, else the house's language."""
        for name in ("hello.fr.sms.j2", "hello.fr-CA.sms.j2", "hello.en.sms.j2", "bye.en.sms.j2", "bye.sms.j2"):
            messages = write(name, name)

        asked = [("hello", "fr-CA"), ("hello", "fr-BE"), ("hello", "de"), ("hello", ""), ("bye", "fr"), ("bye", "en")]
        assert [messages.find("c", name, "sms", language).name for name, language in asked] == [
            "hello.fr-CA.sms.j2", "hello.fr.sms.j2", "hello.en.sms.j2", "hello.en.sms.j2", "bye.sms.j2", "bye.en.sms.j2"]
        assert (messages.languages("c", "hello", "sms"), messages.languages("c", "bye", "sms")) == (("en", "fr", "fr-CA"), ("", "en"))

    def test_a_message_that_is_missing_names_the_files(self, write: Any) -> None:
        """The error says which files would do, and which there are."""
        with pytest.raises(MissingMessage, match=r"no message 'bye' by sms in 'fr': none of bye.fr.sms.j2, bye.sms.j2, bye.en.sms.j2 .* found hello.email.j2"):
            write(HEAD).get("c", "bye", "sms", "fr")

    def test_compiled_once_and_again_when_changed(self, write: Any, tmp_path: Path) -> None:
        """The same content is the same message; a change in the file or its layout is another digest."""
        write("a", "page.j2", "_shared")
        messages = write(HEAD + "{% include 'page.j2' %}")
        first = messages.get("c", "hello", "email")
        again, elsewhere = messages.get("c", "hello", "email"), Messages(tmp_path).get("c", "hello", "email")
        write("b", "page.j2", "_shared")
        os.utime(tmp_path / "_shared" / "page.j2", (1, 1))
        changed = messages.get("c", "hello", "email")

        assert first is again is elsewhere
        assert (first.render(ROW)["html"], changed.render(ROW)["html"], first.digest != changed.digest) == ("a", "b", True)

    def test_what_a_batch_shares_is_compiled_in(self, write: Any) -> None:
        """A bound message prints the same, needs no shared value in the row, and still refuses what is empty."""
        message = email(write, "subject: {{ params.discount }}\n---\n{% for k in params %}{{ k }},{% endfor %}{{ house.name }} {{ first_name }}")
        shared = {"params": ROW["params"], "house": {"name": "<House>"}}
        bound = message.bind(shared)

        assert bound.render({"first_name": "A"}) == message.render({"first_name": "A"} | shared) == {
            "subject": "20", "preheader": "", "sender": "", "html": "discount,note,&lt;House&gt; A", "text": "discount,note,<House> A\n"}
        assert (bound.variables, bound.digest, message.bind(shared) is bound) == ({"first_name"}, message.digest, True)
        with pytest.raises(MissingValue, match="params.note"):
            email(write, HEAD + "{{ params.note }}").bind(shared).render({"first_name": "A"})

    @pytest.mark.parametrize(("body", "error"), [
        ("Hello", "an e-mail needs a subject"),
        ("subjet: x\n---\n", "line 1: 'subjet: x' is no field of a message by email; write `field: value` with subject, preheader, sender, reply_to"),
        (HEAD + "{% if x %}", "hello.email.j2"),
        (HEAD + "{{ x", "hello.email.j2"),
        (HEAD + "{% include 'gone.j2' %}", "no file 'gone.j2' beside it or in _shared; found hello.email.j2"),
        (HEAD + "{% include name %}", "must name one file in quotes"),
        (HEAD + "{% include '../../secret' %}", "leaves the message's folder"),
        (HEAD + "{% include 'hello.email.j2' %}", "circle"),
        (HEAD + "{% block a %}", "never closed by {% endblock %}"),
        (HEAD + "{{ x|nofilter }}", "nofilter"),
        (HEAD + "<style>{% if x %}p{}{% endif %}</style>", "stands in a <style>"),
        (HEAD + "<style>p{}</style><p {% if x %}style='a'{% endif %}>", "whole attributes other than style"),
        (HEAD + "{% from 'hello.email.j2' import x with context %}", "give the macro its values as arguments"),
    ])
    def test_a_bad_file_names_the_fix(self, write: Any, body: str, error: str) -> None:
        """What cannot be compiled is an error of the file, before anybody is written to."""
        with pytest.raises(BadTemplate) as caught:
            email(write, body)

        assert "hello.email.j2" in str(caught.value) and error in str(caught.value)

    def test_a_file_that_is_not_utf8(self, write: Any, tmp_path: Path) -> None:
        """A file saved in another encoding is named with the place."""
        messages = write("")
        (tmp_path / "c/messages/hello.email.j2").write_bytes(b"subject: \xe9t\xe9\n---\n")
        with pytest.raises(BadTemplate, match="hello.email.j2 is not UTF-8 at byte 9; save it as UTF-8"):
            messages.get("c", "hello", "email")
