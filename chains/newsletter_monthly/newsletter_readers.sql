-- One row per contact whose last word on commercial e-mail, at $as_of, is consent.
-- Consent alone: customers who never said yes get offers by the law's exception, not a newsletter.
-- Where two words fall on the same instant, the refusal counts.
WITH last_words AS (
    SELECT contact_id, status
    FROM consents
    WHERE channel = 'email' AND purpose = 'commercial' AND happened_at <= $as_of
    QUALIFY row_number() OVER (PARTITION BY contact_id ORDER BY happened_at DESC, status = 'granted') = 1
)
SELECT contact_id
FROM last_words
WHERE status = 'granted'
