"""Every route under /admin has somebody who speaks for it."""

from starlette.applications import Starlette
from starlette.routing import Mount, Route

from tests.harness import AppTestCase

# What the console answers, and where that is tested. Whatever a new version of SQLAdmin, or a new
# view, adds to it has to be looked at first.
SPOKEN_FOR = {
    ("GET", "/"): "test_console.Access",
    ("GET", "/{identity}/list"): "test_queue, test_employees",
    ("GET", "/{identity}/details/{pk:path}"): "test_queue.Details, test_employees",
    ("POST", "/ticket/{ticket_id:int}/approve"): "test_console.Decide",
    ("POST", "/ticket/{ticket_id:int}/deny"): "test_console.Decide",
    ("POST", "/ticket/{ticket_id:int}/reopen"): "test_queue.Reopen",
    ("POST", "/ticket/decide"): "test_bulk.Preview",
    ("POST", "/ticket/decide/all"): "test_bulk.Decide",
    ("GET", "/ticket/export/{kind}"): "test_export",
    ("GET", "/employee/{employee_id:int}/suspend"): "test_employees",
    ("POST", "/employee/{employee_id:int}/suspend"): "test_employees",
    ("GET", "/employee/{employee_id:int}/reactivate"): "test_employees",
    ("POST", "/employee/{employee_id:int}/reactivate"): "test_employees",
    ("GET", "/overview"): "test_overview",
    ("GET", "/history"): "test_history",
}


class Routes(AppTestCase):
    async def test_every_route_is_spoken_for(self) -> None:
        self.assertEqual(self.routes(), set(SPOKEN_FOR))

    async def test_none_changes_anything_by_get(self) -> None:
        ada = await self.new_employee()
        ticket = await self.new_ticket(ada)
        browser = await self.browser_of(await self.new_employer())
        async with self.nothing_changes():
            for method, path in self.routes():
                if method == "GET":
                    path = path.replace("{identity}", "ticket").replace("{kind}", "csv")
                    path = path.replace("{pk:path}", str(ticket))
                    path = path.replace("{employee_id:int}", str(ada.id))
                    answer = await browser.get(f"/admin{path}")
                    self.assertLess(answer.status_code, 400, path)

    def routes(self) -> set[tuple[str, str]]:
        [console] = [
            route.app
            for route in self.app.routes
            if isinstance(route, Mount) and route.path == "/admin"
        ]
        assert isinstance(console, Starlette)
        found = set()
        for route in console.routes:
            assert isinstance(route, Route), route
            for method in (route.methods or set()) - {"HEAD"}:
                found.add((method, route.path))
        return found
