"""The chains of the house: one folder each, found by name."""

import sys
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

from marketing.chain import Chain, ChainError

__all__ = ["BrokenChain", "NoSuchChain", "folder", "load", "names", "read"]


class NoSuchChain(LookupError):
    """There is no folder with a chain.py of that name."""


class BrokenChain(ChainError):
    """A chain's file could not be read; the text says which, where and why."""


def names() -> list[str]:
    """The names of all chains, in order; nothing is read but the names of folders."""
    return sorted({brief.parent.name for root in __path__ for brief in Path(root).glob("[a-z]*/chain.py")})


def folder(name: str) -> Path:
    """The folder of the chain `name`: its brief, audience and messages.

    Raises NoSuchChain with the names there are.
    """
    for root in __path__:
        if name.isidentifier() and (Path(root) / name / "chain.py").is_file():
            return Path(root) / name
    raise NoSuchChain(f"there is no chain {name!r}; chains: {', '.join(names()) or 'none'}")


def load(name: str) -> Chain:
    """The chain of the folder `name`; no other chain's file is read.

    Raises NoSuchChain; BrokenChain with the file, the line and the fault.
    """
    path = folder(name) / "chain.py"
    try:
        chain = import_module(f"{__name__}.{name}.chain").CHAIN
        if chain.name != name:
            raise ValueError(f"CHAIN is named {chain.name!r}; its folder is {name!r}, and both must be the same")
    except Exception as error:  # a chain's file may fail in any way, and must stop no other
        # A half-read module would be found, and found empty, the next time.
        sys.modules.pop(f"{__name__}.{name}.chain", None)
        raise BrokenChain(f"chains/{name}/chain.py{_line(error, path)}: {_fault(error)}") from error
    return chain


def read(folder: Path) -> Chain:
    """The chain of a folder that is not one of the house's, such as a changed copy; it is read each time it is asked for.

    Raises NoSuchChain where the folder has no chain.py; BrokenChain.
    """
    path = folder / "chain.py"
    if not path.is_file():
        raise NoSuchChain(f"there is no file {path}; give the folder of a chain, with its chain.py and its queries")
    try:
        spec = spec_from_file_location(f"{__name__}_{folder.name}_read", path)
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
        return module.CHAIN
    except Exception as error:
        raise BrokenChain(f"{path}{_line(error, path)}: {_fault(error)}") from error


def _line(error: Exception, path: Path) -> str:
    """The line of the chain's own file that failed, as ", line 12"; empty where there is none."""
    if isinstance(error, SyntaxError):
        return f", line {error.lineno}"
    lines, frame = [], error.__traceback__
    while frame:
        if frame.tb_frame.f_code.co_filename == str(path):
            lines.append(frame.tb_lineno)
        frame = frame.tb_next
    return f", line {lines[-1]}" if lines else ""


def _fault(error: Exception) -> str:
    if isinstance(error, AttributeError) and "CHAIN" in str(error):
        return "defines no CHAIN; write CHAIN = Chain(...)"
    return f"{type(error).__name__}: {error}"
