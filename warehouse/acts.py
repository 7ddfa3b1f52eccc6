"""The ledger's tables of what people do, and of what a pass read: journal, stops, approvals, records for a replay, seeds."""

import sqlalchemy as sa

from warehouse.schema import Number, part, table

__all__ = ["approval", "former", "journal", "replay", "seed", "stop", "text"]

#: A human act: who, when, what; append-only, each row sealed together with the one before it. Ids, never names or addresses.
#: `known` is how the person is known: login (a command's), typed (a name in a form), or machine (a schedule, the code).
journal = table(
    "journal",
    sa.Column("n", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("at", sa.DateTime, nullable=False),
    sa.Column("who", sa.Text, nullable=False),
    sa.Column("known", sa.Text, nullable=False),
    sa.Column("act", sa.Text, nullable=False),
    sa.Column("what", sa.Text, nullable=False),
    sa.Column("why", sa.Text, nullable=False),
    sa.Column("seal", sa.Text, nullable=False),
)

#: A stop that somebody ordered: from `at` on nothing of its scope begins to leave, until it is released or, of a wave,
#: withdrawn. `scope` is all, chain, wave, step or connector; `name` its name ("" for all, "chain/step" for a step).
stop = table(
    "stop",
    sa.Column("id", Number, primary_key=True),
    sa.Column("scope", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("at", sa.DateTime, nullable=False),
    sa.Column("who", sa.Text, nullable=False),
    sa.Column("why", sa.Text, nullable=False),
    sa.Column("ended_at", sa.DateTime),
    sa.Column("ended_by", sa.Text),
    # released or withdrawn
    sa.Column("ended_how", sa.Text),
)

#: A wave that waits for a person before anybody enters it: its forecast, what is checked, what it is bound to, and the decision.
#: `state` is awaiting, approved, rejected, lapsed or void (what it was bound to has changed); `params` and `summary` are JSON.
approval = table(
    "approval",
    sa.Column("wave", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("chain", sa.BigInteger, nullable=False),
    sa.Column("run", sa.Text, nullable=False),
    sa.Column("params", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("asked_at", sa.DateTime, nullable=False),
    sa.Column("lapses_at", sa.DateTime, nullable=False),
    sa.Column("contacts", sa.BigInteger, nullable=False),
    sa.Column("cost", sa.Numeric(18, 4), nullable=False),
    # message -> hash of its source, at the moment of asking
    sa.Column("messages", sa.Text, nullable=False),
    # the forecast, the checks and the previews that the decision rests on
    sa.Column("summary", sa.Text, nullable=False),
    sa.Column("decided_at", sa.DateTime),
    sa.Column("decided_by", sa.Text),
    sa.Column("known", sa.Text),
    sa.Column("why", sa.Text),
    # never more than these enter and are spent, whatever moves meanwhile
    sa.Column("most_contacts", sa.BigInteger),
    sa.Column("most_cost", sa.Numeric(18, 4)),
    sa.Index("approval_in_state", "state", "chain"),
)

#: What a pass read of one slice, so that it can be made again: JSON of all that stands in the ledger and is overwritten later.
replay = table(
    "replay",
    sa.Column("run", sa.Text, primary_key=True),
    sa.Column("chain", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("slice", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("n", sa.BigInteger, nullable=False),
    sa.Column("as_of", sa.DateTime, nullable=False),
    sa.Column("made_at", sa.DateTime, nullable=False),
    sa.Column("state", sa.LargeBinary, nullable=False),
    sa.Index("replay_made", "made_at"),
    sa.Index("replay_of_moment", "n"),
)

#: Rows of the manifest whose parts were replaced, and which no reader but a replay asks for: apart, so that the manifest
#: stays as short as what is true. A column that `part` gets this table gets too.
former = table("former", *(sa.Column(one.name, one.type, primary_key=one.primary_key, nullable=one.nullable, autoincrement=False)
                           for one in part.columns))

#: A text that other rows name by its hash, kept once: a policy, a house's settings, an audience's query.
text = table("text", sa.Column("digest", sa.Text, primary_key=True), sa.Column("text", sa.Text, nullable=False))

#: People of the house who get a copy of each live wave; never contacts, in no figure. `addresses` are JSON: email, phone, post.
seed = table(
    "seed",
    sa.Column("id", Number, primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("language", sa.Text, nullable=False),
    sa.Column("addresses", sa.Text, nullable=False),
    sa.Column("added_at", sa.DateTime, nullable=False),
)
