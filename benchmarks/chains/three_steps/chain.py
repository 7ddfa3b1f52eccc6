"""Three messages: an opening, a reminder to who did not click, a closing."""

from marketing.chain import CLICKED, COMMERCIAL, PURCHASED, Chain, Delay, Goal, Send, WaitFor, days, weeks

CHAIN = Chain(
    name="three_steps", title="Three steps", kind="loyalty", audience="everybody",
    goal=Goal(PURCHASED, within=weeks(8)), holdout=0.05,
    steps=[
        Send("opening", by="email", message="page", purpose=COMMERCIAL),
        WaitFor("answer", within=days(7), on={CLICKED: []},
                otherwise=[Send("reminder", by="sms", message="note", purpose=COMMERCIAL)]),
        Delay(days(14)),
        Send("closing", by="email", message="page", purpose=COMMERCIAL),
    ],
)
