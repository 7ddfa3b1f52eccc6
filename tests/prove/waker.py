"""The house's flows and commands with the proofs' chains beside its own; `python -m tests.prove.waker` is `relance`."""

import chains
from tests.prove.worker import CHAINS

if CHAINS not in chains.__path__:
    chains.__path__.append(CHAINS)

from flows import by_chain  # noqa: E402  it looks for the chains that there are


def __getattr__(name: str):
    """The flow of a chain, for a worker that was given the entrypoint `tests.prove.waker.<chain>`."""
    return getattr(by_chain, name)


if __name__ == "__main__":
    from flows.cli.main import app

    app()
