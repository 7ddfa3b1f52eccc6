-- One row per contact with the rep who calls: (contact_id, rep), a function of what was known at $as_of.
-- A territory is a French department, the first two characters of the postcode; the line '' takes everybody else.
-- Within a territory the rep who has had the contact least often comes first, so that a contact who was not called
-- goes to another rep; then the contact's number decides, so that leads are shared out evenly.
WITH territories (department, place, rep) AS (
    VALUES ('75', 0, 'camille_durand'), ('75', 1, 'hugo_lambert'), ('75', 2, 'ines_moreau'),
           ('92', 0, 'hugo_lambert'),   ('92', 1, 'ines_moreau'),
           ('93', 0, 'ines_moreau'),    ('93', 1, 'camille_durand'),
           ('94', 0, 'camille_durand'), ('94', 1, 'hugo_lambert'),
           ('13', 0, 'lea_fabre'),      ('13', 1, 'paul_roche'),
           ('69', 0, 'paul_roche'),     ('69', 1, 'lea_fabre'),
           ('33', 0, 'nora_castets'),   ('33', 1, 'tom_garnier'),
           ('31', 0, 'tom_garnier'),    ('31', 1, 'nora_castets'),
           ('59', 0, 'anna_delattre'),  ('59', 1, 'jules_petit'),
           ('',   0, 'jules_petit'),    ('',   1, 'anna_delattre'), ('', 2, 'tom_garnier')
), placed AS (
    SELECT contact_id,
           CASE WHEN coalesce(country, 'FR') = 'FR' AND left(postcode, 2) IN (SELECT department FROM territories)
                THEN left(postcode, 2) ELSE '' END AS department
    FROM contacts
), tried AS (
    SELECT contact_id, rep, count(*) AS times
    FROM assignments
    WHERE assigned_at < $as_of
    GROUP BY contact_id, rep
), choices AS (
    SELECT p.contact_id, t.rep, coalesce(d.times, 0) AS times,
           (t.place + p.contact_id) % count(*) OVER (PARTITION BY p.contact_id) AS turn
    FROM placed AS p
    JOIN territories AS t ON t.department = p.department
    LEFT JOIN tried AS d ON d.contact_id = p.contact_id AND d.rep = t.rep
)
SELECT contact_id, rep
FROM choices
QUALIFY row_number() OVER (PARTITION BY contact_id ORDER BY times, turn) = 1
