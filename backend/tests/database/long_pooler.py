"""Two processes behind PgBouncer in transaction mode do all that they can do without it."""

from functools import partial

import httpx

from tests import long_processes
from tests.harness import new_database
from tests.pgbouncer import pgbouncer, through


class TwoProcessesBehindAPooler(long_processes.TwoProcesses):
    @classmethod
    def settings(cls) -> dict[str, str]:
        address = through(cls.enterClassContext(pgbouncer()), new_database())
        return {"DATABASE_URL": address, "DATABASE_POOLER": "transaction"}

    def test_many_requests_share_few_connections(self) -> None:
        numbers = [self.file(address).json()["id"] for address in (self.here, self.there) * 10]
        answers = self.at_both(
            *(
                partial(httpx.post, f"{address}/api/tickets/{number}/approve", headers=self.dana)
                for number in numbers
                for address in (self.here, self.there)
            )
        )
        statuses = sorted(answer.status_code for answer in answers)
        self.assertEqual(statuses, [200] * len(numbers) + [409] * len(numbers))
