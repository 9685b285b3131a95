-- New tickets of employee $1 with their events. Their amounts differ: none is a duplicate of another.
WITH filed AS (
    INSERT INTO tickets (owner_id, spent_on, amount, currency, category, description, links)
    SELECT $1, current_date, round((100 + number) / 100.0, 2), 'EUR', 'meals',
           'Lunch in Lisbon, for the workshop with Northwind',
           ARRAY['https://receipts.example.com/' || number]
    FROM generate_series(1, $2::int) AS number
    RETURNING *
), recorded AS (
    INSERT INTO events (actor_id, action, ticket_id, owner_id, details)
    SELECT owner_id, 'ticket.created', id, owner_id, jsonb_build_object('spent_on', spent_on,
        'amount', amount::text, 'currency', currency, 'category', category,
        'description', description, 'links', links)
    FROM filed
)
SELECT min(id), max(id) FROM filed
