"""A walk through every page in Chinese, by people and tickets with Chinese names."""

import re
from urllib.parse import urljoin, urlsplit

import httpx

from expenses.tickets.actions import edit_ticket
from expenses.tickets.schemas import TicketChanges
from expenses.users import account
from expenses.users.queries import UserView
from tests.harness import PASSWORD, AppTestCase, make_settings
from tests.i18n.chinese import CHINESE, Page, english_in, texts_of
from tests.notifications.test_delivery import MailTestCase
from tests.notifications.test_digest import write
from tests.receivers import words_of

LINK = "https://receipts.example.com/1"
HEADINGS = "日期,金额,币种,类别,说明,链接\n"
FILES = (
    "", "\0", "%PDF-1", "PK\3\4", "<html>", "{\"a\"", HEADINGS, "说明\n午饭\n", "甲,乙\n一,二\n",
    HEADINGS + "2026-11-20,12.50,EUR,餐饮,午饭," + LINK + "\n\n,,,,,\n合计,12.50,,,,\n",
    HEADINGS + "昨天,很多,XXX,玩乐,,ftp://a\n2026-13-01,-1,,餐饮,午饭,\n03/04/26,1.234,JPY,餐饮,午饭,\n",
    HEADINGS + "01/02/2026,1,,餐饮,午饭,\n13/02/2026,1,,餐饮,午饭,\n02/13/2026,1,,餐饮,午饭,\n",
    HEADINGS + f"2199-01-01,很多,,餐饮,{'饭' * 600},\n2026-02-30,1,,餐饮,午\"饭,{'链' * 3000}\n",
    HEADINGS + "2026-11-20,\"12.50",
)  # fmt: skip


