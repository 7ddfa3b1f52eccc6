"""A season in miniature: few customers, seven weeks, no workflow server; its report against counts made by other means."""

import csv
import json
import sqlite3
from collections import Counter
from datetime import date, datetime, timedelta

import pytest
from demo import closing
from demo.season import CHAINS, PARAMS
from demo.world import few, lines

from reports import html
from tests.demo.seasons import play

FIRST, LAST = date(1997, 10, 1), date(1997, 11, 12)
#: One customer of so many takes part.
ONE_OF = 40


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """The season, its summaries by stop, the report's JSON as it was written, and the planted file's path."""
    home = tmp_path_factory.mktemp("demo")
    over = play(home, few(home / "few.txt.gz", ONE_OF), FIRST, LAST)
    files = closing.write(home, over.report, over.found, over.checked, html.render(over.report))
    return over.season, over.summaries, json.loads(files["json"].read_text()), home


def chain_of(record, name):
    return next(row for row in record["figures"]["chains"] if row["chain"] == name)


def test_the_first_wave(played):
    """Who bought nothing in the three months before the first day enters, and nobody else."""
    season, summaries, _, _ = played
    last: dict[str, str] = {}
    for client, day, _, _ in lines(after=None, upto=FIRST - timedelta(days=1), orders=season.orders):
        last[client] = max(last.get(client, ""), day)

    assert PARAMS[CHAINS[0]] == {"months_silent": 3}
    assert summaries[0].entered == sum(day <= "19970701" for day in last.values()) > 400


def test_sent(played):
    """The report counts the messages that lie in the folder, step by step, no more and no fewer."""
    _, _, record, home = played
    there = Counter()
    for file in (home / "sent").glob("*/*/*/sent.tsv"):
        there[file.parts[-4], file.parts[-3]] += len({line.split("\t")[0] for line in file.read_text().splitlines()})
    shown = {(row["chain"], row["step"]): row["sent"] for row in record["figures"]["steps"]}

    assert shown == dict(there)
    assert {name: chain_of(record, name)["sent"] for name in CHAINS} == {
        name: sum(many for (chain, _), many in there.items() if chain == name) for name in CHAINS}


def test_orders(played):
    """Every real line of the days that passed is there once, and every planted order beside them."""
    season, _, record, home = played
    real = lines(after=None, upto=LAST, orders=season.orders)
    with season.wired.warehouse.snapshot() as snapshot:
        rows = snapshot.sql("SELECT order_id, sum(amount)::DOUBLE AS amount FROM orders GROUP BY order_id").to_pylist()
        many = snapshot.sql("SELECT count(*) AS many FROM orders")["many"][0].as_py()
    with sqlite3.connect(home / "people" / "state.sqlite") as people:
        upto = (datetime(1997, 11, 13, 4, 59, 59) - datetime(1970, 1, 1)) // timedelta(microseconds=1)
        planted = people.execute("SELECT 'S-' || number, CAST(amount AS REAL) FROM sale WHERE due <= ?", [upto]).fetchall()

    assert many == len(real) + len(planted)
    assert sorted(season.planted) == sorted(number for number, _ in planted)
    assert {row["order_id"]: row["amount"] for row in rows if row["order_id"].startswith("S-")} == pytest.approx(dict(planted))
    assert sum(row["amount"] for row in rows if not row["order_id"].startswith("S-")) == pytest.approx(
        sum(float(amount) for *_, amount in real))


def test_the_truth(played):
    """The planted truth of a chain is what its own touches caused in the window, by the simulator's book."""
    season, _, record, home = played
    with season.wired.warehouse.snapshot() as snapshot:
        inside = snapshot.sql("SELECT wave, contact_id, enrolled_at, closes_at FROM enrolments JOIN goals USING (wave, chain)")
    windows = {(row["wave"], row["contact_id"]): (row["enrolled_at"], row["closes_at"]) for row in inside.to_pylist()}
    caused = Counter()
    with sqlite3.connect(home / "truth.sqlite") as book:
        for key, chain, wave, contact, at, amount in book.execute(
                "SELECT 'S-' || key, chain, wave, contact, extra_at, extra_amount FROM truth WHERE extra_at IS NOT NULL"):
            start, end = windows[int(wave), contact]
            if key in season.planted and start < datetime(1970, 1, 1) + timedelta(microseconds=at) <= end:
                caused[chain] += float(amount)
    shown = {row["world"]: row["planted"] for row in record["comparisons"]}

    assert shown["Win-back that works"] == pytest.approx(caused["reactivate_lapsed"]) != 0
    assert shown["Loyalty that works"] == pytest.approx(caused["loyalty_six_contacts"])
    assert shown["Win-back that does nothing"] == shown["Loyalty that does nothing"] == 0


def test_the_arms(played):
    """The holdout's finding is the difference of the arms' means, worked out here from the orders, contact by contact."""
    season, _, record, _ = played
    with season.wired.warehouse.snapshot() as snapshot:
        rows = snapshot.sql("""
            SELECT enrolments.contact_id, any_value(arm) AS arm, coalesce(sum(orders.amount), 0)::DOUBLE AS spent
            FROM enrolments JOIN goals USING (wave, chain)
            LEFT JOIN orders ON orders.contact_id = enrolments.contact_id AND ordered_at > enrolled_at AND ordered_at <= closes_at
            WHERE chain = 'reactivate_lapsed' GROUP BY enrolments.contact_id""").to_pylist()
    arms = {arm: [row["spent"] for row in rows if row["arm"] == arm] for arm in ("treated", "holdout")}
    found = chain_of(record, "reactivate_lapsed")["revenue_lift"]

    assert found["delta"] == pytest.approx(sum(arms["treated"]) / len(arms["treated"]) - sum(arms["holdout"]) / len(arms["holdout"]))
    assert [found["treated"]["n"], found["holdout"]["n"]] == [len(arms["treated"]), len(arms["holdout"])]
    assert found["verdict"] == "not enough data"


def test_every_contact_is_accounted_for(played):
    """Entered = active + ended in both chains, and no contact contradicts it; the report says so."""
    _, summaries, record, _ = played

    assert [(row["chain"], row["clean"], row["contradictions"]) for row in record["reconciled"]] == [(name, True, []) for name in CHAINS]
    assert sum(row["enrolled"] for row in record["figures"]["chains"]) == sum(summary.entered for summary in summaries)


def test_what_a_reader_must_know(played):
    """Amounts are dollars, the data is cited, and what is invented is called so; no draw hides its seed."""
    _, _, record, home = played
    page = (home / "report.html").read_text()

    assert record["currency"] == "USD" and " EUR" not in page
    assert "Fader, Peter S. and Bruce G. S. Hardie (2001)" in page and "invented from a seed" in page
    assert record["seeds"] == list(range(20))
    assert [draw["seed"] for draw in record["spotlight"]["draws"]] == list(range(20))


def test_files_of_the_till(played):
    """A week's file reads as a shop's own: real lines without a number or time, planted ones with both."""
    season, _, _, home = played
    planted = []
    for file in sorted((home / "files").glob("orders-*.csv")):
        with file.open() as text:
            planted += [row for row in csv.DictReader(text) if row["order_number"]]

    assert sorted(row["order_number"] for row in planted) == sorted(season.planted) != []
    assert all(":" in row["date"] for row in planted)
