-- One row: how many of the audience have been in the chain and left it; where nobody enters twice, every other one
-- that is kept out is in it now. Reads asked and ended.
SELECT count(*) AS gone FROM asked
SEMI JOIN (SELECT enrolment_id & 68719476735 AS contact_id FROM ended) AS e USING (contact_id)
