"""How often each route asks the database: whatever the page shows, and however long the history."""

from tests.web.access_harness import AccessTestCase
from tests.web.access_matrix import Person, Route
from tests.web.routes import routes_of

TABLE = """
GET    /                                                  owner     1
GET    /account/data.zip                                  owner     11
GET    /account                                           owner     5
GET    /account/payout                                    owner     2
POST   /account/payout                                    owner     11
POST   /account/payout/remove                             owner     4
GET    /account/passkeys                                  owner     3
POST   /account/passkeys                                  owner     3
POST   /account/passkeys/options                          owner     9
POST   /account/passkeys/recovery-codes                   owner     11
GET    /account/passkeys/{passkey_id}/remove              owner     2
POST   /account/passkeys/{passkey_id}/remove              owner     13
POST   /login/passkey                                     owner     0
POST   /login/passkey/options                             owner     2
GET    /login/second-step                                 owner     1
POST   /login/second-step                                 owner     2
POST   /login/second-step/options                         owner     3
POST   /login/first-passkey                               owner     2
POST   /login/recovery-code                               owner     12
POST   /admin/employee/{employee_id:int}/reset-second-factor employer 11
GET    /account/tokens                                    owner     1
POST   /account/tokens                                    owner     10
POST   /account/tokens/{token_id}/revoke                  owner     4
POST   /account/mails                                     owner     5
GET    /account/email                                     owner     1
POST   /account/email                                     owner     11
GET    /account/email/confirm                             owner     2
POST   /account/email/confirm                             owner     7
POST   /account/password                                  owner     11
POST   /account/sessions/end-others                       owner     4
POST   /account/sessions/{session_id}/end                 owner     4
POST   /account/username                                  owner     5
GET    /admin/                                            employer  1
GET    /admin/employee/details/{pk:path}                  employer  8
GET    /admin/employee/list                               employer  4
GET    /admin/employee/{employee_id:int}/erase            employer  3
POST   /admin/employee/{employee_id:int}/erase            employer  18
GET    /admin/employee/{employee_id:int}/reactivate       employer  4
POST   /admin/employee/{employee_id:int}/reactivate       employer  8
POST   /admin/employee/{employee_id:int}/reset-link       employer  8
GET    /admin/employee/{employee_id:int}/suspend          employer  4
POST   /admin/employee/{employee_id:int}/suspend          employer  17
POST   /admin/employee/{employee_id:int}/undo             employer  9
GET    /admin/invitations                                 employer  2
POST   /admin/invitations                                 employer  8
POST   /admin/invitations/file                            employer  10
POST   /admin/invitations/{invitation_id:int}/resend      employer  5
POST   /admin/invitations/{invitation_id:int}/revoke      employer  5
GET    /admin/employers                                   employer  2
GET    /admin/employers/{user_id:int}                     employer  4
GET    /admin/employers/{user_id:int}/{verb}              employer  4
POST   /admin/employers/{user_id:int}/{verb}              employer  16
GET    /admin/history                                     employer  3
GET    /admin/history/people                              employer  2
GET    /admin/overview                                    employer  8
GET    /admin/payments                                    employer  3
POST   /admin/payments                                    employer  10
POST   /admin/payments/selected                           employer  11
GET    /admin/payments/{run_id:int}                       employer  4
POST   /admin/payments/{run_id:int}/cancel                employer  10
POST   /admin/payments/{run_id:int}/confirm               employer  10
POST   /admin/payments/{run_id:int}/in-cash               employer  7
POST   /admin/payments/{run_id:int}/pay                   employer  14
POST   /admin/payments/{run_id:int}/tickets/{ticket_id:int}/take-out employer  6
POST   /admin/payments/{run_id:int}/void                  employer  10
GET    /admin/payments/{run_id:int}/answer                employer  2
POST   /admin/payments/{run_id:int}/answer                employer  4
POST   /admin/payments/{run_id:int}/answer/save           employer  18
GET    /admin/payments/{run_id:int}/file                  employer  4
POST   /admin/payments/{run_id:int}/file/{kind}           employer  8
GET    /admin/payments/{run_id:int}/statement/{employee_id:int} employer 3
POST   /admin/ticket/decide                               employer  5
POST   /admin/ticket/undo                                 employer  9
POST   /admin/ticket/decide/all                           employer  6
GET    /admin/ticket/details/{pk:path}                    employer  15
GET    /admin/ticket/export/{kind}                        employer  3
GET    /admin/ticket/list                                 employer  10
POST   /admin/ticket/filters                              employer  7
POST   /admin/ticket/filters/remove                       employer  4
POST   /admin/ticket/{ticket_id:int}/approve              employer  5
POST   /admin/ticket/{ticket_id:int}/deny                 employer  5
POST   /admin/ticket/{ticket_id:int}/reopen               employer  9
GET    /api/docs                                          owner     0
GET    /api/employees                                     employer  2
GET    /api/employees/{employee_id}                       employer  2
GET    /api/employees/{employee_id}/events                employer  3
POST   /api/employees/{employee_id}/reactivate            employer  7
POST   /api/employees/{employee_id}/suspend               employer  15
GET    /api/employees/{employee_id}/suspensions           employer  3
GET    /api/invitations                                   employer  2
POST   /api/invitations                                   employer  7
POST   /api/invitations/{invitation_id}/resend            employer  4
DELETE /api/invitations/{invitation_id}                   employer  4
GET    /api/employers                                     employer  2
GET    /api/employers/{employer_id}                       employer  2
POST   /api/employers/{employer_id}/activate              employer  10
POST   /api/employers/{employer_id}/deactivate            employer  17
PUT    /api/users/{user_id}/role                          employer  13
GET    /api/me                                            owner     1
PATCH  /api/me                                            owner     5
PUT    /api/me/mails                                      owner     5
POST   /api/me/password                                   owner     11
GET    /api/me/data                                       owner     11
GET    /api/me/payout                                     owner     2
PUT    /api/me/payout                                     owner     11
DELETE /api/me/payout                                     owner     4
GET    /api/me/tokens                                     owner     2
POST   /api/me/tokens                                     owner     10
DELETE /api/me/tokens/{token_id}                          owner     4
GET    /api/openapi.json                                  owner     0
GET    /api/payment-runs                                  employer  2
POST   /api/payment-runs                                  employer  11
GET    /api/payment-runs/due                              employer  2
GET    /api/payment-runs/{run_id:int}                     employer  3
POST   /api/payment-runs/{run_id:int}/cancel              employer  10
POST   /api/payment-runs/{run_id:int}/confirm             employer  10
POST   /api/payment-runs/{run_id:int}/pay                 employer  14
POST   /api/payment-runs/{run_id:int}/file                employer  7
GET    /api/payment-runs/{run_id:int}/tickets             employer  3
DELETE /api/payment-runs/{run_id:int}/tickets/{ticket_id:int} employer  5
POST   /api/payment-runs/{run_id:int}/void                employer  10
DELETE /api/session                                       owner     3
POST   /api/session                                       colleague     9
POST   /api/me/email                                      owner     11
GET    /api/sessions                                      owner     2
DELETE /api/sessions/{session_id}                         owner     4
GET    /api/tickets                                       owner     2
POST   /api/tickets                                       owner     5
GET    /api/tickets/{ticket_id:int}                       owner     2
PATCH  /api/tickets/{ticket_id:int}                       owner     6
POST   /api/tickets/{ticket_id:int}/approve               employer  5
POST   /api/tickets/{ticket_id:int}/deny                  employer  5
GET    /api/tickets/{ticket_id:int}/history               owner     3
GET    /api/tickets/{ticket_id:int}/receipts                     owner     3
POST   /api/tickets/{ticket_id:int}/receipts                     owner     12
GET    /api/tickets/{ticket_id:int}/receipts/{receipt_id:int}    owner     3
GET    /api/tickets/{ticket_id:int}/receipts/{receipt_id:int}/preview owner     3
GET    /api/tickets/{ticket_id:int}/receipts/{receipt_id:int}/thumbnail owner     3
DELETE /api/tickets/{ticket_id:int}/receipts/{receipt_id:int}    owner     6
POST   /api/tickets/{ticket_id:int}/reopen                employer  9
POST   /api/tickets/{ticket_id:int}/withdraw              owner     6
POST   /api/users                                         owner     8
GET    /health                                            owner     0
GET    /forgot                                            owner     0
POST   /forgot                                            owner     4
GET    /language                                          owner     0
POST   /appearance                                        owner     0
POST   /language                                          owner     3
GET    /login                                             owner     1
POST   /login                                             colleague     8
GET    /login/sso                                        stranger  0
GET    /login/sso/callback                               stranger  0
POST   /logout                                            owner     3
GET    /mails/off                                         owner     0
POST   /mails/off                                         owner     5
GET    /metrics                                           owner     0
GET    /ready                                             owner     1
GET    /register                                          owner     1
POST   /register                                          owner     11
GET    /confirm                                           owner     1
POST   /confirm                                           owner     11
GET    /invited                                           owner     1
POST   /invited                                           owner     11
GET    /reset                                             owner     1
POST   /reset                                             owner     8
GET    /static/{path:path}                                owner     0
GET    /tickets                                           owner     5
POST   /tickets                                           owner     6
POST   /tickets/draft                                     owner     6
POST   /tickets/duplicates                                owner     3
GET    /tickets/export.{kind}                             owner     3
GET    /tickets/import                                    owner     1
POST   /tickets/import                                    owner     4
POST   /tickets/import/save                               owner     9
GET    /tickets/import/template.csv                       owner     0
GET    /tickets/payments/{run_id:int}                     owner     3
POST   /tickets/seen                                      owner     3
POST   /tickets/receipts                                  owner     15
GET    /tickets/receipts/{receipt_id:int}                 owner     2
POST   /tickets/{ticket_id:int}/receipts                  owner     10
POST   /tickets/{ticket_id:int}/receipts/{receipt_id:int}/remove owner     6
GET    /tickets/{ticket_id:int}                           owner     6
POST   /tickets/{ticket_id:int}                           owner     5
POST   /tickets/{ticket_id:int}/withdraw                  owner     5
"""


def rows() -> dict[Route, tuple[Person, int]]:
    """By route, who asks for it and how many statements that takes."""
    found = {}
    for line in TABLE.strip().splitlines():
        method, path, person, number = line.split()
        found[method, path] = (Person(person), int(number))
    return found


class Statements(AccessTestCase):
    async def test_each_route_takes_so_many(self) -> None:
        table = rows()
        self.assertEqual(routes_of(self.app) - table.keys(), set(), "not in the table")
        self.assertEqual(table.keys() - routes_of(self.app), set(), "not a route")
        for route, (person, number) in table.items():
            with self.subTest(route=route):
                async with self.undone():
                    with self.counted_statements() as statements:
                        await self.ask(route, person)
                    self.assertEqual(
                        len(statements), number, "\n\n".join(one.sql for one in statements)
                    )
