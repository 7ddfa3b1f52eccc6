"""Prospecting: a web lead is given to a rep, called, then followed by the call's outcome."""

from marketing.chain import (
    APPOINTMENT, CALL_BACK, CLICKED, COMMERCIAL, NOT_NOW, NOT_SENT, PURCHASED, REFUSED, RELATIONSHIP, SEND_DOCUMENTS,
    Assign, Chain, Delay, Enrol, Exit, Field, Goal, GoTo, Send, WaitFor, WaveParams, days, hours, minutes,
)


class Params(WaveParams):
    days_new: int = Field(
        3, ge=1, le=30, description="The form was filled in within this many days", json_schema_extra={"title": "Days new"})


CHAIN = Chain(
    name="prospect_web_lead", title="Call web leads", kind="prospecting", params=Params,
    audience="new_web_leads",               # new_web_leads.sql beside this file, takes $days_new
    goal=Goal(PURCHASED, within=days(90)),
    wake_every=minutes(1), enrol_every=hours(1),
    steps=[
        Send("acknowledge", by="email", message="acknowledge", purpose=RELATIONSHIP),
        Assign("route_to_rep", to="rep_of_territory"),
        Send("call", by="phone", message="call_script", purpose=COMMERCIAL),
        WaitFor("call_outcome", within=days(3), on={
            APPOINTMENT:    [Exit("appointment")],
            CALL_BACK:      [Delay(until="call_back_on"), GoTo("call", at_most=3)],         # the date the rep typed
            SEND_DOCUMENTS: [
                Send("brochure", by="email", message="brochure", purpose=COMMERCIAL),
                WaitFor("brochure_response", within=days(10), on={
                    CLICKED: [GoTo("call", at_most=3)],
                }, otherwise=[Enrol("newsletter_monthly")]),
            ],
            NOT_NOW:        [Enrol("newsletter_monthly")],
            REFUSED:        [Exit("refused")],
            NOT_SENT:       [
                Send("brochure_uncalled", by="email", message="brochure", purpose=COMMERCIAL),
                Enrol("newsletter_monthly"),
            ],
        }, otherwise=[GoTo("route_to_rep", at_most=2)]),                                   # nobody called: give it to another rep
    ],
)
