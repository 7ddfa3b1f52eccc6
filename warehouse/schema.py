"""The ledger's tables: small, contended, transactional rows; never one per contact and step."""

import sqlalchemy as sa

#: The revision this code reads and writes; a ledger of a later one is refused.
REVISION = "0003"

metadata = sa.MetaData()

#: SQLite only numbers an INTEGER primary key by itself; PostgreSQL wants a BIGINT.
Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def table(name: str, *columns) -> sa.Table:
    return sa.Table(name, metadata, *columns)


#: Facts about this warehouse: environment, secret for tokens, its clock.
meta = table("meta", sa.Column("key", sa.Text, primary_key=True), sa.Column("value", sa.Text, nullable=False))

#: Numbers given out under a row lock, so that they are in the order of the commits.
counter = table(
    "counter", sa.Column("name", sa.Text, primary_key=True), sa.Column("value", sa.BigInteger, nullable=False)
)

chain = table(
    "chain", sa.Column("id", Number, primary_key=True), sa.Column("name", sa.Text, nullable=False, unique=True)
)

#: Step names, numbered once per chain over all of its versions: the number travels in touch tokens.
step = table(
    "step",
    sa.Column("id", Number, primary_key=True),
    sa.Column("chain", sa.BigInteger, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.UniqueConstraint("chain", "name"),
)

#: A chain as it was: relation, parameters and the SQL of its Splits, whole.
version = table(
    "version",
    sa.Column("id", Number, primary_key=True),
    sa.Column("chain", sa.BigInteger, nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("graph", sa.Text, nullable=False),
    sa.Column("params_schema", sa.Text, nullable=False),
    sa.Column("queries", sa.Text, nullable=False),
    sa.Column("created_at", sa.DateTime, nullable=False),
    sa.UniqueConstraint("chain", "digest"),
    sa.UniqueConstraint("chain", "number"),
)

#: The contacts enrolled by one flow run, with its parameters; `kind` is audience or handover.
wave = table(
    "wave",
    sa.Column("id", Number, primary_key=True),
    sa.Column("chain", sa.BigInteger, nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("run", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("enrolled_at", sa.DateTime, nullable=False),
    sa.Column("params", sa.Text, nullable=False),
    sa.Column("audience", sa.BigInteger, nullable=False, default=0),
    sa.Column("entered", sa.BigInteger, nullable=False, default=0),
    sa.Column("held_out", sa.BigInteger, nullable=False, default=0),
    sa.UniqueConstraint("chain", "run", "kind"),
)

#: What a flow run was, kept past the workflow engine's own clean-up: running, completed, failed, crashed or cancelled.
run = table(
    "run",
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("chain", sa.BigInteger),
    sa.Column("starter", sa.Text),
    sa.Column("params", sa.Text),
    sa.Column("as_of", sa.DateTime),
    sa.Column("started_at", sa.DateTime, nullable=False),
    sa.Column("ended_at", sa.DateTime),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("summary", sa.Text),
    sa.Column("process", sa.Text),
    sa.Index("run_in_state", "state"),
)

#: The compare-and-swap of a commit: who read `seq` and finds it unchanged may write.
head = table(
    "head",
    sa.Column("scope", sa.Text, primary_key=True),
    sa.Column("slice", sa.Integer, primary_key=True),
    sa.Column("seq", sa.BigInteger, nullable=False),
)

#: The manifest: one row per part. A part is true while its row is visible: n <= snapshot < retired_n.
#: `place` is where it stands for those who read "everything after": its n, or, for a folded part, the place of the
#: last that it replaces. `schema` 2 is a folded part that holds run, happened_at and cost as columns.
part = table(
    "part",
    sa.Column("n", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("tbl", sa.Text, nullable=False),
    sa.Column("slice", sa.Integer, nullable=False),
    sa.Column("chain", sa.BigInteger),
    sa.Column("version", sa.BigInteger),
    sa.Column("from_step", sa.Text),
    sa.Column("to_step", sa.Text),
    sa.Column("reason", sa.Text),
    sa.Column("channel", sa.Text),
    sa.Column("purpose", sa.Text),
    sa.Column("connector", sa.Text),
    sa.Column("cost", sa.Numeric(18, 6)),
    sa.Column("run", sa.Text),
    sa.Column("happened_at", sa.DateTime),
    sa.Column("lo_at", sa.DateTime),
    sa.Column("hi_at", sa.DateTime),
    sa.Column("upto", sa.BigInteger),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("path", sa.Text),
    sa.Column("inline", sa.LargeBinary),
    sa.Column("schema", sa.Integer, nullable=False, default=1),
    sa.Column("listed_at", sa.DateTime, nullable=False),
    sa.Column("retired_n", sa.BigInteger),
    sa.Column("retired_at", sa.DateTime),
    sa.Column("place", sa.BigInteger, nullable=False),
    sa.Index("part_of_table", "tbl", "slice", "place"),
    sa.Index("part_of_step", "chain", "tbl", "slice", "to_step"),
)

#: How many rest at a step and when the first of them is due: an idle pass asks nothing else.
rest = table(
    "rest",
    sa.Column("chain", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("version", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("slice", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("step", sa.Text, primary_key=True),
    sa.Column("residents", sa.BigInteger, nullable=False),
    sa.Column("next_due", sa.DateTime),
    sa.Column("feeds", sa.Integer, nullable=False),
)

#: Up to which manifest number a reader has read.
watermark = table(
    "watermark",
    sa.Column("reader", sa.Text, primary_key=True),
    sa.Column("slice", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("n", sa.BigInteger, nullable=False),
)

#: The outbox: a row range of one touches part; planned, sending (under a lease), settled, folded.
batch = table(
    "batch",
    sa.Column("id", Number, primary_key=True),
    sa.Column("part", sa.BigInteger, nullable=False),
    sa.Column("first_row", sa.BigInteger, nullable=False),
    sa.Column("rows", sa.Integer, nullable=False),
    sa.Column("positions", sa.LargeBinary),
    sa.Column("slice", sa.Integer, nullable=False),
    sa.Column("chain", sa.BigInteger, nullable=False),
    sa.Column("step", sa.Text, nullable=False),
    sa.Column("connector", sa.Text, nullable=False),
    sa.Column("run", sa.Text, nullable=False),
    # The wave of all its touches; null in batches made before this was kept.
    sa.Column("wave", sa.BigInteger),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("not_before", sa.DateTime),
    sa.Column("at_latest", sa.DateTime),
    sa.Column("attempt", sa.Integer, nullable=False, default=0),
    sa.Column("owner", sa.Text),
    sa.Column("lease_until", sa.DateTime),
    sa.Column("sending_at", sa.DateTime),
    sa.Column("settled_at", sa.DateTime),
    sa.Column("sent_by", sa.Text),
    sa.Column("receipts", sa.LargeBinary),
    sa.Index("batch_waiting", "state", "connector", "at_latest"),
    sa.Index("batch_of_part", "part"),
)

lease = table(
    "lease",
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("until", sa.DateTime, nullable=False),
)

#: A moment somebody still reads: the sweeper leaves its files alone until it expires.
snapshot = table(
    "snapshot",
    sa.Column("id", Number, primary_key=True),
    sa.Column("n", sa.BigInteger, nullable=False),
    sa.Column("expires_at", sa.DateTime, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
)

#: A copy of the manifest in a ledger of its own over the same parts.
branch = table(
    "branch",
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("n", sa.BigInteger, nullable=False),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("expires_at", sa.DateTime, nullable=False),
)

#: One row per load of a source: its age is the oldest thing a pass may rest on.
source = table(
    "source",
    sa.Column("id", Number, primary_key=True),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("loaded_at", sa.DateTime, nullable=False),
    sa.Column("newest_at", sa.DateTime),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("rejected", sa.BigInteger, nullable=False),
    sa.Column("confirmed", sa.Boolean, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("run", sa.Text, nullable=False),
)

#: A raw response or lead, durable before it is answered; on SQLite it lives in a file of its own.
inbox_metadata = sa.MetaData()
inbox = sa.Table(
    "inbox",
    inbox_metadata,
    sa.Column("id", Number, primary_key=True),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("dedup", sa.Text, nullable=False),
    sa.Column("received_at", sa.DateTime, nullable=False),
    sa.Column("payload", sa.LargeBinary, nullable=False),
    sa.UniqueConstraint("source", "dedup"),
    # A number is never given twice: who clears late what somebody else has cleared must not hit a new row.
    sqlite_autoincrement=True,
)
