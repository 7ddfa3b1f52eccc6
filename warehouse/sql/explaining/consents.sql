-- One row per channel and purpose on which a contact has said something: the last word; of two at once, the refusal.
SELECT channel, purpose, status, happened_at, touchpoint
FROM consents
WHERE contact_id = $contact_id
QUALIFY row_number() OVER (PARTITION BY channel, purpose ORDER BY happened_at DESC, status = 'granted') = 1
ORDER BY channel, purpose