class Walk(AppTestCase):
    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.li, self.wang = await self.new_employee("李娜"), await self.new_employee("王伟")
        self.zhao = await self.new_employer("赵敏")
        self.tickets = [await self._file(self.li, amount=f"{place}.50") for place in range(1, 6)]
        pending, approved, denied, withdrawn, reopened = self.tickets
        await self._file(self.wang, amount="1.50")
        await self.approve(approved, by=self.zhao, reason="没问题")
        await self.deny(denied, by=self.zhao, reason="没有收据")
        await self.withdraw(withdrawn, by=self.li)
        await self.deny(reopened, by=self.zhao, reason="没有收据")
        browser = await self._browser(self.zhao)
        await browser.post(f"/admin/ticket/{reopened}/reopen", data={"reason": "看错了"})
        async with self.database.transaction() as connection:
            changes = TicketChanges.model_validate({"amount": "9.90", "description": "晚饭"})
            await edit_ticket(connection, pending, changes, actor=self.li, settings=self.settings)
        await self._pay_some()
        await self.suspend(self.wang, by=self.zhao)

    async def _pay_some(self) -> None:
        """A run that is paid, one that is confirmed, and a draft."""
        for currency, steps in (("EUR", 2), ("CNY", 1), ("GBP", 0)):
            for _ in range(2):
                ticket = await self._file(self.li, currency=currency)
                await self.approve(ticket, by=self.zhao)
            run = await self.new_run(by=self.zhao, currency=currency)
            if steps:
                await self.confirm(run, by=self.zhao)
            if steps == 2:
                await self.pay(run, by=self.zhao)

    async def test_finds_no_english(self) -> None:
        for user, least in ((None, 2), (self.li, 15), (self.zhao, 40)):
            browser = await self._browser(user)
            # Of the addresses that differ by the values of their parameters only, one is enough.
            waiting, seen = {"/": "/"}, {"/"}
            while waiting:
                _, address = waiting.popitem()
                answer = await browser.get(address, follow_redirects=True)
                self.assertEqual(answer.status_code, 200, address)
                self.assert_chinese(answer)
                for link in Page(answer.text).links:
                    path = urljoin(address, link)
                    kind = re.sub("=[^&]*", "", path)
                    if kind not in seen and self._is_page(path):
                        seen.add(kind)
                        waiting[kind] = path
            self.assertGreater(len(seen), least)

    async def test_logging_in_and_registering(self) -> None:
        await self._refuse("/login", {"email": ""}, {"email": "李娜"}, password="")
        await self._refuse("/login", {"email": self.li.email}, password="错" * 8)
        await self._refuse("/login", {"email": self.wang.email}, password=PASSWORD)
        for password in ("短", "password1", "长" * 2_000, "\0" * 9):
            await self._refuse("/login", {"email": "new@contoso.example"}, password=password)
        browser = await self._browser(None)
        new = {"email": "new@contoso.example", "password": PASSWORD}
        self.assert_chinese(await browser.post("/login", data=new, follow_redirects=True))
        self.app.state.settings = make_settings(employer_code="暗号", address_registrations=2)
        for username in ("", "李娜", "\0", "周" * 90, "周涛"):
            data = {"username": username, "role": "employer", "employer_code": "不对"}
            answer = await browser.post("/register", data=data)
            self.assertGreaterEqual(answer.status_code, 400)
            self.assert_chinese(answer)

    async def test_too_many_attempts(self) -> None:
        self.app.state.settings = make_settings(login_attempts=1, address_registrations=1)
        browser = await self._browser(None)
        for _ in range(2):
            answer = await browser.post("/login", data={"email": self.li.email, "password": "错"})
            self.assert_chinese(answer)
        self.assertEqual(answer.status_code, 429)

    async def test_forms(self) -> None:
        pending, approved, *_ = self.tickets
        li = await self._browser(self.li)
        ticket = {"amount": "9.90", "currency": "USD", "category": "meals", "description": "饭"}
        for spent_on, amount in (
            ("", ""),
            ("昨天", "很多"),
            ("2199-01-01", "12.3456"),
            ("1", "-1"),
        ):
            for path in ("/tickets", f"/tickets/{pending}", f"/tickets/{approved}"):
                data = ticket | {"spent_on": spent_on, "amount": amount, "links": "ftp://a\n链"}
                self.assert_chinese(await li.post(path, data=data, follow_redirects=True))
        await self._send(li, "/account/username", {"username": ""}, {"username": "赵敏"})
        for new in ("短", "password1", PASSWORD, "新" * 9):
            await self._send(li, "/account/password", {"old": "错", "new": new, "again": "另"})
        zhao = await self._browser(self.zhao)
        for verdict in ("approve", "deny"):
            await self._send(zhao, f"/admin/ticket/{approved}/{verdict}", {"reason": "没有收据"})
            await self._send(zhao, f"/admin/ticket/{pending}/{verdict}", {"reason": "饭" * 600})
            for path in ("/admin/ticket/decide", "/admin/ticket/decide/all"):
                await self._send(
                    zhao, path, {"verdict": verdict}, {"verdict": verdict, "ticket": pending}
                )
        for user in (self.li, self.wang):
            for change in ("suspend", "suspend", "reactivate", "reactivate"):
                await self._send(
                    zhao, f"/admin/employee/{user.id}/{change}", {"reason": "饭" * 600}, {}
                )

    async def test_filters(self) -> None:
        zhao = await self._browser(self.zhao)
        for path in ("/admin/ticket/list", "/admin/history", "/admin/employee/list"):
            for query in (
                "q=没有&employee=李娜&category=meals&from=2026-01-01&min=1&currency=USD",
                "status=all&q=没有", "employee=谁", "from=2026-02-01&to=2026-01-01",
                "min=2&max=1", "actor=谁", "user=李娜", "ticket=abc", "action=ticket.denied",
            ):  # fmt: skip
                self.assert_chinese(await zhao.get(f"{path}?{query}"))

    async def test_imports(self) -> None:
        li = await self._browser(self.li)
        for content in FILES:
            answer = await li.post("/tickets/import", files={"file": ("a.csv", content.encode())})
            self.assert_chinese(answer)

    def assert_chinese(self, answer: httpx.Response) -> None:
        self.assertEqual(english_in(*texts_of(answer)), [], answer.request.url)

    async def _refuse(self, path: str, *forms: dict[str, str], **more: str) -> None:
        for form in forms:
            answer = await (await self._browser(None)).post(path, data=form | more)
            self.assertGreaterEqual(answer.status_code, 400)
            self.assert_chinese(answer)

    async def _send(self, browser: httpx.AsyncClient, path: str, *forms: dict[str, object]) -> None:
        for form in forms:
            self.assert_chinese(await browser.post(path, data=form, follow_redirects=True))

    async def _browser(self, user: UserView | None) -> httpx.AsyncClient:
        browser = await (self.browser_of(user) if user else self.client())
        browser.headers.update(CHINESE)
        return browser

    async def _file(self, owner: UserView, **fields: str) -> int:
        texts = {"description": "和客户吃午饭", "merchant": "海底捞", "links": [LINK]}
        return await self.new_ticket(owner, **texts | fields)

    def _is_page(self, link: str) -> bool:
        path = urlsplit(link).path
        is_file = path.endswith((".csv", "/csv", "/xlsx")) or path.startswith(("/api/", "/static/"))
        return link.startswith("/") and not is_file and "#" not in link


class Mails(MailTestCase):
    async def test_have_no_english(self) -> None:
        for user in (self.ada, self.dana):
            async with self.database.transaction() as connection:
                await account.choose_language(connection, "zh_Hans_CN", actor=user)
        await self.deny(self.ticket_id, by=self.dana)
        await self.approve(await self.new_ticket(self.ada), by=self.dana)
        await self.new_ticket(self.ada)
        await write(self.database)
        await self.send_mails()
        self.assertEqual(len(self.mail_box.mails), 3)
        theirs = ["Ada", "Dana", "Lunch", "with", "a", "customer", "Not", "a", "business", "trip"]
        for mail in self.mail_box.mails:
            found = english_in(mail["Subject"], words_of(mail))
            self.assertEqual([text for word, text in found if word not in theirs], [])
