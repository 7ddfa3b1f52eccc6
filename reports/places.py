"""The pages of the browser interface as links: from any of its pages, whatever its address, in both versions of it.

A page of a run, an artifact or a deployment lies two folders below the root of the interface it belongs to.
"""

__all__ = ["artifact", "artifact_key", "deployment", "link", "run"]

_ROOT = "../.."


def artifact_key(chain: str, *, rehearsed: bool = False) -> str:
    """The key under which the passes of a chain, or its rehearsals, publish their figures."""
    return chain.replace("_", "-") + ("-rehearsed" if rehearsed else "")


def artifact(key: str) -> str:
    """All that was published under a key, the newest first."""
    return f"{_ROOT}/artifacts/key/{key}"


def deployment(number: str) -> str:
    """The page of a chain: its form, its schedule, its description."""
    return f"{_ROOT}/deployments/deployment/{number}"


def run(number: str) -> str:
    """The page of a run."""
    return f"{_ROOT}/runs/flow-run/{number}"


def link(words: str, place: str) -> str:
    """A link in Markdown."""
    return f"[{words.replace('[', '(').replace(']', ')')}]({place})"
