"""The words that a marketer may change: parameters in subjects and offers, and the language that each contact reads."""

import pytest
from pydantic import TypeAdapter, ValidationError

import chains
from connectors.message import Messages
from marketing.chain import Field, Line, WaveParams
from marketing.form import filled, signature
from tests.passing.shop import Shop, one_send

HOUSE = {"name": "House", "currency": "EUR", "urls": {"shop": "https://shop.example"}}
ROW = {"contact_id": 1, "first_name": "Zoé", "language": "en", "key": "k1", "unsubscribe_url": "https://relance.example/u/k1"}


class Words(WaveParams):
    headline: Line = Field("New", max_length=20)
    offer: str = Field("Ten", max_length=40)


@pytest.mark.parametrize(("given", "told"), [
    ({"headline": "a\nb"}, "pattern"), ({"headline": "a\r"}, "pattern"), ({"headline": "x" * 21}, "at most 20"), ({"offer": "x" * 41}, "at most 40")])
def test_a_text_has_its_limits(given, told):
    """A line takes no line break, and no text is longer than its field says."""
    with pytest.raises(ValidationError, match=told):
        filled(Words, given)


def test_a_form_shows_the_limits():
    """The form of a chain keeps the limits of a line."""
    shown = TypeAdapter(signature(Words).parameters["headline"].annotation).json_schema()

    assert (shown["maxLength"], shown["pattern"]) == (20, r"^[^\r\n]*$")


def test_a_typed_text_is_a_text_and_no_markup():
    """What a marketer types stands in subject, page and text; in the page no letter of it is markup, anywhere else each stays."""
    typed = '<script>x</script> & "20 %" {{ house.name }}'
    params = chains.load("newsletter_monthly").params(headline_en=typed, story_en=typed).model_dump()
    message = Messages(chains.folder("newsletter_monthly").parent, "fr").get("newsletter_monthly", "edition", "email", "en")
    content = message.bind({"params": params, "house": HOUSE}).render(ROW)
    escaped = "&lt;script&gt;x&lt;/script&gt; &amp; &#34;20 %&#34; {{ house.name }}"

    assert content["subject"] == typed and typed in content["text"]
    assert content["html"].count(escaped) == 3 and "<script" not in content["html"]


@pytest.mark.parametrize("field", ["subject", "preheader", "sender", "reply_to"])
def test_every_field_takes_parameters(tmp_path, field):
    """Each readable field at the head of a file may say what the wave says."""
    (tmp_path / "c/messages").mkdir(parents=True)
    head = {"subject": "S", field: "{{ params.offer }} {{ first_name }}"}
    text = "".join(f"{name}: {value}\n" for name, value in head.items()) + "---\n<p>x</p>"
    (tmp_path / "c/messages/m.email.j2").write_text(text, encoding="utf-8")
    message = Messages(tmp_path, "en").get("c", "m", "email")

    assert message.bind({"params": {"offer": "Ten"}, "house": HOUSE}).render(ROW)[field] == "Ten Zoé"
    assert message.parameters() == {"offer"}


def test_a_language_that_nobody_wrote_in_falls_back_to_the_house_s(tmp_path, monkeypatch):
    """fr-CA reads French, a language without a file and none at all read the house's; all get their message."""
    shop = Shop(tmp_path, monkeypatch, one_send(), mail={"record": True})
    (tmp_path / "hello/messages").mkdir(parents=True)
    for language, text in {"fr": "Bonjour", "en": "Hello"}.items():
        (tmp_path / f"hello/messages/hi.{language}.email.j2").write_text(f"subject: {text}\n---\n{text} {{{{ unsubscribe_url }}}}")
    spoken = {1: "fr", 2: "fr-CA", 3: "en_GB", 4: "de", 5: None, 6: "", 7: "../../x", 8: "klingon"}
    shop.contacts(*({"contact_id": number, "language": language} for number, language in spoken.items()))
    shop.passes("hello")
    said = {sent.contact_id: sent.content["subject"] for sent in shop.connectors["mail"].sent}
    shop.warehouse.close()

    assert said == {1: "Bonjour", 2: "Bonjour", 3: "Hello", 4: "Bonjour", 5: "Bonjour", 6: "Bonjour", 7: "Bonjour", 8: "Bonjour"}


def test_a_blank_name_is_a_refusal_that_leaves_a_row(tmp_path, monkeypatch):
    """Of three contacts the one without a name gets no "Bonjour ,", and the receipt says why; the others get theirs."""
    shop = Shop(tmp_path, monkeypatch, one_send(), mail={"record": True})
    (tmp_path / "hello/messages").mkdir(parents=True)
    (tmp_path / "hello/messages/hi.email.j2").write_text("subject: Bonjour {{ first_name }},\n---\nx")
    shop.contacts(*({"contact_id": number, "first_name": name} for number, name in {1: "Anne", 2: " ", 3: None}.items()))
    shop.passes("hello")
    said = [sent.content["subject"] for sent in shop.connectors["mail"].sent]
    refused = shop.rows("SELECT contact_id, reason FROM refusals ORDER BY ALL")
    shop.warehouse.close()

    assert said == ["Bonjour Anne,"] and refused == [(2, "missing_value"), (3, "missing_value")]
