"""Prefect's pages as a marketer goes through them in Chromium: found by what is written on them."""

import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, TimeoutError, expect, sync_playwright

from tests.installed import needs
from tests.prove.installation import Installation

__all__ = ["Form", "Pages", "Refused", "browser"]

#: Milliseconds that a page of a loaded server may take.
PATIENCE = 60_000
WIDE, HIGH = 1280, 860


@contextmanager
def browser() -> Iterator[Page]:
    """A page of Chromium without a window."""
    needs("chromium")
    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"])
        try:
            page = chromium.new_page(viewport={"width": WIDE, "height": HIGH}, locale="en-GB", timezone_id="Europe/Paris")
            page.set_default_timeout(PATIENCE)
            expect.set_options(timeout=PATIENCE)
            yield page
        finally:
            chromium.close()


class Refused(Exception):
    """The server would not start a run with what the form sent."""


class Form:
    """The form of a run as it stands open in the page: one field for each property of a schema."""

    def __init__(self, page: Page):
        self.page = page

    def field(self, title: str) -> Locator:
        """What is filled in under a title."""
        return self.page.get_by_label(re.compile(rf"^{re.escape(title)}( \(Optional\))?$"))

    def shows(self, title: str, words: Mapping[str, Any]) -> None:
        """The field with its title, its description and its default is there to be read."""
        expect(self._title(title)).to_be_visible()
        expect(self.page.get_by_text(words["description"], exact=True)).to_be_visible()
        default = words["default"]
        if default is None:
            expect(self._choices(title).get_by_role("tab", name="None")).to_have_attribute("aria-selected", "true")
        elif isinstance(default, bool):
            expect(self.field(title)).to_be_checked(checked=default)
        else:
            expect(self.field(title)).to_have_value(str(default))

    def fill(self, title: str, value: Any) -> None:
        """Give a field a value; None leaves it empty. A field with few choices is opened, and one is taken."""
        few = self.page.get_by_label(f"Select {title}", exact=True)
        if few.count():
            few.click()
            self.page.get_by_role("option", name=str(value), exact=True).click()
            return
        if isinstance(value, bool):
            self.field(title).set_checked(value)
        elif self._choices(title).count():
            self._choices(title).get_by_role("tab", name="None" if value is None else re.compile("int|float")).click()
            if value is not None:
                self._choices(title).get_by_role("spinbutton").fill(str(value))
        else:
            self.field(title).fill(str(value))

    def name(self, name: str) -> None:
        """Call the run something."""
        self.page.get_by_label("Run Name").fill(name)

    def refused(self, title: str) -> str:
        """What is said to the value of a field on an attempt to start the run, which stays a form."""
        self._submit()
        filled = self._choices(title).get_by_role("spinbutton") if self._choices(title).count() else self.field(title)
        if said := filled.evaluate("field => field.validationMessage"):
            return said
        # What the browser does not see, the server does; it says so beside the field.
        told = self._part(title).get_by_text(re.compile("too long|does not match")).last
        expect(told).to_be_visible()
        return told.inner_text()

    def start(self) -> str:
        """Start the run; returns its id. Raises Refused where the server would not have it."""
        # A form that moves below the pointer, as after a picture of it, can miss a click: then once more.
        for patience in (15_000, PATIENCE):
            with suppress(TimeoutError):
                with self.page.expect_request("**/create_flow_run", timeout=patience) as asked:
                    self._submit()
                answer = asked.value.response().json()
                if "id" not in answer:
                    raise Refused(f"the server took the form as {asked.value.post_data} and said {answer}")
                return answer["id"]
        raise AssertionError("the form started nothing")

    def _submit(self) -> None:
        self.page.get_by_role("button", name="Submit").click()

    def _title(self, title: str) -> Locator:
        return self.page.get_by_text(re.compile(rf"^{re.escape(title)}( \(Optional\))?$"))

    def _part(self, title: str) -> Locator:
        """The part of the page that is one field: the smallest with this title and something to fill in."""
        return self.page.locator("div").filter(has=self._title(title)).filter(has=self.page.get_by_role("group")).last

    def _choices(self, title: str) -> Locator:
        """The same, where the field has a choice between a value and none."""
        return self._part(title).filter(has=self.page.get_by_role("tab", name="None"))


