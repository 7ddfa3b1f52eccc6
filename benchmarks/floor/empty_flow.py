"""The floor of a run: a Prefect flow that does nothing."""

from prefect import flow

__all__ = ["empty"]


@flow(name="empty", persist_result=False)
def empty() -> None:
    """Nothing at all."""
