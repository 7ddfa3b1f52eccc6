"""The page of a rehearsal: every number with its interval, every share with its source, and nothing of it true."""

from dataclasses import replace
from datetime import date, datetime

from marketing.forecast import Answered, Days, Forecast, Sight, Touches
from marketing.spread import Predicted
from reports.foretold import foretold

START, END = datetime(2026, 1, 5, 9), datetime(2026, 1, 26, 9)
TOLD = Forecast(
    "win_back", "r", START, END, END, 4, "EUR", audience=1_000, enrolled=900, held_out=90, inside=12,
    touches=[Touches("hello", "email", Predicted(800, 800, 800), Predicted(8, 8, 8)),
             Touches("call", "phone", Predicted(20, 12, 28), Predicted(60, 36, 84))],
    channels={"email": Predicted(800, 800, 800), "phone": Predicted(20, 12, 28)}, whole=Predicted(820, 812, 828),
    cost=Predicted(68, 44, 92), refused=[("hello", "no_address", 10)],
    days=[Days(date(2026, 1, 5), "email", 800), Days(date(2026, 1, 7), "phone", 15), Days(date(2026, 1, 13), "phone", 5)],
    standing={"holdout": 90}, edges=[("", "entered", "hello", 810), ("answer", "clicked", "call", 20), ("call", "next", "exit:completed", 20)],
    answers=[Answered("hello", "email", "clicked", Predicted(20, 12, 28), 0.025, 4_000, "past waves of this step")],
    sight=Sight(810, 90, 0.05, "assumption", 0.0679, {"10%": 185}))


def test_the_page():
    """Touches, cost, refusals, weeks, answers, the holdout's sight, ends and ways: each in a table or a sentence."""
    page = foretold(TOLD)

    assert "| call | phone | 20 | 12 to 28 | 60.00 EUR | 36.00 to 84.00 EUR |" in page
    assert "| **all** |  | 820 | 812 to 828 | 68.00 EUR | 44.00 to 92.00 EUR |" in page
    assert "| hello | no address for this channel | 10 |" in page
    assert "| 2026 week 2 | 800 | 15 |" in page and "| 2026 week 3 | 0 | 5 |" in page
    assert "| **most on one day** | 800 | 15 |" in page
    assert "| hello | email | clicked | 2.50 % | 20 | 12 to 28 | past waves of this step (4,000) |" in page
    assert "**6.79 points**" in page and "10% after 185" in page
    assert "| exit:completed | has come to this end | 20 |" in page and "| answer | clicked | call | 20 |" in page
    assert "12 contacts were in the chain already" in page


def test_a_chain_that_waits():
    """Where nothing would be moved the page says why, and no more."""
    page = foretold(replace(TOLD, waits_for="orders were never loaded"))

    assert "nothing would be moved or sent: orders were never loaded" in page and "##" not in page


def test_without_a_holdout():
    """Without a holdout nothing can be seen, and the page says so instead of a number."""
    assert "Nothing: there is no holdout" in foretold(replace(TOLD, sight=None))
