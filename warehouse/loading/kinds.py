"""The kinds of file that can be loaded: their columns, what each holds, and the spellings that headers may take."""

import re
import unicodedata
from dataclasses import dataclass

__all__ = ["KINDS", "Column", "Kind", "LoadError", "compact", "kind_of"]


class LoadError(Exception):
    """A file could not be loaded; the text names the file, what is wrong and what would be accepted."""


@dataclass(frozen=True)
class Column:
    """A documented column: `holds` names the way its cells are read, `accepted` closes the list of its values."""

    name: str
    holds: str
    meaning: str
    spellings: tuple[str, ...] = ()
    required: bool = False
    accepted: tuple[str, ...] = ()


@dataclass(frozen=True)
class Kind:
    """A kind of file; `dated` is the column whose newest value is the age of the source."""

    name: str
    grain: str
    columns: tuple[Column, ...]
    dated: str
    open: bool = False  #: whether further columns are kept as attributes
    any_of: tuple[str, ...] = ()  #: at least one of these columns must be there, and filled

    def column(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)

    def spelt(self) -> dict[str, Column]:
        """Every accepted header, compacted, with its column."""
        return {compact(word): column for column in self.columns for word in (column.name, *column.spellings)}


def compact(header: str) -> str:
    """A header without case, accents, blanks and signs: « Prénom » and PRENOM are the same word."""
    plain = unicodedata.normalize("NFKD", header)
    return re.sub(r"[^a-z0-9]", "", "".join(c for c in plain if not unicodedata.combining(c)).lower())


def kind_of(name: str) -> Kind:
    """The kind called `name`. Raises LoadError naming the kinds there are."""
    if name not in KINDS:
        raise LoadError(f"There is no kind of file {name!r}; accepted: {', '.join(KINDS)}.")
    return KINDS[name]


_CLIENT = ("customer_id", "client", "customer", "contact_id", "id_client", "no_client", "n_client", "numero_client", "num_client",
           "code_client", "reference_client", "client_number", "customer_number", "contact", "id_contact")
_CHANNELS = ("email", "sms", "phone", "post", "voice", "feed", "webhook")
_CHANNEL = ("canal", "moyen", "media")
_PURPOSE = ("finalite", "objet", "but")
_CLIENT_MEANING = "your own id of the contact, kept as text with its zeros"

CONTACTS = Kind("contacts", "One row per contact.", dated="created_at", open=True, columns=(
    Column("client_id", "text", _CLIENT_MEANING, ("id", *_CLIENT), required=True),
    Column("email", "email", "e-mail address",
           ("e_mail", "mail", "courriel", "email_address", "adresse_email", "adresse_mail", "adresse_electronique")),
    Column("phone", "phone", "telephone, with or without its country code",
           ("telephone", "tel", "mobile", "portable", "gsm", "phone_number", "mobile_phone", "numero_de_telephone",
            "tel_portable", "telephone_portable", "telephone_mobile")),
    Column("first_name", "text", "first name", ("prenom", "given_name", "firstname")),
    Column("last_name", "text", "family name",
           ("nom", "nom_de_famille", "surname", "family_name", "lastname", "name")),
    Column("language", "language", "two letters (ISO 639-1), or a locale such as fr-FR",
           ("langue", "lang", "locale", "code_langue")),
    Column("zone", "zone", "time zone by its IANA name, such as Europe/Paris",
           ("time_zone", "timezone", "fuseau", "fuseau_horaire")),
    Column("country", "country", "two letters (ISO 3166-1)", ("pays", "country_code", "code_pays")),
    Column("postcode", "postcode", "postal code, as text",
           ("code_postal", "cp", "postal_code", "post_code", "zip", "zip_code")),
    Column("city", "text", "town", ("ville", "town", "commune", "localite")),
    Column("address_1", "text", "street and number",
           ("adresse", "adresse_1", "address", "address_line_1", "street", "rue", "voie")),
    Column("address_2", "text", "rest of the address",
           ("adresse_2", "address_line_2", "complement_adresse", "complement_d_adresse")),
    Column("touchpoint", "text", "where the address was captured: web form, shop, call centre, fair",
           ("point_de_contact", "origine", "origin", "provenance", "lead_source")),
    Column("created_at", "instant", "when the contact became known",
           ("created", "creation_date", "created_on", "date_creation", "date_de_creation", "cree_le", "inscrit_le",
            "date_inscription", "signup_date", "registered_at")),
))

