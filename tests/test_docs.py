"""The pages keep to the code: generated parts are fresh, links and paths lead somewhere, every word is defined."""

import re
import tomllib
from pathlib import Path

import pytest

from connectors.base import Base
from flows.cli.answering import _KNOWN
from flows.cli.inserted import inserts, pictures, renewed, spoken
from marketing import responses, steps
from marketing.graph import compile
from reports.diagram import dot
from warehouse import schema
from warehouse.failpoints import FAILPOINTS

import chains

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *DOCS.glob("*.md")])
GENERATED_WHOLE = {"commands.md", "chains.md", "sql.md"}
#: What the design of the house calls its things.
NOUNS = """contact audience chain version step enrolment wave pass slice arm touch refusal receipt response goal purpose
pressure part ledger touchpoint""".split()
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)|<img src=\"([^\"]+)\"")
#: A path of the repository in a page: words with a slash that begin with one of its folders.
OURS = ("chains", "connectors", "warehouse", "marketing", "outbox", "flows", "tasks", "reports", "demo", "docs", "tests",
        "benchmarks")
NAMED = re.compile(rf"`((?:{'|'.join(OURS)})/[\w./-]*)`")


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def prose(page: Path) -> str:
    """A page without its examples."""
    return FENCE.sub("", text_of(page))


def anchors(page: Path) -> set[str]:
    """What a link may point at within a page: its headings, as GitHub makes them."""
    heads = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def ids(pages: list[Path]) -> list[str]:
    return [page.name for page in pages]


@pytest.mark.parametrize("page", PAGES, ids=ids(PAGES))
def test_links_lead_somewhere(page):
    """Every link between pages names a file that exists, and a heading of it."""
    lost = []
    for link in (first or second for first, second in LINK.findall(prose(page))):
        if link.startswith(("https://", "http://")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            lost.append(link)

    assert lost == []


@pytest.mark.parametrize("page", PAGES, ids=ids(PAGES))
def test_paths_exist(page):
    """Every path of the repository that a page names exists."""
    examples = {"connectors/<kind>.py"}
    named = set(NAMED.findall(prose(page))) - examples

    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=ids(PAGES))
def test_words(page):
    """No page names a machine's folder, and every sentence is short enough to be read."""
    text = prose(page)
    long = [line for line in text.splitlines() if len(line) > 900 and page.name not in GENERATED_WHOLE]

    assert re.findall(r"(?:^|[\s`(])/(?:work|root|home|tmp)\b\S*", text) == []
    assert long == []


@pytest.mark.parametrize("page", [page for page in PAGES if page.parent == DOCS], ids=lambda page: page.name)
def test_lists_are_current(page):
    """What stands between marks is what the code says; renew it by python -m flows.cli.inserted docs."""
    if page.name == "loading.md":
        pytest.skip("written by warehouse.loading.documented, and tested there")

    assert renewed(text_of(page)) == text_of(page)


def test_every_list_is_used():
    """Nothing is generated that no page shows."""
    used = {name for page in PAGES for name in re.findall(r"<!-- (\w+): generated -->", text_of(page))}

    assert set(inserts()) - used == set()


def test_pictures_are_current():
    """Every chain is drawn as it is written; draw again by python -m flows.cli.inserted docs."""
    drawn = {path.name: text_of(path) for path in (DOCS / "images").glob("*.svg")}

    assert drawn == pictures()


def test_a_chain_as_written_has_no_numbers():
    """Without a crowd a diagram shows every step, and counts nobody."""
    graph = compile(chains.load("reactivate_lapsed"))
    text = dot(graph, None, {})

    assert "entered" not in text and "there now" not in text and "style=dashed]" in text
    assert all(f'"{step.name}" [' in text for step in graph.steps if step.kind in ("send", "wait"))


def test_failpoints_are_listed():
    """Every named place is in the page on state, in the order of the code."""
    section = text_of(DOCS / "state-and-commit.md").partition("\n## Failpoints\n")[2]
    listed = re.findall(r"^\| `(\w+\.\w+)` \|", section, re.MULTILINE)

    assert listed == list(FAILPOINTS)


def test_every_noun_is_defined():
    """The glossary has every noun, each once."""
    defined = re.findall(r"^\*\*([\w-]+)\*\*$", text_of(DOCS / "glossary.md"), re.MULTILINE)

    assert set(NOUNS) - set(defined) == set()
    assert len(defined) == len(set(defined))


