"""Every text in every language, and the language that was chosen or is preferred."""

import re
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po

import expenses
from expenses.i18n.languages import CATALOGS, LANGUAGES
from expenses.i18n.text import ENGLISH
from expenses.tickets.models import Category, TicketStatus
from expenses.users.models import Role
from expenses.web.pages import words
from tests.harness import PASSWORD, AppTestCase, TestCase

SOURCE = Path(expenses.__file__).parent
MAPPING = SOURCE.parents[1] / "babel.cfg"
CONTRIBUTING = (SOURCE.parents[2] / "CONTRIBUTING.md").read_text(encoding="utf-8")
KEYWORDS = {"_": None, "N_": None, "gettext": None, "ngettext": (1, 2)}


def extracted() -> dict[str, str | tuple[str, ...]]:
    """Every message in the code, by its English singular."""
    with MAPPING.open() as file:
        methods, options = parse_mapping_cfg(file)  # type: ignore[no-untyped-call]
    found = extract_from_dir(SOURCE, methods, options, KEYWORDS)
    return {
        message[0] if isinstance(message, tuple) else message: message
        for _, _, message, _, _ in found
    }


def catalog(language: str) -> Catalog:
    with (CATALOGS / language / "LC_MESSAGES" / "messages.po").open("rb") as file:
        return read_po(file, locale=language)


def placeholders(text: str) -> set[str]:
    return set(re.findall(r"%\((\w+)\)", text))


class Catalogs(TestCase):
    def test_nothing_is_missing_and_nothing_is_left_over(self) -> None:
        messages = extracted()
        self.assertGreater(len(messages), 300)
        for language in set(LANGUAGES) - {ENGLISH}:
            entries = {self._singular(entry): entry for entry in catalog(language) if entry.id}
            self.assertEqual(set(messages) - set(entries), set(), "not translated")
            self.assertEqual(set(entries) - set(messages), set(), "not used any more")
            for singular, entry in entries.items():
                with self.subTest(language=language, message=singular):
                    self.assertFalse(entry.fuzzy)
                    translations = self._translations(entry)
                    self.assertTrue(all(translations))
                    # "One" may say so in words; the plural has the number.
                    meant = entry.id if isinstance(entry.id, str) else entry.id[-1]
                    for translation in translations:
                        self.assertEqual(placeholders(translation), placeholders(meant))

    def test_computed_words_are_listed(self) -> None:
        for values, listed in (
            (TicketStatus, words.STATUSES),
            (Category, words.CATEGORIES),
        ):
            self.assertEqual({value.capitalize() for value in values}, set(listed))
        self.assertEqual(set(Role), set(words.ROLES))

    def test_templates_call_gettext_with_literals_only(self) -> None:
        """What _() returns is not escaped, so it must not be called with what people typed."""
        for path in SOURCE.rglob("*.html"):
            with self.subTest(template=path.name):
                self.assertEqual(re.findall(r"\b(?:_|gettext)\([^\"'].*", path.read_text()), [])

    def test_the_glossary_is_kept(self) -> None:
        rows = [
            [cell.strip() for cell in line.strip("|").split("|")]
            for line in CONTRIBUTING.partition("### Glossary")[2].splitlines()
            if line.startswith("| ") and "---" not in line
        ][1:]
        self.assertGreater(len(rows), 20)
        chinese = [
            translation
            for entry in catalog("zh_Hans_CN")
            if entry.id
            for translation in self._translations(entry)
        ]
        for english, words_of_it, _, refused in rows:
            for word in words_of_it.split(", "):
                self.assertTrue(any(word in text for text in chinese), f"{english}: {word}")
            for word in filter(None, refused.split(", ")):
                self.assertEqual([text for text in chinese if word in text], [], english)

    def _singular(self, entry: Message) -> str:
        return str(entry.id if isinstance(entry.id, str) else entry.id[0])

    def _translations(self, entry: Message) -> list[str]:
        return [entry.string] if isinstance(entry.string, str) else list(entry.string or ())


