"""Loyalty: six contacts in ten weeks, an offer never follows an offer."""

from marketing.chain import (
    COMMERCIAL, PURCHASED, RELATIONSHIP, Chain, Delay, Field, Goal, Send, Split, WaveParams, days, months, weeks,
)


class Params(WaveParams):
    days_since_order: int = Field(
        30, ge=1, le=365, description="Bought within this many days", json_schema_extra={"title": "Days since the last order"})
    discount_percent: int = Field(
        10, ge=0, le=60, description="Members' discount, shown in the offers, and costed in the ROI",
        json_schema_extra={"title": "Members' discount, %"})


CHAIN = Chain(
    name="loyalty_six_contacts", title="Six contacts for active buyers", kind="loyalty", params=Params,
    audience="active_buyers",                               # active_buyers.sql beside this file, takes $days_since_order
    goal=Goal(PURCHASED, within=weeks(12), ends=False),     # measured, does not end the chain
    holdout=0.05, reenter_after=months(12),                 # the holdout is never contacted: the baseline for lift
    sources={"orders": days(7)},
    steps=[
        Send("thank_you",    by="email", message="thank_you",    purpose=RELATIONSHIP),
        Delay(weeks(2)),
        Send("member_offer", by="email", message="member_offer", purpose=COMMERCIAL),
        Delay(weeks(2)),
        Send("how_to_guide", by="email", message="how_to_guide", purpose=RELATIONSHIP),
        Delay(weeks(2)),
        Send("private_sale", by="sms",   message="private_sale", purpose=COMMERCIAL),
        Delay(weeks(2)),
        Send("satisfaction", by="email", message="satisfaction", purpose=RELATIONSHIP),
        Delay(weeks(2)),
        Split("best_customers", on={
            "rfm_top_quintile": [Send("gift_letter", by="post", message="gift_letter", purpose=COMMERCIAL)],
        }, otherwise=[Send("renewal_offer", by="email", message="renewal_offer", purpose=COMMERCIAL)]),
    ],
)
