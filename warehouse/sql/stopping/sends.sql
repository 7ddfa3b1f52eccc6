-- One row per chain, step, wave and outcome of the touches of a scope ($scope, $name); "planned" counts all of them.
WITH of_scope AS (
    SELECT chain, step, wave, connector, 'planned' AS outcome FROM touches
    UNION ALL
    SELECT chain, step, wave, connector, outcome FROM receipts
)
SELECT chain, step, wave, outcome, count(*) AS touches
FROM of_scope
WHERE CASE $scope
          WHEN 'all' THEN true
          WHEN 'chain' THEN chain = $name
          WHEN 'wave' THEN wave = TRY_CAST($name AS BIGINT)
          WHEN 'step' THEN chain || '/' || step = $name
          ELSE connector = $name END
GROUP BY ALL ORDER BY ALL
