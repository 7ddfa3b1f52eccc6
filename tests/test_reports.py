"""The reports: every figure where it belongs, nothing fetched, nothing claimed that the holdout does not allow."""

import json
import re
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from html.parser import HTMLParser
from math import nan

import pytest

from marketing.chain import COMMERCIAL, Chain, Goal, Send, WaitFor, days, weeks
from marketing.graph import compile
from marketing.responses import CLICKED, PURCHASED
from marketing.roi import Moments, Rate, Roi, lift
from reports import bars, charts, diagram
from reports.artifact import artifact
from reports.comparison import Comparison, of_draws
from reports.figures import RunFigures, read, read_run
from reports.html import ChainPage, Report, claim, render
from reports.record import record
from reports.words import count, money, percent, rate, return_of, span
from reports.worlds import Draw
from tests.marts.shop import Shop

CHAIN = Chain(
    name="win_back", title="Win back <lapsed> buyers", kind="loyalty", audience="lapsed_buyers",
    goal=Goal(PURCHASED, within=weeks(6)), holdout=0.1,
    steps=[Send("hello", by="email", message="hello", purpose=COMMERCIAL),
           WaitFor("answer", within=days(7), on={CLICKED: [Send("offer", by="email", message="offer", purpose=COMMERCIAL)]})])
VOID = {"meta", "link", "br", "img", "hr", "input"}


