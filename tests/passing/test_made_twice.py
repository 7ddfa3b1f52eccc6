"""One run made by two processes at once: it passes each slice once, whatever one of them has done meanwhile."""

from dataclasses import replace

from flows import recipe
from marketing.chain import NOT_SENT, RELATIONSHIP, Chain, Exit, GoTo, Send, WaitFor, days, minutes
from warehouse import idling

ASK = Send("ask", by="email", message="ask", purpose=RELATIONSHIP)


def chain_of(*steps) -> Chain:
    return Chain(name="hello", title="hello", kind="loyalty", audience="everybody", steps=list(steps), enrol_every=minutes(1))


def meanwhile(monkeypatch, question: str, act) -> None:
    """Have `act` done once, when a process has just asked the ledger a question and not yet gone on."""
    ask, done = getattr(idling, question), []

    def asked(*args):
        answer = ask(*args)
        if not done:
            done.append(True)
            act()
        return answer

    monkeypatch.setattr(idling, question, asked)


def test_passed_between_the_look_and_the_pass(shop, monkeypatch):
    """Who was sent back by a GoTo waits for the next run, not for the other process of this one."""
    shop = shop(chain_of(ASK, GoTo("ask", at_most=3)))
    shop.contacts({"contact_id": 1})
    meanwhile(monkeypatch, "audience_due", lambda: recipe.run_pass(shop.wired, "hello", run="twice"))

    recipe.run_pass(shop.wired, "hello", run="twice")

    assert shop.touches() == [(1, "ask", "email", 1, 1)]


def test_sent_before_the_other_has_looked(shop, monkeypatch):
    """What a run has sent is news for the next run, in slices too in which it had nothing else to do."""
    shop = shop(chain_of(ASK, WaitFor("answer", days(9), {NOT_SENT: [Exit("no_way")]})),
                mail={"script": lambda touch, now: "rejected"})
    shop.contacts({"contact_id": 1})
    recipe.run_pass(replace(shop.wired, send_for=0), "hello", run="first")

    def the_other():
        recipe.run_pass(shop.wired, "hello", run="twice")
        recipe.do(recipe.send, shop.wired, "mail", "twice")
        recipe.do(recipe.fold, shop.wired, "twice")

    meanwhile(monkeypatch, "passed_by", the_other)

    recipe.run_pass(shop.wired, "hello", run="twice")

    assert shop.places("hello") == [(1, "answer")]
    recipe.run_pass(shop.wired, "hello", run="third")
    assert shop.places("hello") == [(1, "exit:no_way")]
