"""Withdraw: a wave ends for ever, in a run of its own; every contact is accounted for at its end."""

from outbox.wired import Wired
from tasks.recording import recorded
from warehouse import reconciling, stopping
from warehouse.journal import Who
from warehouse.versions import chain_numbers

__all__ = ["withdraw_wave"]


def withdraw_wave(wired: Wired, wave: int, who: Who, why: str, *, run: str,
                  name: str | None = None) -> tuple[stopping.Account, int]:
    """Nothing more of the wave is sent, and who is inside leaves; what had left, and how many contacts left.

    Raises NoSuchScope, and Imbalance.
    """
    warehouse = wired.warehouse
    stopping.known(warehouse, "wave", str(wave))
    with recorded(wired, "withdraw", run, name=name, params={"wave": wave}, by=who.name) as summary:
        account, left = stopping.withdraw_now(warehouse, wave, who, why=why, run=run, wall=wired.wall)
        for chain, number in chain_numbers(warehouse.ledger).items():
            reconciling.hold(warehouse.ledger, number, chain)
        summary.update(contacts=left, left=account.left, **account.outcomes)
    return account, left
