"""The ledger as it was first released."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """An empty ledger, whose parts are numbered from 1."""
    _names()
    _fences()
    _history()
    _manifest()
    _outbox()
    _readers()
    op.execute("INSERT INTO counter (name, value) VALUES ('part', 0)")


def _names() -> None:
    """Settings, numbers and names."""
    op.create_table(
        "meta",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_table(
        "counter",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "chain",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "step",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("chain", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("chain", "name"),
    )


def _fences() -> None:
    """What serialises writers, and how far readers have read."""
    op.create_table(
        "head",
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("slice", sa.Integer(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("scope", "slice"),
    )
    op.create_table(
        "watermark",
        sa.Column("reader", sa.Text(), nullable=False),
        sa.Column("slice", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("reader", "slice"),
    )
    op.create_table(
        "lease",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("until", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )


def _history() -> None:
    """What chains were, whom they enrolled, what ran."""
    op.create_table(
        "version",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("chain", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("graph", sa.Text(), nullable=False),
        sa.Column("params_schema", sa.Text(), nullable=False),
        sa.Column("queries", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("chain", "digest"),
        sa.UniqueConstraint("chain", "number"),
    )
    op.create_table(
        "wave",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("chain", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("enrolled_at", sa.DateTime(), nullable=False),
        sa.Column("params", sa.Text(), nullable=False),
        sa.Column("audience", sa.BigInteger(), nullable=False),
        sa.Column("entered", sa.BigInteger(), nullable=False),
        sa.Column("held_out", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("chain", "run", "kind"),
    )
    op.create_table(
        "run",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("chain", sa.BigInteger()),
        sa.Column("starter", sa.Text()),
        sa.Column("params", sa.Text()),
        sa.Column("as_of", sa.DateTime()),
        sa.Column("started_at", sa.DateTime(), nullable=False),
        sa.Column("ended_at", sa.DateTime()),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("summary", sa.Text()),
        sa.PrimaryKeyConstraint("id"),
    )


def _manifest() -> None:
    """The manifest of parts."""
    op.create_table(
        "part",
        sa.Column("n", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("tbl", sa.Text(), nullable=False),
        sa.Column("slice", sa.Integer(), nullable=False),
        sa.Column("chain", sa.BigInteger()),
        sa.Column("version", sa.BigInteger()),
        sa.Column("from_step", sa.Text()),
        sa.Column("to_step", sa.Text()),
        sa.Column("reason", sa.Text()),
        sa.Column("channel", sa.Text()),
        sa.Column("purpose", sa.Text()),
        sa.Column("connector", sa.Text()),
        sa.Column("cost", sa.Numeric(precision=18, scale=6)),
        sa.Column("run", sa.Text()),
        sa.Column("happened_at", sa.DateTime()),
        sa.Column("lo_at", sa.DateTime()),
        sa.Column("hi_at", sa.DateTime()),
        sa.Column("upto", sa.BigInteger()),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("path", sa.Text()),
        sa.Column("inline", sa.LargeBinary()),
        sa.Column("schema", sa.Integer(), nullable=False),
        sa.Column("listed_at", sa.DateTime(), nullable=False),
        sa.Column("retired_n", sa.BigInteger()),
        sa.Column("retired_at", sa.DateTime()),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("n"),
    )
    op.create_index("part_of_step", "part", ["chain", "tbl", "slice", "to_step"])
    op.create_index("part_of_table", "part", ["tbl", "slice", "place"])


def _outbox() -> None:
    """Who rests at a step, and what waits to be sent."""
    op.create_table(
        "rest",
        sa.Column("chain", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("slice", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("residents", sa.BigInteger(), nullable=False),
        sa.Column("next_due", sa.DateTime()),
        sa.Column("feeds", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("chain", "version", "slice", "step"),
    )
    op.create_table(
        "batch",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("part", sa.BigInteger(), nullable=False),
        sa.Column("first_row", sa.BigInteger(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("positions", sa.LargeBinary()),
        sa.Column("slice", sa.Integer(), nullable=False),
        sa.Column("chain", sa.BigInteger(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("connector", sa.Text(), nullable=False),
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("not_before", sa.DateTime()),
        sa.Column("at_latest", sa.DateTime()),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("owner", sa.Text()),
        sa.Column("lease_until", sa.DateTime()),
        sa.Column("sending_at", sa.DateTime()),
        sa.Column("settled_at", sa.DateTime()),
        sa.Column("sent_by", sa.Text()),
        sa.Column("receipts", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("batch_of_part", "batch", ["part"])
    op.create_index("batch_waiting", "batch", ["state", "connector", "at_latest"])


def _readers() -> None:
    """Moments that are read, branches, loads."""
    op.create_table(
        "snapshot",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.DateTime(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "branch",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "source",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("loaded_at", sa.DateTime(), nullable=False),
        sa.Column("newest_at", sa.DateTime()),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("rejected", sa.BigInteger(), nullable=False),
        sa.Column("confirmed", sa.Boolean(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("run", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