ORDERS = Kind("orders", "One row per order line.", dated="ordered_at", open=True, columns=(
    Column("client_id", "text", _CLIENT_MEANING, _CLIENT, required=True),
    Column("ordered_at", "past", "when it was ordered",
           ("date", "order_date", "ordered_on", "date_commande", "date_de_commande", "purchase_date", "date_achat",
            "date_d_achat", "purchased_at", "commande_le"), required=True),
    Column("amount", "money", "amount of the line in the house's currency; a return is negative",
           ("montant", "total", "montant_ligne", "line_amount", "line_total", "dollar_value", "ca", "valeur", "value",
            "prix_total"), required=True),
    Column("order_id", "text", "the order's number",
           ("order", "commande", "id_commande", "no_commande", "num_commande", "numero_commande", "order_number",
            "transaction_id", "id_transaction", "invoice", "facture", "numero_facture")),
    Column("line_id", "text", "the line's number within its order",
           ("line", "ligne", "id_ligne", "numero_ligne", "no_ligne", "line_number", "order_line")),
    Column("margin", "money", "margin of the line, in the same currency, without tax", ("marge", "gross_margin")),
    Column("product", "text", "what was bought",
           ("produit", "product_id", "sku", "article", "reference", "ref_produit", "item", "code_article")),
    Column("quantity", "decimal", "how many",
           ("quantite", "qty", "qte", "nombre", "number_of_items", "number_of_cds")),
    Column("cancelled_at", "instant", "when it was cancelled or returned whole",
           ("annule_le", "date_annulation", "canceled_at", "cancellation_date", "cancelled_on")),
    Column("currency", "currency", "currency of the line (ISO 4217); other than the house's, the line is rejected",
           ("devise", "currency_code", "code_devise", "monnaie")),
))

CONSENTS = Kind("consents", "One row per contact, channel, purpose and moment at which consent changed.",
                dated="happened_at", columns=(
    Column("client_id", "text", _CLIENT_MEANING, _CLIENT, required=True),
    Column("channel", "choice", "the channel the consent is for", _CHANNEL, required=True, accepted=_CHANNELS),
    Column("purpose", "choice", "what the messages may be for", _PURPOSE, required=True,
           accepted=("commercial", "relationship", "transactional")),
    Column("status", "choice", "what the contact said",
           ("statut", "etat", "consent", "consentement"), required=True,
           accepted=("granted", "refused", "withdrawn")),
    Column("happened_at", "past", "when it was said",
           ("date", "collected_at", "date_consentement", "date_de_consentement", "consent_date", "recueilli_le"),
           required=True),
    Column("touchpoint", "text", "where it was said", ("point_de_contact", "origine", "origin", "source")),
    Column("proof", "text", "what shows it: the form's version, a recording's number", ("preuve", "evidence")),
))

SUPPRESSIONS = Kind("suppressions", "One row per contact or address that must not be written to.",
                    dated="from_at", any_of=("client_id", "address"), columns=(
    Column("client_id", "text", _CLIENT_MEANING, _CLIENT),
    Column("address", "address", "an e-mail address or telephone number; only its keyed hash is kept",
           ("email", "e_mail", "mail", "courriel", "adresse", "phone", "telephone", "tel", "mobile")),
    Column("channel", "choice", "the channel that is closed; empty: every channel", _CHANNEL, accepted=_CHANNELS),
    Column("purpose", "choice", "empty: commercial and relationship; all: everything", _PURPOSE,
           accepted=("commercial", "relationship", "transactional", "all")),
    Column("reason", "text", "why, in a word: opposition, dormant, deceased, complaint", ("motif", "raison", "cause")),
    Column("from_at", "instant", "since when; empty: the moment of the load",
           ("date", "from", "depuis", "since", "date_debut", "start_date", "a_partir_du")),
    Column("until_at", "instant", "until when; empty: for good", ("until", "jusqu_au", "date_fin", "end_date")),
))

KINDS = {kind.name: kind for kind in (CONTACTS, ORDERS, CONSENTS, SUPPRESSIONS)}
