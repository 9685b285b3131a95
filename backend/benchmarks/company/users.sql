-- The first users are employers. A third of the employees were there from the beginning, the others
-- came since; every fiftieth is suspended.
INSERT INTO users (id, email, username, role, password_hash, suspended_at, created_at)
SELECT id, lower(format('%s.%s.%s@contoso.example', first, last, id)), first || ' ' || last,
       CASE WHEN number < 0 THEN 'employer' ELSE 'employee' END, :password_hash,
       CASE WHEN number % 50 = 49 THEN joined + (:now - joined) * chance END, joined
FROM (
    SELECT *, (:days)[1 + trunc(greatest(0, number * 1.5 / :employees - 0.5)
                                * (cardinality(:days) - 1))::int]
              + time '07:30' + interval '30 min' * number / :employees AS joined
    FROM (
        SELECT id, id - :employers - 1 AS number, random() AS chance,
               (:first_names)[1 + trunc(random() * cardinality(:first_names))::int] AS first,
               (:last_names)[1 + trunc(random() * cardinality(:last_names))::int] AS last
        FROM generate_series(1, :employers + :employees) AS id
    ) AS numbered
) AS named
