"""The channels a touch can take; a house, a policy and a chain name them by these words."""

__all__ = ["CHANNELS", "EMAIL", "FEED", "PHONE", "POST", "SMS", "VOICE", "WEBHOOK"]

#: a message in the contact's mailbox
EMAIL = "email"
#: a text message on the contact's mobile phone
SMS = "sms"
#: a call in somebody's agenda, made by a person
PHONE = "phone"
#: a printed letter
POST = "post"
#: a recorded message left on a voice mailbox
VOICE = "voice"
#: an entry of an audience handed to an advertising or web platform
FEED = "feed"
#: a request to another system, which acts on it
WEBHOOK = "webhook"

CHANNELS = frozenset({EMAIL, SMS, PHONE, POST, VOICE, FEED, WEBHOOK})
