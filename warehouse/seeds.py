"""Seeds: people of the house who get a copy of each live wave, and to whom proofs go; never contacts, in no figure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from warehouse import journal
from warehouse.acts import seed
from warehouse.schema import chain, meta, step
from warehouse.sending import ADDRESS

__all__ = ["NoSuchSeed", "Seed", "SeedExists", "add", "begin_copy", "copies", "end_copy", "named", "remove", "seeds"]

#: How a claim to copy a wave's message stands in the ledger: one row of `meta` per wave, step and channel.
_COPY = "seed-copy:"


class NoSuchSeed(LookupError):
    """No seed goes by that name."""


class SeedExists(ValueError):
    """A seed of that name is there already."""


@dataclass(frozen=True)
class Seed:
    """One person of the house; `addresses` are email and phone as texts, post as the columns of a postal address."""

    id: int
    name: str
    language: str
    addresses: Mapping[str, Any]
    added_at: datetime

    def address(self, channel: str) -> str | None:
        """Where a message by a channel goes; None where this person has no address of its kind."""
        if channel != "post":
            return self.addresses.get(ADDRESS.get(channel, ""))
        post = self.addresses.get("post")
        if not post:
            return None
        town = f"{post['postcode']} {post['city']}"
        lines = (self.name, post["address_1"], post.get("address_2"), town, post.get("country"))
        return "\n".join(line for line in lines if line)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of address there are: email, phone, post."""
        return tuple(kind for kind in ("email", "phone", "post") if self.addresses.get(kind))


def seeds(ledger) -> list[Seed]:
    """Everybody on the list, by name."""
    with ledger.read() as tx:
        rows = tx.execute(sa.select(seed).order_by(seed.c.name)).mappings().all()
    return [Seed(**{**row, "addresses": json.loads(row["addresses"])}) for row in rows]


def named(ledger, *names: str) -> list[Seed]:
    """The seeds of these names, in their order. Raises NoSuchSeed."""
    known = {one.name: one for one in seeds(ledger)}
    for name in names:
        if name not in known:
            raise NoSuchSeed(f"nobody on the seed list is named {name!r}; the list has {len(known)} "
                             f"({'relance seeds list' if known else 'relance seeds add NAME --email ADDRESS'})")
    return [known[name] for name in names]


def add(ledger, who: journal.Who, name: str, language: str, addresses: Mapping[str, Any], *, now: datetime) -> Seed:
    """Put a person on the list; the journal keeps the number and the kinds of address. Raises SeedExists."""
    kept = {kind: value for kind, value in addresses.items() if value}
    row = {"name": name, "language": language, "addresses": json.dumps(kept, ensure_ascii=False), "added_at": now}
    with ledger.begin() as tx:
        if tx.execute(sa.select(seed.c.id).where(seed.c.name == name)).first():
            raise SeedExists(f"a seed named {name!r} is there already; give another name, or first: relance seeds remove {name}")
        number = tx.execute(sa.insert(seed).returning(seed.c.id), row).scalar_one()
        journal.write(ledger, tx, who, "seed added", {"seed": number, "addresses": sorted(kept)}, now=now)
    return Seed(number, name, language, kept, now)


def remove(ledger, who: journal.Who, name: str, *, now: datetime) -> Seed:
    """Take a person off the list, addresses and all. Raises NoSuchSeed."""
    (gone,) = named(ledger, name)
    with ledger.begin() as tx:
        if tx.execute(sa.delete(seed).where(seed.c.id == gone.id)).rowcount:
            journal.write(ledger, tx, who, "seed removed", {"seed": gone.id}, now=now)
    return gone


def begin_copy(ledger, wave: int, step_no: int, channel: str, *, owner: str, now: datetime) -> bool:
    """Claim the copies of a wave's message: True for the first `owner` who asks, over all processes, False for any other."""
    key, mine = f"{_COPY}{wave}/{step_no}/{channel}", json.dumps({"at": now.isoformat(), "by": owner})
    value = sa.select(meta.c.value).where(meta.c.key == key)
    with ledger.read() as tx:
        if tx.execute(value).scalar() is not None:
            return False  # as for every batch of the wave but the first: nothing is written
    with ledger.begin() as tx:
        ledger.put(tx, meta, {"key": key, "value": mine}, replace=False)
        return tx.execute(value).scalar() == mine


def end_copy(ledger, wave: int, step_no: int, channel: str, now: datetime, came: Mapping[str, int] | None) -> None:
    """Say what became of the copies, counts by outcome; None: none was made, so that the next batch may try again."""
    key = f"{_COPY}{wave}/{step_no}/{channel}"
    with ledger.begin() as tx:
        if came is None:
            tx.execute(sa.delete(meta).where(meta.c.key == key))
        else:
            value = json.dumps({"at": now.isoformat(), "came": dict(came)})
            tx.execute(sa.update(meta).where(meta.c.key == key).values(value=value))


def copies(ledger) -> list[dict[str, Any]]:
    """What was copied to seeds, oldest first: chain, step, wave, channel, at, and counts by outcome in `came` (None: the
    sender died over it)."""
    with ledger.read() as tx:
        rows = tx.execute(sa.select(meta.c.key, meta.c.value).where(meta.c.key.like(f"{_COPY}%"))).all()
        steps = {number: (of, name) for number, of, name in tx.execute(
            sa.select(step.c.id, chain.c.name, step.c.name).join(chain, chain.c.id == step.c.chain))}
    found = []
    for key, text in rows:
        wave, step_no, channel = key.removeprefix(_COPY).split("/")
        said, (of, name) = json.loads(text), steps[int(step_no)]
        found.append({"chain": of, "step": name, "wave": int(wave), "channel": channel,
                      "at": datetime.fromisoformat(said["at"]), "came": said.get("came")})
    return sorted(found, key=lambda one: (one["at"], one["wave"], one["step"], one["channel"]))
