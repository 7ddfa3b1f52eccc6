-- One row per contact due at a Send: the first rule that stops it, if any, and until when (NULL: dropped).
CREATE OR REPLACE TEMP TABLE verdicts AS
WITH consent AS (
    SELECT contact_id, arg_max(status, happened_at) AS status FROM consents SEMI JOIN due USING (contact_id)
    WHERE channel = $channel AND purpose = 'commercial' GROUP BY contact_id
), customers AS (
    SELECT DISTINCT contact_id FROM orders SEMI JOIN due USING (contact_id) WHERE cancelled_at IS NULL AND amount >= 0
), stops AS (
    SELECT DISTINCT contact_id, address_key FROM suppressions
    WHERE from_at <= $as_of AND (until_at IS NULL OR until_at > $as_of) AND (channel IS NULL OR channel = $channel)
      AND (purpose IS NULL OR purpose IN ('commercial', 'all'))
), judged AS (
    SELECT d.contact_id, d.latest_at, d.address_key, d.zone,
           CASE WHEN d.latest_at < $as_of THEN 'stale'
                WHEN d.address_key IS NULL THEN 'no_address'
                WHEN s.contact_id IS NOT NULL OR a.address_key IS NOT NULL THEN 'suppressed'
                WHEN k.status <> 'granted' THEN 'consent_withdrawn'
                WHEN k.status IS NULL AND u.contact_id IS NULL THEN 'no_consent' END AS reason
    FROM due AS d
    LEFT JOIN (SELECT contact_id FROM stops WHERE address_key IS NULL) AS s ON s.contact_id = d.contact_id
    LEFT JOIN (SELECT DISTINCT address_key FROM stops WHERE address_key IS NOT NULL) AS a ON a.address_key = d.address_key
    LEFT JOIN consent AS k ON k.contact_id = d.contact_id
    LEFT JOIN customers AS u ON u.contact_id = d.contact_id
), first_of_address AS (
    SELECT address_key, min(contact_id) AS contact_id FROM judged WHERE reason IS NULL
    GROUP BY address_key HAVING count(*) > 1
), taken AS (
    SELECT DISTINCT j.contact_id
    FROM judged AS j
    JOIN contacts AS c ON c.address_of_channel = j.address_key AND c.contact_id <> j.contact_id
    JOIN touches AS t ON t.contact_id = c.contact_id AND t.chain = 'three_steps' AND t.step = $step
    WHERE j.reason IS NULL
), week AS (
    SELECT contact_id, max(planned_at, 3)[3] + INTERVAL 7 DAY AS until_at FROM touches SEMI JOIN due USING (contact_id)
    WHERE planned_at > $as_of - INTERVAL 7 DAY GROUP BY contact_id HAVING count(*) >= 3
), month AS (
    SELECT contact_id, max(planned_at, 8)[8] + INTERVAL 30 DAY AS until_at FROM touches SEMI JOIN due USING (contact_id)
    WHERE planned_at > $as_of - INTERVAL 30 DAY GROUP BY contact_id HAVING count(*) >= 8
), stopped AS (
    SELECT j.contact_id, j.latest_at,
           CASE WHEN j.reason IS NOT NULL THEN j.reason
                WHEN f.contact_id < j.contact_id OR t.contact_id IS NOT NULL THEN 'same_address'
                WHEN z.opens_at > $as_of THEN 'hours'
                WHEN w.contact_id IS NOT NULL OR m.contact_id IS NOT NULL THEN 'cap' END AS reason,
           CASE WHEN j.reason IS NOT NULL OR f.contact_id < j.contact_id OR t.contact_id IS NOT NULL THEN NULL
                WHEN z.opens_at > $as_of THEN z.opens_at
                ELSE coalesce(w.until_at, m.until_at) END AS until_at
    FROM judged AS j
    LEFT JOIN first_of_address AS f ON f.address_key = j.address_key
    LEFT JOIN taken AS t ON t.contact_id = j.contact_id
    LEFT JOIN zones AS z ON z.zone IS NOT DISTINCT FROM j.zone
    LEFT JOIN week AS w ON w.contact_id = j.contact_id
    LEFT JOIN month AS m ON m.contact_id = j.contact_id
)
SELECT contact_id, CASE WHEN until_at > latest_at THEN 'stale' ELSE reason END AS reason,
       CASE WHEN until_at <= latest_at THEN until_at END AS until_at
FROM stopped
