"""A base of contacts for the benchmarks, the same rows for the engine and for the floor, made in one query each."""

from datetime import datetime, timedelta

import sqlalchemy as sa

from marketing.chain import COMMERCIAL, Chain, Send
from marketing.graph import compile
from warehouse import schema
from warehouse.versions import register

__all__ = ["ARRIVALS", "ARRIVED", "PAST", "START", "TABLES", "into_warehouse", "list_arrivals"]

START = datetime(2026, 3, 2, 9)
#: When, between the first pass and the second, orders and objections come in.
ARRIVED = START + timedelta(days=3)

#: i is the contact. One in a hundred shares an e-mail address with another, one in two hundred a phone.
TABLES = {
    "contacts": """
        SELECT i::BIGINT AS contact_id, 'c' || i AS client_id,
               CASE WHEN i % 50 <> 7 THEN 'c' || (i - (i % 100 = 1)::BIGINT) || '@example.org' END AS email,
               CASE WHEN i % 10 < 9 THEN '+3360' || lpad((i - (i % 200 = 3)::BIGINT)::VARCHAR, 7, '0') END AS phone,
               'Camille' AS first_name, 'Martin' AS last_name, CASE WHEN i % 5 = 0 THEN 'en' ELSE 'fr' END AS language,
               CASE WHEN i % 50 = 9 THEN 'America/Guadeloupe' WHEN i % 50 > 0 THEN 'Europe/Paris' END AS zone,
               'FR' AS country, '57000' AS postcode, 'Metz' AS city, '1 rue Haute' AS address_1,
               NULL::VARCHAR AS address_2, 'web' AS touchpoint, TIMESTAMP '2024-01-01' AS created_at,
               CASE WHEN i % 50 <> 7 THEN (i + 1 - (i % 100 = 1)::BIGINT)::UBIGINT END AS email_key,
               CASE WHEN i % 10 < 9 THEN (i + 1 - (i % 200 = 3)::BIGINT)::UBIGINT END AS phone_key
        FROM range($lo, $hi) AS r(i)""",
    "consents": """
        SELECT i::BIGINT AS contact_id, channel, 'commercial' AS purpose,
               CASE WHEN (i * 7919 + length(channel) * 31) % 100 < 78 THEN 'granted' ELSE 'refused' END AS status,
               TIMESTAMP '2025-01-01' AS happened_at, 'web' AS touchpoint, NULL::VARCHAR AS proof
        FROM range($lo, $hi) AS r(i), (VALUES ('email'), ('sms')) AS c(channel)
        WHERE (i * 7919 + length(channel) * 31) % 100 < 86
        UNION ALL
        SELECT i::BIGINT, channel, 'commercial', 'withdrawn', TIMESTAMP '2025-09-01', 'web', NULL
        FROM range($lo, $hi) AS r(i), (VALUES ('email'), ('sms')) AS c(channel)
        WHERE (i * 31 + length(channel)) % 20 = 0""",
    "suppressions": """
        SELECT i::BIGINT AS contact_id, NULL::UBIGINT AS address_key, NULL::VARCHAR AS channel, 'commercial' AS purpose,
               'opposed' AS reason, TIMESTAMP '2025-06-01' AS from_at, NULL::TIMESTAMP AS until_at
        FROM range($lo, $hi) AS r(i) WHERE (i * 104729) % 50 = 0""",
    "orders": """
        SELECT i::BIGINT AS contact_id, 'o' || i || '-' || j AS order_id, '1' AS line_id,
               TIMESTAMP '2025-03-01' + to_days((i * 37 % 300)::INTEGER) AS ordered_at, 60::DECIMAL(18, 4) AS amount,
               24::DECIMAL(18, 4) AS margin, 'p' || i % 500 AS product, 1::DECIMAL(18, 4) AS quantity,
               NULL::TIMESTAMP AS cancelled_at
        FROM range($lo, $hi) AS r(i), range(2) AS n(j) WHERE i % 10 < 6 - 3 * j""",
}

