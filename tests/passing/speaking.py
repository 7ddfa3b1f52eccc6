"""A shop that speaks by every channel, with its messages written, and a list of seeds."""

from pathlib import Path

from connectors.memory import recorded
from marketing.chain import TRANSACTIONAL, Chain, Send
from tests.houses import HOUSE
from tests.passing import shop as shops
from tests.passing.shop import CHANNELS, Shop

__all__ = ["BY", "EVERY", "PLACES", "speaking", "taken"]

BY = ("email", "sms", "post", "phone", "voice")
#: The memory connector that serves each channel.
PLACES = dict(zip(BY, ("mail", "text", "print", "agenda", "box")))
MESSAGES = {
    "email": "subject: Pour {{ first_name }}\nsender: Maison <m@example.org>\n---\n<p>{{ first_name }}, {{ email }}</p>"
             '<a href="https://shop.example/?r={{ key }}">voir</a><a href="{{ unsubscribe_url }}">stop</a>',
    "sms": "{{ first_name }} fête ça ! STOP",
    "post": "title: Lettre\n---\n<html><body class=a><p>{{ last_name }} {{ address_1 }} {{ postcode }} {{ city }}</p>"
            "<p>{{ first_name or 'Madame, Monsieur' }}</p></body></html>",
    "phone": "title: Rappeler {{ first_name }}\n---\nAu {{ phone }}, demander {{ first_name }}",
    "voice": "title: Message\n---\nBonjour {{ first_name }}",
}
#: A line of the settings of the e-mail connector.
CEILING = ""
#: One message by every channel there is.
EVERY = Chain(name="every", title="every", kind="transactional", audience="everybody",
              steps=[Send(f"by_{channel}", by=channel, message="hi", purpose=TRANSACTIONAL) for channel in BY])


def speaking(home: Path, monkeypatch, *chains: Chain, **settings) -> Shop:
    """A shop whose memory connectors record what they are given, each channel with its message `hi`."""
    monkeypatch.setattr(shops, "HOUSE", f"{HOUSE}voice = 0.1\n")
    voice = 'voice = "box"\n[connectors.box]\nkind = "memory"\n'
    monkeypatch.setattr(shops, "CHANNELS", CHANNELS.replace("[connectors.mail]\n", f"{voice}[connectors.mail]\n{CEILING}"))
    record = {name: {"record": True, "script": None, **settings.pop(name, {})} for name in PLACES.values()}
    monkeypatch.setattr(shops, "NAMES", tuple(PLACES.values()))
    shop = Shop(home, monkeypatch, *chains, **record, **settings)
    for chain in chains:
        folder = home / chain.name / "messages"
        folder.mkdir(parents=True, exist_ok=True)
        for channel, text in MESSAGES.items():
            (folder / f"hi.{channel}.j2").write_text(text, encoding="utf-8")
    return shop


def taken(channel: str) -> list:
    """What the connector of a channel was given."""
    return recorded(PLACES[channel])