def test_every_step_is_explained():
    """The page on chains has every word of the grammar, and every word of its head."""
    text = text_of(DOCS / "adding-a-chain.md")
    words = [kind.__name__ for kind in steps.Written.__args__]
    head = [name for name in chains.load("reactivate_lapsed").__dataclass_fields__ if name != "steps"]

    assert [word for word in words if f"`{word}(" not in text] == []
    assert [word for word in head if f"| `{word}` |" not in text] == []


def test_every_verb_is_explained():
    """The page on channels has every verb of a connector."""
    text = text_of(DOCS / "adding-a-channel.md")
    verbs = [name for name, verb in vars(Base).items() if callable(verb) and not name.startswith("_") and name != "Settings"]

    assert [verb for verb in verbs if f"`{verb}(" not in text] == []


def test_every_response_has_words():
    """Every response of the vocabulary says what happened."""
    said = spoken(ROOT / "marketing" / "responses.py")
    kinds = {value for name, value in vars(responses).items() if name.isupper() and isinstance(value, str)}

    assert {getattr(responses, name) for name in said if isinstance(getattr(responses, name), str)} == kinds


def test_every_ledger_table_is_listed():
    """The page on state names every table of the ledger."""
    text = text_of(DOCS / "state-and-commit.md")

    assert [name for name in schema.metadata.tables if f"`{name}`" not in text] == []


def test_every_error_has_a_remedy():
    """The page on operations says what to do about every error that a command tells."""
    text = text_of(DOCS / "operations.md")

    assert [name for name in _KNOWN if f"`{name}`" not in text] == []


def test_every_setting_is_documented():
    """Every RELANCE_ variable that the code reads is in the page on operations, and no other."""
    code = [*ROOT.glob("flows/**/*.py"), *ROOT.glob("warehouse/**/*.py"), *ROOT.glob("outbox/*.py"), *ROOT.glob("tasks/*.py")]
    read = {name for path in code for name in re.findall(r"RELANCE_[A-Z_]+[A-Z]", text_of(path))}
    documented = set(re.findall(r"^\| `(RELANCE_[A-Z_]+)` \|", text_of(DOCS / "operations.md"), re.MULTILINE))

    assert documented == read


def test_every_place_of_personal_data_is_named():
    """The page on privacy names every folder and file that the code makes in a home."""
    code = [*ROOT.glob("warehouse/**/*.py"), *ROOT.glob("flows/**/*.py")]
    made = {name for path in code for name in re.findall(r"""home / ["']([\w.]+)["']""", text_of(path))}
    text = text_of(DOCS / "privacy.md")

    assert made >= {"ledger.sqlite", "inbox.sqlite", "held", "rejects", "branches", "parts"}
    assert [name for name in sorted(made) if name not in text] == []


@pytest.mark.parametrize("page", PAGES, ids=ids(PAGES))
def test_examples_can_be_read(page):
    """Python and TOML examples are whole, except where they say … ."""
    for language, text in FENCE.findall(text_of(page)):
        if language == "python" and "…" not in text:
            compiled = __builtins__["compile"] if isinstance(__builtins__, dict) else __builtins__.compile
            compiled(text, page.name, "exec")
        if language == "toml":
            tomllib.loads(text)


def test_the_readme_shows_a_shipped_chain():
    """The steps in the README are those of the chain that it names."""
    brief = text_of(ROOT / "chains" / "reactivate_lapsed" / "chain.py")
    shown = next(text for language, text in FENCE.findall(text_of(ROOT / "README.md")) if language == "python")

    assert [line.strip() for line in shown.splitlines() if line.strip() not in ("…", "]") and line.strip() not in brief] == []


def test_commands_are_real():
    """Every relance command and make target that a page shows exists."""
    known = set(re.findall(r"^## relance ([\w -]+)$", text_of(DOCS / "commands.md"), re.MULTILINE))
    heads = {command.split()[0] for command in known}
    targets = set(re.findall(r"^([a-z-]+):", text_of(ROOT / "Makefile"), re.MULTILINE))
    shown = {(page.name, words) for page in PAGES for words in re.findall(r"(?:`|\$ |&& )relance ([a-z-]+)", text_of(page))}
    made = {(page.name, target) for page in PAGES for target in re.findall(r"(?:`|^|\$ )make ([a-z-]+)", text_of(page), re.MULTILINE)}

    assert sorted(one for one in shown if one[1] not in heads) == []
    assert sorted(one for one in made if one[1] not in targets) == []