class Pages:
    """The pages of an installation, with pictures of them in a folder."""

    def __init__(self, page: Page, installation: Installation, pictures: Path):
        self.page, self.installation, self.pictures = page, installation, pictures

    def front(self) -> None:
        """The page that the bare address leads to, once it shows runs."""
        self.page.goto(self.installation.address)
        expect(self.page.get_by_role("heading", name="Dashboard").or_(self.page.get_by_text("Flow Runs")).first).to_be_visible()

    def deployments(self) -> None:
        """The list of all that can be run."""
        self.page.goto(self.installation.address)
        self.page.get_by_role("link", name="Deployments", exact=True).click()
        expect(self.page.get_by_role("columnheader", name="Deployment")).to_be_visible()

    def search(self, name: str) -> Locator:
        """A chain's line in the list, however long the list is."""
        self.page.get_by_placeholder("Search deployments").fill(name)
        return self.page.get_by_role("link", name=name, exact=True).first

    def chain(self, name: str) -> None:
        """The page of one chain."""
        found = self.installation.ask(f"/deployments/name/{name}/{name}")
        self.page.goto(f"{self.installation.address}/v2/deployments/deployment/{found['id']}")
        expect(self.page.get_by_role("tab", name="Description")).to_be_visible()

    def description(self) -> None:
        """What a chain is for, from its page."""
        self.page.get_by_role("tab", name="Description").click()

    def form(self, name: str, opens_with: str = "Rehearse only") -> Form:
        """The form of a run of a chain, or of a flow of the house: Run, Custom run; once a field of it stands there."""
        self.chain(name)
        self.page.get_by_role("button", name="Run", exact=True).click()
        self.page.get_by_role("menuitem", name="Custom run").click()
        form = Form(self.page)
        expect(form.field(opens_with)).to_be_visible()
        return form

    def run(self, run: str) -> None:
        """The page of a run that has completed."""
        self.page.goto(f"{self.installation.address}/v2/runs/flow-run/{run}")
        expect(self.page.get_by_text("Completed", exact=True).first).to_be_visible()

    def artifact(self, run: str) -> Locator:
        """What the run published, from its page by way of the list of its artifacts."""
        self.run(run)
        self.page.get_by_role("tab", name="Artifacts").click()
        self.page.locator("a[href*='/artifacts/key/']").first.click()
        # Earlier ones of the same chain stand below it.
        self.page.locator("a[href*='/artifacts/artifact/']").first.click()
        text = self.page.get_by_role("tabpanel", name="Artifact")
        expect(text.get_by_role("heading").first).to_be_visible()
        return text

    def published(self, artifact: str, root: str) -> None:
        """The page of an artifact, in one of the two interfaces, each below a root of its own."""
        self.page.goto(f"{self.installation.address}{root}/artifacts/artifact/{artifact}")
        expect(self.page.get_by_role("heading", name="Elsewhere")).to_be_visible()

    def led(self, words: str) -> str:
        """Follow a link of the figures; returns the path that it leads to, be it shown here or in a page of its own."""
        link = self.page.get_by_role("link", name=words, exact=True).and_(self.page.locator("a[href^='../']"))
        if link.get_attribute("target") == "_blank":
            with self.page.expect_popup() as opened:
                link.click()
            address = opened.value.url
            opened.value.close()
        else:
            here = self.page.url
            link.click()
            self.page.wait_for_url(lambda url: url != here)
            address = self.page.url
        return address.removeprefix(self.installation.address).partition("?")[0]

    def picture(self, name: str, whole: bool = False, of: Locator | None = None, rest: int = 700) -> None:
        """Keep what is to be seen, or only a part `of` it, after `rest` milliseconds in which what moves comes to rest.

        `whole` also what stands below the edge of the window.
        """
        if whole:
            high = self.page.evaluate("document.documentElement.scrollHeight")
            self.page.set_viewport_size({"width": WIDE, "height": max(HIGH, high)})
        self.page.wait_for_timeout(rest)
        (of or self.page).screenshot(path=self.pictures / f"{name}.png", animations="disabled")
        self.page.set_viewport_size({"width": WIDE, "height": HIGH})
        self.page.wait_for_timeout(300)
