"""Campaign tags: on the house's own links only, once, and never on the one for unsubscribing."""

from pathlib import Path

import pytest

from connectors.message import Message, Messages
from connectors.tagging import Tagging
from marketing.house import House
from marketing.settings import SettingsError
from outbox.rendering import tagging_of
from tests.houses import HOUSE

TAGS = Tagging((("utm_source", "relance"), ("utm_campaign", "win & back")), ("shop.example",), ("https://shop.example/stop/",))
TAGGED = "utm_source=relance&utm_campaign=win%20%26%20back"
SHARED = {"params": {"page": "new", "place": "https://shop.example/a#b"},
          "house": {"name": "House", "urls": {"shop": "https://shop.example", "map": "https://maps.example"}}}
ROW = {"contact_id": 1, "key": "k1", "unsubscribe_url": "https://shop.example/stop/k1", "site": "https://shop.example/s", "other": "https://else.example"}


@pytest.mark.parametrize(("link", "told"), [
    ("https://shop.example", f"https://shop.example?{TAGGED}"),
    ("https://www.shop.example/a?b=1#c", f"https://www.shop.example/a?b=1&{TAGGED}#c"),
    ("https://shop.example:8443/a", f"https://shop.example:8443/a?{TAGGED}"),
    ("HTTPS://Shop.Example/a?", f"HTTPS://Shop.Example/a?{TAGGED}"),
    ("https://shop.example/a?utm_source=mine", "https://shop.example/a?utm_source=mine&utm_campaign=win%20%26%20back"),
    (f"https://shop.example/?{TAGGED}", f"https://shop.example/?{TAGGED}"),
    ("https://shop.example/#top?x", f"https://shop.example/?{TAGGED}#top?x"),
    ("https://shop.example.evil.example/", None), ("https://myshop.example/", None), ("https://else.example/?u=https://shop.example/", None),
    ("https://shop.example@else.example/", None), ("mailto:a@shop.example", None), ("#top", None), ("", None),
    ("https://shop.example/stop/k1", None),
])
def test_a_link(link, told):
    """Tags come after what is asked already and before the fragment; strangers, unsubscribing and what is no page have none."""
    assert TAGS.link(link) == (link if told is None else told)
    assert TAGS.link(TAGS.link(link)) == TAGS.link(link)


def message(folder: Path, body: str, kind: str = "email") -> Message:
    (folder / "c/messages").mkdir(parents=True, exist_ok=True)
    (folder / "_shared").mkdir(exist_ok=True)
    (folder / "_shared/m.j2").write_text('{% macro button(url) %}<a href="{{ url }}">b</a>{% endmacro %}')
    (folder / f"c/messages/hello.{kind}.j2").write_text(body if kind != "email" else f"subject: See https://shop.example\n---\n{body}")
    return Messages(folder, "en").get("c", "hello", kind)


@pytest.mark.parametrize(("link", "told"), [
    ("{{ house.urls.shop }}?r={{ key }}", "https://shop.example?r=k1&amp;T"),
    ("{{ house.urls.shop }}/{{ params.page }}?r={{ key }}&amp;x=1#f", "https://shop.example/new?r=k1&amp;x=1&amp;T#f"),
    ("https://shop.example/{{ key }}", "https://shop.example/k1?T"),
    ("{{ site }}", "https://shop.example/s?T"), ("{{ other }}", "https://else.example"), ("{{ site ~ '?a=1' }}", "https://shop.example/s?a=1&amp;T"),
    ("{{ params.place }}", "https://shop.example/a?T#b"), ("{{ house.urls.map }}", "https://maps.example"),
    ("{{ unsubscribe_url }}", "https://shop.example/stop/k1"), ("{{ unsubscribe_url }}?all=1", "https://shop.example/stop/k1?all=1"),
    ("{{ house.urls.shop }}{% if key %}?r={{ key }}{% endif %}", "https://shop.example?r=k1&amp;T"),
    ("https://{{ 'shop' }}.example/", "https://shop.example/?T"), ("mailto:a@shop.example", "mailto:a@shop.example"),
])
def test_links_of_a_page(tmp_path, link, told):
    """Page and text bear the same tags, however the link is written; the subject and what is only read bear none."""
    content = message(tmp_path, f'<p>shop.example: <a href="{link}">there</a>.</p>').bind(SHARED, TAGS).render(ROW)
    html = told.replace("T", TAGGED.replace("&", "&amp;"))

    assert content["html"] == f'<p>shop.example: <a href="{html}">there</a>.</p>'
    assert content["text"] == f"shop.example: there ({html.replace('&amp;', '&').removeprefix('mailto:')}).\n"
    assert content["subject"] == "See https://shop.example"


