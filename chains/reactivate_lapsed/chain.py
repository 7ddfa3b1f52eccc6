"""Reactivation: win back buyers who fell silent; stop writing to those who stay silent."""

from marketing.chain import (
    CLICKED, COMMERCIAL, NOT_SENT, PURCHASED, RELATIONSHIP, Chain, Delay, Enrol, Exit, Field, Goal, Send, Suppress,
    WaitFor, WaveParams, days, months, weeks,
)


class Params(WaveParams):
    months_silent: int = Field(
        12, ge=1, le=60, description="No order for this many months", json_schema_extra={"title": "Months silent"})
    months_forgotten: int = Field(
        36, ge=2, le=120, description="Nor written to after this many months without an order",
        json_schema_extra={"title": "Months until forgotten"})
    discount_percent: int = Field(
        20, ge=0, le=60, description="Shown in the offer, and costed in the ROI", json_schema_extra={"title": "Discount, %"})
    offer_days: int = Field(
        14, ge=1, le=60, description="How long the offer holds", json_schema_extra={"title": "Days the offer holds"})


CHAIN = Chain(
    name="reactivate_lapsed", title="Win back lapsed buyers", kind="loyalty", params=Params,
    audience="lapsed_buyers",               # lapsed_buyers.sql beside this file, takes $months_silent
    goal=Goal(PURCHASED, within=weeks(6), then=[Enrol("loyalty_six_contacts")]),
    holdout=0.10, reenter_after=months(12),
    sources={"orders": days(7)},            # on older orders, somebody who bought yesterday would be missed
    steps=[
        Send("we_miss_you", by="email", message="we_miss_you", purpose=RELATIONSHIP),
        WaitFor("first_response", within=days(7), on={
            CLICKED:  [Send("win_back_offer",  by="email", message="win_back_offer",  purpose=COMMERCIAL)],
            NOT_SENT: [Send("win_back_letter", by="post",  message="win_back_letter", purpose=COMMERCIAL)],
        }, otherwise=[Send("win_back_sms", by="sms", message="win_back_sms", purpose=COMMERCIAL)]),
        WaitFor("last_response", within=weeks(3), on={
            CLICKED:  [Delay(weeks(4)), Enrol("newsletter_monthly")],
            NOT_SENT: [Exit("not_reached")],
        }, otherwise=[Suppress("dormant")]),                                    # sunset policy
    ],
)
