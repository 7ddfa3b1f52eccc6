"""What people do is kept: the journal, stops, approvals; what a pass read, so that it can be made again; seeds."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("batch", sa.Column("wave", sa.BigInteger()))
    _acts()
    _approvals()
    _records()


def _acts() -> None:
    """What somebody did, what somebody stopped."""
    op.execute("INSERT INTO counter (name, value) VALUES ('journal', 0)")
    op.create_table(
        "journal",
        sa.Column("n", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("known", sa.Text(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("seal", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("n"),
    )
    op.create_table(
        "stop",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("ended_at", sa.DateTime()),
        sa.Column("ended_by", sa.Text()),
        sa.Column("ended_how", sa.Text()),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "seed",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("addresses", sa.Text(), nullable=False),
        sa.Column("added_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )


def _approvals() -> None:
    """Waves that wait for a person."""
    op.create_table(
        "approval",
        sa.Column("wave", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("chain", sa.BigInteger(), nullable=False),
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("params", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(), nullable=False),
        sa.Column("lapses_at", sa.DateTime(), nullable=False),
        sa.Column("contacts", sa.BigInteger(), nullable=False),
        sa.Column("cost", sa.Numeric(18, 4), nullable=False),
        sa.Column("messages", sa.Text(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.DateTime()),
        sa.Column("decided_by", sa.Text()),
        sa.Column("known", sa.Text()),
        sa.Column("why", sa.Text()),
        sa.Column("most_contacts", sa.BigInteger()),
        sa.Column("most_cost", sa.Numeric(18, 4)),
        sa.PrimaryKeyConstraint("wave"),
    )
    op.create_index("approval_in_state", "approval", ["state", "chain"])


def _records() -> None:
    """What a pass read, and the texts that such records name."""
    op.create_table(
        "replay",
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("chain", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("slice", sa.Integer(), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.Column("as_of", sa.DateTime(), nullable=False),
        sa.Column("made_at", sa.DateTime(), nullable=False),
        sa.Column("state", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("run", "chain", "slice"),
    )
    op.create_index("replay_made", "replay", ["made_at"])
    op.create_index("replay_of_moment", "replay", ["n"])
    op.create_table(
        "text",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
    )
    _former_parts()


def _former_parts() -> None:
    """The manifest's rows of parts that were replaced, as long as a record needs them."""
    texts = ("from_step", "to_step", "reason", "channel", "purpose", "connector")
    op.create_table(
        "former",
        sa.Column("n", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("tbl", sa.Text(), nullable=False),
        sa.Column("slice", sa.Integer(), nullable=False),
        sa.Column("chain", sa.BigInteger()),
        sa.Column("version", sa.BigInteger()),
        *(sa.Column(name, sa.Text()) for name in texts),
        sa.Column("cost", sa.Numeric(18, 6)),
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