def test_links_of_a_macro(tmp_path):
    """A link that another file's macro makes is told in the print."""
    content = message(tmp_path, '{% from "m.j2" import button %}{{ button(house.urls.shop) }}').bind(SHARED, TAGS).render(ROW)

    assert content["html"] == f'<a href="https://shop.example?{TAGGED.replace("&", "&amp;")}">b</a>'


def test_links_of_a_text_message(tmp_path):
    """A bare link is tagged before the stop that ends its sentence."""
    content = message(tmp_path, "{{ key }}: see {{ house.urls.shop }}/x. Or {{ site }}, STOP", "sms").bind(SHARED, TAGS).render(ROW)

    assert content["text"] == f"k1: see https://shop.example/x?{TAGGED}. Or https://shop.example/s?{TAGGED}, STOP"


@pytest.mark.parametrize("link", ["https://shop.example", "{{ house.urls.shop }}"])
def test_words_right_behind_a_link(tmp_path, link):
    """A condition that begins where a link ends belongs to the sentence, in the page as in the text."""
    body = f'<a href="{link}">{link}</a>{{% if key %}}, soon{{% endif %}}'
    content = message(tmp_path, body).bind(SHARED, TAGS).render(ROW)

    assert content["text"].startswith(f"https://shop.example?{TAGGED}") and content["text"].endswith(", soon\n")
    assert content["html"] == f'<a href="https://shop.example?{TAGGED.replace("&", "&amp;")}">https://shop.example</a>, soon'


def test_known_links_cost_nothing_at_the_print(tmp_path):
    """Where each link is known from the file, the print is not looked at again."""
    one = message(tmp_path, '<a href="{{ house.urls.shop }}?r={{ key }}">x</a> {{ key }} <a href="{{ unsubscribe_url }}">y</a>').bind(SHARED, TAGS)

    assert one._compiled._late == []
    assert one.bind(SHARED)._compiled._late == []


def house(tmp_path: Path, campaign: str) -> House:
    (tmp_path / "house.toml").write_text(HOUSE + "[channels]\n[connectors]\n" + campaign)
    return House.read(tmp_path / "house.toml")


def test_the_house_says_which(tmp_path):
    """The table of house.toml becomes the tags of a step, for its channels alone; without it there are none."""
    named = {"chain": "spring", "step": "hello", "wave": 7}
    written = house(tmp_path, '[campaign]\ndomains = ["shop.example"]\n[campaign.tags]\nutm_campaign = "{chain}-{wave}"\nutm_content = "{step}, {channel}"\n')

    assert tagging_of(written, **named, channel="email").tags == (("utm_campaign", "spring-7"), ("utm_content", "hello, email"))
    assert tagging_of(written, **named, channel="sms") is None
    assert tagging_of(house(tmp_path, ""), **named, channel="email") is None


@pytest.mark.parametrize(("campaign", "told"), [
    ('domains = ["https://shop.example"]\ntags = { a = "b" }', "campaign.domains is ['https://shop.example']; accepted: domains in small letters"),
    ('domains = []\ntags = { a = "b" }', 'campaign.domains is []; accepted: a list of the house\'s own domains'),
    ('domains = ["shop.example"]\ntags = { a = "{contact}" }', "accepted: tags made of text and {chain}, {step}, {wave}, {channel} (not so: a = '{contact}')"),
    ('domains = ["shop.example"]\ntags = { a = "{chain" }', "(not so: a = '{chain')"),
    ('domains = ["shop.example"]\ntags = { "a b" = "x" }', "(not so: a b)"),
    ('domains = ["shop.example"]\ntags = { a = " " }', "(not so: a is empty)"),
    ('domains = ["shop.example"]\nchannels = ["fax"]\ntags = { a = "x" }', "campaign.channels[1] is 'fax'; accepted: a channel"),
])
def test_a_wrong_table_names_the_fix(tmp_path, campaign, told):
    """What cannot be a tag is refused when the house is read."""
    with pytest.raises(SettingsError) as caught:
        house(tmp_path, f"[campaign]\n{campaign}\n")

    assert told in str(caught.value)