class Choice(AppTestCase):
    async def test_the_browser_is_asked_what_it_prefers(self) -> None:
        browser = await self.client()
        for header, language, text in (
            ("zh-CN,zh;q=0.9,en;q=0.8", "zh-CN", "登录 / 注册"),
            ("zh-TW", "zh-CN", "登录 / 注册"),
            ("fr, zh;q=0.5", "zh-CN", "登录 / 注册"),
            ("en-GB,zh;q=0.9", "en", "Log in / Register"),
            ("en;q=0.1, zh;q=0.9", "zh-CN", "登录 / 注册"),
            ("fr", "en", "Log in / Register"),
            ("", "en", "Log in / Register"),
            (";;q=x,,*", "en", "Log in / Register"),
        ):
            page = await browser.get("/login", headers={"Accept-Language": header})
            self.assertIn(f'<html lang="{language}">', page.text)
            self.assertIn(text, page.text)

    async def test_the_switch_wins_and_lasts(self) -> None:
        user = await self.new_employee()
        browser = await self.client(**{"Accept-Language": "en"})
        answer = await browser.post(
            "/language", data={"language": "zh_Hans_CN", "next": "/login?next=/tickets"}
        )
        self.assertEqual(answer.headers["location"], "/login?next=/tickets")
        self.assertIn("登录 / 注册", (await browser.get("/login")).text)
        await browser.post("/login", data={"email": user.email, "password": PASSWORD})
        self.assertIn("我的报销单", (await browser.get("/tickets")).text)
        await browser.post("/logout")
        self.assertIn("您已退出登录", (await browser.get("/login")).text)
        await browser.post("/language", data={"language": "en"})
        self.assertIn("Log in / Register", (await browser.get("/login")).text)
        page = await browser.post("/language", data={"language": "tlh"})
        self.assertEqual(page.status_code, 422)

    async def test_what_people_typed_is_escaped_in_sentences(self) -> None:
        ada, dana = await self.new_employee("<b>100% Ada</b>"), await self.new_employer()
        browser = await self.browser_of(dana)
        await browser.post(f"/admin/employee/{ada.id}/suspend")
        page = await browser.post(f"/admin/employee/{ada.id}/suspend", follow_redirects=True)
        self.assertIn("&lt;b&gt;100% Ada&lt;/b&gt;", page.text)
        self.assertNotIn("<b>", page.text)

    async def test_pages_speak_it_throughout(self) -> None:
        ada, dana = await self.new_employee("Ada"), await self.new_employer("Dana")
        ticket = await self.new_ticket(ada, amount="1234.50", spent_on="2026-01-02")
        await self.new_ticket(ada)
        await self.deny(ticket, by=dana, reason="No receipt")
        chinese = {"Accept-Language": "zh-CN"}
        hers, theirs = await self.browser_of(ada), await self.browser_of(dana)
        page = await hers.get("/tickets", headers=chinese)
        for text in ("2026年1月2日", "US$1,234.50", "已驳回", "待处理", "餐饮"):
            self.assertIn(text, page.text)
        page = await theirs.get("/admin/ticket/list?status=all", headers=chinese)
        for text in ("2 张报销单", "批准", "员工", "概览"):
            self.assertIn(text, page.text)
        page = await theirs.post(f"/admin/ticket/{ticket}/approve", headers=chinese)
        self.assertIn(f"报销单 {ticket} 已由 Dana 驳回：No receipt", page.text)
        page = await theirs.post(f"/admin/ticket/{ticket}/deny", headers=chinese)
        self.assertIn("必填。", page.text)
        page = await hers.post("/tickets/1", headers=chinese, data={"links": "x" * 1_100_000})
        self.assertIn("最多可发送 1 MB。", page.text)
        page = await hers.get("/admin/", headers=chinese)
        self.assertIn("管理后台仅供雇主使用", page.text)
        english = await theirs.get(
            "/admin/ticket/list?status=all", headers={"Accept-Language": "en"}
        )
        self.assertIn("2 tickets", english.text)