#: What is listed between the first pass and the second: one contact in fifty buys, one in three hundred objects.
ARRIVALS = {
    "orders": """
        SELECT i::BIGINT AS contact_id, 'n' || i AS order_id, '1' AS line_id, $arrived::TIMESTAMP AS ordered_at,
               60::DECIMAL(18, 4) AS amount, 24::DECIMAL(18, 4) AS margin, 'p1' AS product,
               1::DECIMAL(18, 4) AS quantity, NULL::TIMESTAMP AS cancelled_at
        FROM range($lo, $hi) AS r(i) WHERE i * 13 % 50 = 0""",
    "suppressions": """
        SELECT i::BIGINT AS contact_id, NULL::UBIGINT AS address_key, NULL::VARCHAR AS channel, NULL::VARCHAR AS purpose,
               'opposed' AS reason, $arrived::TIMESTAMP AS from_at, NULL::TIMESTAMP AS until_at
        FROM range($lo, $hi) AS r(i) WHERE i * 17 % 300 = 0""",
}

#: Touches of another chain that count towards the caps: days before START, and which contacts had them.
PAST = ((25, "i % 5 < 3"), (12, "i % 2 = 0"), (5, "i % 10 < 3"), (3, "i % 25 = 4"), (2, "i % 25 = 4"), (1, "i % 25 = 4"))
EARLIER = Chain(name="earlier", title="Earlier", kind="loyalty", audience="everybody",
                steps=[Send("news", by="email", message="page", purpose=COMMERCIAL)])


def into_warehouse(warehouse, contacts: int, past: bool = True) -> None:
    """Load the base into an empty warehouse, slice by slice; `past`: with the touches of another chain.

    What only the engine derives of it (`standing`, which a real load leaves behind) is left to the first pass, so
    that it is measured: the floor has nothing of the kind.
    """
    warehouse.clock.simulate(START)
    version = register(warehouse.ledger, compile(EARLIER), {}, {}, START) if past else None
    waves = [_wave(warehouse, version, days) for days, _ in PAST] if past else []
    for slice, lo, hi in _slices(warehouse, contacts):
        with _commit(warehouse, START) as (engine, commit):
            for name, query in TABLES.items():
                engine.execute(f"CREATE TEMP TABLE {name} AS {query}", lo=lo, hi=hi)
                commit.add(name, name, slice=slice)
            for number, ((days, had), wave) in enumerate(zip(PAST, waves)):
                engine.execute(f"""CREATE TEMP TABLE past_{number} AS
                    SELECT {wave}::BIGINT << 36 | i AS enrolment_id, 1::SMALLINT AS visit, 1::SMALLINT AS leg,
                           2::SMALLINT AS seq FROM range($lo, $hi) AS r(i) WHERE {had}""", lo=lo, hi=hi)
                commit.add("touches", f"past_{number}", slice=slice, chain=version.chain, version=version.id,
                           to_step="news", channel="email", purpose="commercial", connector="memory", cost=0,
                           happened_at=START - timedelta(days=days))
            commit.apply()
    _loaded(warehouse, contacts)


def list_arrivals(warehouse, contacts: int) -> None:
    """List what came in between the first pass and the second."""
    warehouse.clock.advance(ARRIVED)
    for slice, lo, hi in _slices(warehouse, contacts):
        with _commit(warehouse, ARRIVED) as (engine, commit):
            for name, query in ARRIVALS.items():
                engine.execute(f"CREATE TEMP TABLE {name} AS {query}", lo=lo, hi=hi, arrived=ARRIVED)
                commit.add(name, name, slice=slice)
            commit.apply()


class _commit:
    """An engine and a commit on it, closed together."""

    def __init__(self, warehouse, as_of: datetime):
        self.engine = warehouse.engine()
        self.commit = warehouse.commit(run="load", as_of=as_of, engine=self.engine)

    def __enter__(self):
        return self.engine, self.commit

    def __exit__(self, *_error) -> None:
        self.engine.close()


def _slices(warehouse, contacts: int):
    for lo in range(0, contacts, warehouse.slice_size):
        yield lo // warehouse.slice_size, lo, min(contacts, lo + warehouse.slice_size)


def _wave(warehouse, version, days: int) -> int:
    row = {"chain": version.chain, "version": version.id, "run": f"{days} days before", "kind": "audience",
           "enrolled_at": START - timedelta(days=days), "params": "{}", "audience": 0, "entered": 0, "held_out": 0}
    with warehouse.ledger.begin() as tx:
        return tx.execute(sa.insert(schema.wave).returning(schema.wave.c.id), row).scalar_one()


def _loaded(warehouse, contacts: int) -> None:
    with warehouse.ledger.begin() as tx:
        tx.execute(sa.insert(schema.source), {
            "source": "contacts", "loaded_at": START, "newest_at": None, "rows": contacts, "rejected": 0,
            "confirmed": True, "digest": "made", "run": "load"})
