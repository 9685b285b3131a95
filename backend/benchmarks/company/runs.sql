-- A run in each currency for what was approved in each :run_every, made four weeks after the last of it.
-- A day later it is confirmed, and after another one paid.
INSERT INTO payment_runs (number, currency, status, created_by_id, created_at, confirmed_by_id,
                          confirmed_at, paid_on, reference)
SELECT number, currency, status, 1 + id % :employers, made,
       CASE WHEN status <> 'draft' THEN 1 + (id + 1) % :employers END,
       CASE WHEN status <> 'draft' THEN made + interval '1 day' END,
       CASE WHEN status = 'paid' THEN (made + interval '2 days')::date END,
       CASE WHEN status = 'paid' THEN 'Transfer ' || number END
FROM (
    SELECT *, year || '-' || to_char(number_of_year, CASE WHEN number_of_year < 1000 THEN 'FM000'
                                                          ELSE 'FM999999' END) AS number,
           CASE WHEN made + interval '2 days' <= :now THEN 'paid'
                WHEN made + interval '1 day' <= :now THEN 'confirmed' ELSE 'draft' END AS status
    FROM (
        SELECT *, row_number() OVER (ORDER BY made, currency) AS id,
               row_number() OVER (PARTITION BY year ORDER BY made, currency) AS number_of_year
        FROM (
            SELECT DISTINCT made, currency, date_part('year', made) AS year
            FROM (
                SELECT currency, date_bin(:run_every, decided_at, :runs_from) + :run_delay AS made
                FROM tickets JOIN users ON users.id = owner_id
                WHERE status = 'approved' AND (paid_at IS NOT NULL OR suspended_at IS NULL)
            ) AS payable
            WHERE made <= :now
        ) AS runs
    ) AS numbered
) AS named
ORDER BY id
