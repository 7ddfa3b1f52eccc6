"""The house of the tests' own worlds, in the words of its files; each world adds its channels and connectors."""

__all__ = ["FEW", "HOUSE", "SMS_HOURS"]

HOUSE = """
name = "Test"
language = "fr"
country = "FR"
zone = "Europe/Paris"
currency = "EUR"
environment = "test"
[vat]
included = false
rate = 0.2
[costs]
email = 0.01
sms = 0.05
phone = 3
post = 0.7
"""
#: One cap over all channels; format it with `at_most` and `within_days`.
FEW = """
[[cap]]
name = "few"
purposes = ["commercial", "relationship"]
at_most = {at_most}
within_days = {within_days}
"""
SMS_HOURS = """
[[hours]]
channel = "sms"
weekdays = ["mon", "tue", "wed", "thu", "fri", "sat"]
from = "08:00"
to = "20:00"
holidays = false
"""
