"""`relance chains check --sending`: what stands against sending the chains now."""

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["before_sending", "told"]


def before_sending(wired, names: Sequence[str], params: Sequence[str], follow: bool) -> dict[str, list]:
    """The findings of each chain that can be read, by name; `params` are NAME=VALUE of a wave, `follow` tries every link."""
    import chains
    from flows.cli.moving import _values as values_of
    from flows.cli.reaching import reacher
    from flows.cli.showing import working
    from outbox.checking import checks

    found, reach = {}, reacher() if follow else None
    with working("checking the messages") as tell:
        for name in names:
            tell(words=f"checking {name}")
            chain = chains.load(name)
            found[name] = checks(wired, chain, values_of(chain.params, list(params)), reach)
    return found


def told(found: Mapping[str, Sequence[Any]]) -> list[str]:
    """The findings in words, chain by chain: what blocks first, then remarks."""
    lines = []
    for name, findings in found.items():
        blocking = sum(finding.blocking for finding in findings)
        said = f"{blocking} to mend" if blocking else "nothing against it"
        remarks = len(findings) - blocking
        lines.append(f"{name}, before sending: {said}" + (f", {remarks} remark{'s' if remarks > 1 else ''}" if remarks else ""))
        lines += [f"  {'mend' if finding.blocking else 'remark'}  {_place(finding)}{finding.sentence}" for finding in findings]
    return lines


def _place(finding) -> str:
    place = ".".join(filter(None, (finding.message, finding.language, finding.kind))) if finding.message else ""
    step = f"step {finding.step}" if finding.step else ""
    return f"{', '.join(filter(None, (step, place)))}: " if step or place else ""
