"""A shop whose messages are written in the test, and what the checks say of it."""

from datetime import date

import pytest

from marketing.chain import COMMERCIAL, Chain, Field, Send, WaveParams
from outbox.checking import checks
from tests.passing.shop import Shop

HEAD = "subject: Hello\nsender: House <hello@house.example>\n---\n"
STOP = '<p>Words</p><a href="{{ unsubscribe_url }}">stop</a>'
URLS = '[urls]\nshop = "https://shop.example"\nunsubscribe = "https://house.example/u"\n'


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
