-- One row per receipt that has no touch, or is a second one of the same touch.
SELECT 'receipt too many' AS what, r.contact_id, r.enrolment_id,
       r.step || ', visit ' || r.visit || ', leg ' || r.leg || ': ' || count(*) || ' receipts, '
       || count(t.enrolment_id) || ' touches' AS detail
FROM receipts AS r
LEFT JOIN touches AS t ON t.enrolment_id = r.enrolment_id AND t.chain = r.chain AND t.step = r.step
     AND t.visit = r.visit AND t.leg = r.leg
WHERE r.chain = $chain
GROUP BY r.contact_id, r.enrolment_id, r.step, r.visit, r.leg HAVING count(*) > 1 OR count(t.enrolment_id) = 0
LIMIT $most
