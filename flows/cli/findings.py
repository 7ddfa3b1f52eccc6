"""What `relance doctor` finds: a fact that is as it should be, one that is wrong with what mends it, or a remark."""

from dataclasses import dataclass

__all__ = ["Finding", "good", "remark", "wrong"]


@dataclass(frozen=True)
class Finding:
    """One fact about the installation; `state` is good, wrong or remark, `mend` a command."""

    about: str
    state: str
    said: str
    mend: str | None = None


def good(about: str, said: str) -> Finding:
    return Finding(about, "good", said)


def wrong(about: str, said: str, mend: str) -> Finding:
    return Finding(about, "wrong", said, mend)


def remark(about: str, said: str, mend: str | None = None) -> Finding:
    """Something worth knowing that is no fault."""
    return Finding(about, "remark", said, mend)
