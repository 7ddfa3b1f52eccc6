"""Mailing: one message to everybody, so that a send of many can be stopped in the middle."""

from marketing.chain import CLICKED, RELATIONSHIP, Chain, Exit, Send, WaitFor, days

CHAIN = Chain(
    name="mailing", title="Mailing", kind="loyalty", audience="mailing_people",
    steps=[Send("offer", by="email", message="offer", purpose=RELATIONSHIP),
           WaitFor("answer", within=days(7), on={CLICKED: [Exit("clicked")]}, otherwise=[
               Send("reminder", by="email", message="offer", purpose=RELATIONSHIP)])],
)
