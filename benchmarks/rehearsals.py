"""A whole base rehearsed through the six contacts of the loyalty chain, to its end."""

import shutil
import uuid

import sqlalchemy as sa

import chains
from benchmarks import base
from benchmarks.passes import wired

__all__ = ["rehearsal"]


def rehearsal(meter, folder: str) -> dict:
    """Everybody who has bought, through ten weeks and the goal's window; the copy of the base is as it was, afterwards."""
    from flows.forecasting import forecast
    from warehouse import schema

    home = f"{folder}/rehearsal_run"
    shutil.copytree(f"{folder}/home", home)
    installation = wired(home)
    warehouse, params = installation.warehouse, chains.load("loyalty_six_contacts").params(days_since_order=365)
    with warehouse.ledger.begin() as tx:  # as if the base's orders had been loaded by the command
        tx.execute(sa.insert(schema.source), {
            "source": "orders", "loaded_at": base.START, "newest_at": None, "rows": 1, "rejected": 0, "confirmed": True,
            "digest": "made", "run": "load"})
    before = warehouse.number()
    with meter:
        told = forecast(installation, "loyalty_six_contacts", params, run=str(uuid.uuid4()))
    if warehouse.number() != before or not told.whole.value:
        raise AssertionError(f"the rehearsal left {warehouse.number() - before} parts, and foretold {told}")
    shutil.rmtree(home)
    return {"entered": told.enrolled, "touches": round(told.whole.value), "passes": told.passes}
