"""The engine: what it knows without asking again is what asking again would say."""

from warehouse.engine import MANY, Engine


def test_a_count_stays_true():
    """A table's rows are known from its making, until something changes them or its name means something else."""
    engine = Engine(own=True)

    engine.execute("CREATE OR REPLACE TEMP TABLE few AS SELECT 1 AS a FROM range(5)")
    counts = [engine.count("few")]
    for change in ("INSERT INTO few SELECT 1 FROM range(2)", "DELETE FROM few WHERE a = 1", "DROP TABLE few"):
        engine.execute(change)
        engine.execute("CREATE TEMP TABLE IF NOT EXISTS few (a INTEGER)")
        counts.append(engine.count("few"))
    engine.execute("DROP TABLE few")
    engine.execute("CREATE OR REPLACE TEMP VIEW few AS SELECT 1 AS a FROM range(3)")
    counts.append(engine.count("few"))

    assert counts == [5, 7, 0, 0, 3]
    engine.close()


def test_distinct_whatever_the_number():
    """Few values and many, close or far apart, are counted alike."""
    engine = Engine(own=True)

    found = []
    for rows, apart in ((10, 1), (10, 1 << 40), (MANY, 1), (MANY, 1 << 40)):
        engine.execute(f"CREATE OR REPLACE TEMP TABLE ids AS SELECT (i // 2)::BIGINT * {apart} AS id FROM range({rows}) AS r(i)")
        found.append(engine.distinct("ids", "id", rows))

    assert found == [5, 5, MANY // 2, MANY // 2]
    engine.close()


def test_every_connection_is_in_utc_and_can_draw():
    """Instants are UTC and the draw is there for every connection of a process, without asking for it."""
    engine = Engine()

    assert engine.execute("SELECT current_setting('TimeZone'), draw(7, 1) < 1") == [("UTC", True)]
    engine.close()