class Page(HTMLParser):
    """Reads a page, holding that every element that opens closes in its turn."""

    def __init__(self, text: str):
        super().__init__()
        self.open, self.ids, self.addresses, self.text = [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        if "id" in found:
            self.ids.append(found["id"])
        self.addresses += [found[name] for name in ("src", "href", "xlink:href") if name in found]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture(scope="module")
def shop():
    """1,000 contacts, every tenth held out; the treated buy more often."""
    shop = Shop()
    shop.wave(1)
    shop.contact(*range(1000))
    for statement in (
            """INSERT INTO enrolments SELECT (1::BIGINT << 36) + i, 'win_back', 1, 1, i,
                CASE WHEN i % 10 = 0 THEN 'holdout' ELSE 'treated' END, $start, 'run1' FROM range(1000) AS t(i)""",
            """INSERT INTO moves SELECT chain, 1, wave, enrolment_id, contact_id, 1, '',
                CASE WHEN arm = 'holdout' THEN 'holdout' ELSE 'hello' END,
                CASE WHEN arm = 'holdout' THEN 'held_out' ELSE 'entered' END, 1, $start, $start, run FROM enrolments""",
            """INSERT INTO moves SELECT chain, 1, wave, enrolment_id, contact_id, 2, 'hello', 'answer', 'next', 1, $start,
                $start, run FROM enrolments WHERE arm = 'treated'""",
            """INSERT INTO touches SELECT chain, 1, wave, enrolment_id, contact_id, 'hello', 1, 1, 'email', 'commercial', 'x',
                $start, 0.05, run FROM enrolments WHERE arm = 'treated'""",
            """INSERT INTO receipts SELECT chain, wave, enrolment_id, contact_id, step, 1, 1, channel, 'x', 'accepted', NULL,
                1, NULL, $start, run FROM touches""",
            """INSERT INTO responses SELECT contact_id, chain, wave, enrolment_id, step, 1, 1, 'clicked',
                $start + INTERVAL 1 DAY, $start + INTERVAL 1 DAY, false, '{}', enrolment_id FROM touches
                WHERE contact_id % 9 = 0""",
            """INSERT INTO orders SELECT contact_id, 'o' || contact_id, '1', $start + INTERVAL 3 DAY, 20 + contact_id % 7,
                NULL, 'cd', 1, NULL FROM enrolments WHERE contact_id % (CASE WHEN arm = 'holdout' THEN 20 ELSE 2 END) = 0"""):
        shop.rows(statement, start=datetime(1998, 1, 1))
    shop.refuse(1 << 36 | 1, "no_consent", "consent")
    shop.add("runs", run="run1", name="brisk-otter")
    return shop


@pytest.fixture(scope="module")
def figures(shop):
    return read(shop.sql)


def draws(effect: float, n: int = 20) -> tuple[Draw, ...]:
    return tuple(Draw("win_back", seed, 61_000.0 + seed, lift(Moments(9000, 9000 * (4 + effect), 9e6, 900),
                                                             Moments(1000, 4000.0 + 80 * (seed % 5), 1e6, 100)), 9000 * effect)
                 for seed in range(n))


@pytest.fixture(scope="module")
def report(figures):
    worlds = [of_draws("Planted effect", "Nine times of ten.", draws(9)), of_draws("No effect", "Nothing planted.", draws(0))]
    return Report("A shop's year", "Real purchases.", datetime(1998, 6, 30, 4), "America/New_York", "USD", figures,
                  [ChainPage("win_back", CHAIN.title, "A chain for `lapsed_buyers` & others.", compile(CHAIN))],
                  worlds, worlds[1], ["Names are invented."], 40, "Margin: 40 % of revenue.")


@pytest.fixture(scope="module")
def page(report):
    return render(report)


def test_figures_of_a_chain(figures):
    """The chain's numbers are those of the marts, its lift that of the contacts in both arms."""
    chain = figures.chain("win_back")

    assert (chain.enrolled, chain.treated, chain.held_out, chain.reached, chain.responded, chain.sent, chain.goal) == (
        1000, 900, 100, 900, 100, 900, 400)
    assert chain.cost == pytest.approx(45.0)
    assert (chain.revenue_lift.treated.n, chain.revenue_lift.holdout.n, chain.revenue_lift.holdout.buyers) == (900, 100, 50)
    assert chain.revenue_lift.verdict == "not enough data" or chain.revenue_lift.low > 0 or chain.revenue_lift.high < 0
    assert chain.roi.value == pytest.approx((0.4 * chain.revenue_lift.incremental - 45) / 45)
    assert not chain.balance.alarm and chain.mature_share == 1
    assert chain.response_rate == Rate(100, 900)
    with pytest.raises(KeyError, match="no figures of chain 'spring'; there are win_back"):
        figures.chain("spring")


def test_figures_of_one_chain_alone(shop):
    """Asked for a chain that enrolled nobody, there is nothing of the others."""
    found = read(shop.sql, "spring")

    assert (found.chains, found.steps, found.waves, found.refusals, found.channels, found.flow, found.standing) == (
        (), (), (), (), (), {}, {})


def test_figures_by_step_wave_and_flow(figures):
    """Steps, waves with their run, refusals and moves are there, each with its chain."""
    assert [(s.step, s.sent, s.arrived, s.responded) for s in figures.steps] == [("hello", 900, 900, 100)]
    assert [(w.run, w.run_name, w.wave, w.enrolled, w.held_out, w.mature) for w in figures.waves] == [
        ("run1", "brisk-otter", 1, 1000, 100, True)]
    assert [(r.reason, r.dropped) for r in figures.refusals] == [("no_consent", 1)]
    assert figures.flow == {"win_back": {("", "entered", "hello"): 900, ("", "held_out", "holdout"): 100,
                                         ("hello", "next", "answer"): 900}}
    assert figures.standing == {"win_back": {"answer": 900, "holdout": 100}}


def test_without_a_margin_there_is_no_return():
    """Where no margin is known there is revenue and its interval, never a return."""
    shop = Shop()
    shop.set(margin_rate=None)
    shop.wave(1)
    for contact in range(20):
        shop.enrol(contact, arm="holdout" if contact % 5 == 0 else "treated")
        shop.order(contact, 3, "10")
    chain = read(shop.sql).chain("win_back")

    assert chain.revenue_lift.delta == 0 and chain.margin_lift is None and chain.roi == Roi(None, None, None)


def test_what_one_run_did(shop):
    """A run's own row, or zeros where it left nothing."""
    assert read_run(shop.sql, "run1", "win_back") == RunFigures("run1", "win_back", 1000, 100, 1900, 900, 900, 1, 0, 45.0)
    assert read_run(shop.sql, "run9", "win_back") == RunFigures("run9", "win_back")


def test_the_page_holds_all_it_shows(page):
    """The page is whole, its ids are its own, and every address is inside it."""
    read_page = Page(page)

    assert len(read_page.ids) == len(set(read_page.ids))
    assert all(a.startswith("data:image/svg+xml;base64,") or a[1:] in read_page.ids for a in read_page.addresses)
    assert not re.search(r"<script|@import|url\(", page)


def test_the_page_says_the_figures(page):
    """Claim, finding, truth and smallest effect stand side by side, and no claim is made without data."""
    text = re.sub(r"\s+", " ", " ".join(Page(page).text))

    for said in ("61,000 USD", "81,000 USD", "not enough data", "of 20 seeds", "all of it would have come anyway", "1,000",
                 "100 held out", "no consent", "brisk-otter", "As of 1998-06-30 00:00 (America/New_York)", "Margin: 40 %",
                 "Left by 40 runs", "Win back <lapsed> buyers", "Names are invented."):
        assert said in text, said


def test_names_are_text_and_never_markup(report):
    """What comes from a chain or a world is escaped, in the page and in its diagram."""
    text = render(replace(report, title="<b>x</b>", notes=["<i>y</i>"]))

    assert "<b>x</b>" not in text and "<i>y</i>" not in text and "<lapsed>" not in text


def test_an_empty_house_has_a_report():
    """With nobody enrolled the report is a page that says so."""
    page = Page(render(Report("Empty", "", datetime(2026, 1, 1), "Europe/Paris", "EUR", read(Shop().sql), [])))

    assert "Nothing was spent." in " ".join(page.text)


def test_the_same_report_is_the_same_file(report, page):
    """Equal figures give equal bytes."""
    assert render(report) == page


def test_the_record_is_plain(report):
    """The record goes through JSON whole, with what the page works out, and no number that is none."""
    found = json.loads(json.dumps(record(report), allow_nan=False))

    assert found["comparisons"][1]["covering"] == report.comparisons[1].covering
    assert found["comparisons"][0]["lift"]["incremental"] == pytest.approx(report.comparisons[0].lift.incremental)
    assert found["figures"]["flow"]["win_back"][0] == {"from": "", "on": "entered", "to": "hello", "moves": 900}
    assert found["pages"][0]["graph"] == {"chain": "win_back", "digest": compile(CHAIN).digest}


def test_the_artifact(shop, figures):
    """Markdown with tables of even width, a chart that is inside, and the diagram with its counts."""
    text = artifact(read_run(shop.sql, "run1", "win_back"), figures, compile(CHAIN), "USD", "brisk-otter")
    tables = [block.splitlines() for block in text.split("\n\n") if block.startswith("|")]

    assert len(tables) == 5 and all(len({line.count("|") for line in table}) == 1 for table in tables)
    assert "The run **brisk-otter** (`run1`) enrolled 1,000 contacts (100 held out)" in text
    assert "](data:image/svg+xml;base64," in text and "```mermaid\nflowchart TD" in text and "<br/>900" in text
    assert "| 1 | [brisk-otter](../../runs/flow-run/run1) | 1,000 | 100 | 1,000 | 900 | 400 | 45.00 USD |" in text
    assert "http" not in text


def test_the_artifact_of_a_run_that_did_nothing():
    """A chain that enrolled nobody yet says so."""
    figures = read(Shop().sql, "win_back")

    assert "has not enrolled anybody yet" in artifact(RunFigures("r", "win_back"), figures, compile(CHAIN), "EUR")


def test_the_diagram_counts_the_crowd(figures):
    """Each step says who came and who stands there; ways that nobody took are pale."""
    text = diagram.dot(compile(CHAIN), figures.flow["win_back"], figures.standing["win_back"])
    drawn = diagram.svg(compile(CHAIN), figures.flow["win_back"], figures.standing["win_back"], "a <chain>")

    assert "900 (900 there now)" in text and '1,000 entered' in text and f'color="{diagram.FAINT}"' in text
    assert drawn.startswith("<svg role=") and drawn.endswith("</svg>") and " id=" not in drawn
    assert "<title>a &lt;chain&gt;</title>" in drawn and "exit:suppressed" not in text


def test_a_missing_program_is_named(monkeypatch):
    """Without the layout program the error says what to install."""
    monkeypatch.setattr(diagram, "PROGRAM", "no-such-program")

    with pytest.raises(diagram.DiagramError, match="no-such-program is not there; install the package"):
        diagram.svg(compile(CHAIN), {}, {})


def test_charts_are_the_same_for_the_same_figures(report):
    """A chart is one SVG, the same bytes for the same values, with nothing fetched."""
    for drawn in (charts.comparison(report.comparisons, "USD"), charts.seeds(draws(0), "USD"), bars.touches({0: 5, 2: 3}, 30)):
        assert drawn.startswith("<svg") and drawn.endswith("</svg>")
        assert not re.search(r'href="(?!#)', drawn)
    assert charts.seeds(draws(0), "USD") == charts.seeds(draws(0), "USD")


def test_a_world_in_words():
    """What attribution claims, what the holdout allows, and how far the first is from the truth."""
    none, planted = of_draws("None", "", draws(0)), of_draws("Planted", "", draws(9))
    real = Comparison("This house", "win_back", "", 61_000.0, planted.lift)

    assert claim(none, "USD").startswith("Attribution claims 61,000 USD. The holdout says: not enough data (")
    assert claim(planted, "USD").startswith("Attribution claims 61,000 USD. The holdout finds 81,000 USD (")
    assert (none.excess, planted.excess, real.excess) == ("all of it would have come anyway", "0.8 times the truth", "")
    with pytest.raises(ValueError, match="world 'x' has draws of 0 chains; accepted: of one chain"):
        of_draws("x", "", [])


@pytest.mark.parametrize(("found", "expected"), [
    (money(1234.5, "USD"), "1,234 USD"), (money(-12.345, "EUR"), "−12.35 EUR"), (money(0, "USD"), "0 USD"),
    (money(None, "USD"), "–"), (money(nan, "USD"), "–"), (money(float(Decimal("0.005")), "USD"), "0.01 USD"),
    (count(None), "–"), (count(4120), "4,120"), (percent(None), "–"), (percent(0.1234), "12.3 %"),
    (rate(Rate(103, 4120)), "2.50 % of 4,120"), (rate(Rate(0, 0)), "–"), (return_of(Roi(None, None, None)), "–"),
    (return_of(Roi(1.2, -0.1, 2.5)), "+120 % (−10 % to +250 %)"), (span(lift(Moments.of([1]), Moments.of([2])), "USD"), "no interval"),
])
def test_how_figures_are_written(found, expected):
    """A dash for nothing, a real minus, a rate with its denominator, an amount with its currency."""
    assert found == expected
