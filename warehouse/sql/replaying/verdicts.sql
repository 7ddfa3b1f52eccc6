-- One row per step and change of what became of a contact at it: in the live pass, and made again by other rules. A
-- contact is planned a touch there, or refused it by a reason and rule, until later or for good; or enters the chain, or
-- takes a way out of the step; NULL where nothing became of it. With how many contacts, and the first few of them.
-- Reads moves_live, touches_live, refusals_live and their likes _replayed.
WITH live AS (
    SELECT enrolment_id, step, visit, leg, 'planned' AS verdict FROM touches_live
    UNION ALL
    SELECT enrolment_id, step, visit, leg,
           CASE WHEN until_at IS NULL THEN 'dropped: ' ELSE 'deferred: ' END || reason || ', ' || rule FROM refusals_live
    UNION ALL
    SELECT enrolment_id, from_step, 0, NULL, reason || ', to ' || to_step FROM moves_live
    WHERE NOT list_contains($stays, reason)
), replayed AS (
    SELECT enrolment_id, step, visit, leg, 'planned' AS verdict FROM touches_replayed
    UNION ALL
    SELECT enrolment_id, step, visit, leg,
           CASE WHEN until_at IS NULL THEN 'dropped: ' ELSE 'deferred: ' END || reason || ', ' || rule FROM refusals_replayed
    UNION ALL
    SELECT enrolment_id, from_step, 0, NULL, reason || ', to ' || to_step FROM moves_replayed
    WHERE NOT list_contains($stays, reason)
), changed AS (
    SELECT coalesce(l.enrolment_id, r.enrolment_id) & 68719476735 AS contact_id, coalesce(l.step, r.step) AS step,
           coalesce(l.leg, r.leg) IS NULL AS move, l.verdict AS live, r.verdict AS replayed
    FROM live AS l FULL JOIN replayed AS r
      ON r.enrolment_id = l.enrolment_id AND r.step = l.step AND r.visit = l.visit AND r.leg IS NOT DISTINCT FROM l.leg
    WHERE l.verdict IS DISTINCT FROM r.verdict
)
SELECT step, move, live, replayed, count(DISTINCT contact_id) AS contacts,
       list_slice(list_sort(list_distinct(list(contact_id))), 1, $shown::BIGINT) AS such_as
FROM changed GROUP BY step, move, live, replayed ORDER BY move, step, contacts DESC, live, replayed
