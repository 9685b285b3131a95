-- From :first to :last. Nearly all that is pending was filed lately: 3 % of all. An owner had joined by then, and was not
-- suspended: the employee before a suspended one never is. What was approved is paid two days after
-- its run was made, unless its owner was suspended before.
INSERT INTO tickets (id, owner_id, spent_on, amount, currency, category, description, merchant,
                     links, status, decided_by_id, decided_at, decision_reason, paid_at, created_at,
                     updated_at)
SELECT id, owner_id, filed::date - days_until_filed, amount, currency, category, description,
       merchant, links, status, CASE WHEN decided THEN decider END, CASE WHEN decided THEN ended END,
       CASE status WHEN 'denied' THEN denial_reason WHEN 'approved' THEN approval_note END,
       paid_at, filed, coalesce(paid_at, CASE WHEN status = 'pending' THEN filed ELSE ended END)
FROM (
    SELECT *, status IN ('approved', 'denied') AS decided,
           CASE WHEN status = 'approved' AND payable <= least(:now, left_at) THEN payable END
           AS paid_at
    FROM (
        SELECT drawn.*, users.id - (coalesce(suspended_at, 'infinity') <= filed)::int AS owner_id,
               CASE WHEN suspended_at > filed THEN suspended_at END AS left_at,
               date_bin(:run_every, ended, :runs_from) + :run_delay + interval '2 days' AS payable,
               CASE WHEN stays_pending OR ended >= :now THEN 'pending'
                    WHEN outcome < 0.87 THEN 'approved' WHEN outcome < 0.96 THEN 'denied'
                    ELSE 'withdrawn' END AS status,
               round((price * (:medians ->> category)::float)::numeric,
                     CASE currency WHEN 'JPY' THEN 0 ELSE 2 END) + 1 AS amount,
               format(:purchases -> category ->> trunc(
                   what * jsonb_array_length(:purchases -> category))::int, place)
               || ', ' || format(purpose, customer)
               || CASE WHEN drawn.id % :rare_word_every = 0 THEN :rare_word ELSE '' END
               AS description,
               CASE WHEN receipts < 0.55 THEN '{}'
                    WHEN receipts < 0.92 THEN ARRAY[receipt]
                    ELSE ARRAY[receipt, receipt || '/page-2'] END AS links
        FROM (
            SELECT *, filed + interval '10 min' + delay AS ended
            FROM (
                SELECT id, (:days)[1 + trunc(share * cardinality(:days))::int] + time '08:00'
                           + interval '10 hours' * (share * cardinality(:days) % 1) AS filed,
                       :employers + 1 + trunc(random() * greatest(
                           1, trunc(:employees * (share::float + 0.5) / 1.5)))::int AS candidate,
                       random() < CASE WHEN share > 0.96 THEN 0.68 ELSE 0.003 END AS stays_pending,
                       interval '50 hours' * -ln(1 - random()) AS delay,
                       random() AS outcome, random() AS what, random() AS receipts,
                       exp(0.8 * sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random())) AS price,
                       trunc(random() ^ 3 * 45)::int AS days_until_filed,
                       1 + trunc(random() * :employers)::int AS decider,
                       (:currencies)[1 + trunc(random() * 100)::int] AS currency,
                       (:categories)[1 + trunc(random() * 100)::int] AS category,
                       (:places)[1 + trunc(random() * cardinality(:places))::int] AS place,
                       (:purposes)[1 + trunc(random() * cardinality(:purposes))::int] AS purpose,
                       (:customers)[1 + trunc(random() * cardinality(:customers))::int] AS customer,
                       -- A third of the tickets name none.
                       (:merchants)[1 + trunc(random() * 1.5 * cardinality(:merchants))::int]
                       AS merchant,
                       (:denial_reasons)[1 + trunc(random() * cardinality(:denial_reasons))::int]
                       AS denial_reason,
                       -- Most approvals say nothing.
                       (:approval_notes)[
                           1 + trunc(random() * 8 * cardinality(:approval_notes))::int
                       ] AS approval_note,
                       'https://receipts.example.com/'
                       || lpad(to_hex(id * 2654435761 % 4294967296), 8, '0') AS receipt
                FROM (
                    SELECT id, ((id - random()) / :size)::numeric AS share
                    FROM generate_series(:first, :last) AS id
                ) AS shares
            ) AS filed
        ) AS drawn
        JOIN users ON users.id = candidate
    ) AS owned
) AS ended
ORDER BY id
