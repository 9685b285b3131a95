"""Amounts as people type them."""

import unittest

from expenses.i18n.amounts import read_amount


class ReadAmount(unittest.TestCase):
    def test_what_people_type(self) -> None:
        for typed, plain in (
            ("12", "12"),
            ("12.50", "12.50"),
            ("12,50", "12.50"),
            (" 12,5 ", "12.5"),
            ("+12.50", "12.50"),
            ("12.", "12"),
            (",5", "0.5"),
            ("0,125", "0.125"),
            ("1200", "1200"),
            ("1 200", "1200"),
            ("1\N{NO-BREAK SPACE}200,50", "1200.50"),
            ("1\N{NARROW NO-BREAK SPACE}234\N{NARROW NO-BREAK SPACE}567", "1234567"),
            ("1'200.50", "1200.50"),
            ("1\N{RIGHT SINGLE QUOTATION MARK}200", "1200"),
            ("1,200.50", "1200.50"),
            ("1.200,50", "1200.50"),
            ("1,200,300", "1200300"),
            ("1.200.300,5", "1200300.5"),
            ("1,23,456.50", "123456.50"),
            ("１２．５０", "12.50"),  # noqa: RUF001
            ("12，5", "12.5"),
            ("١٢", "12"),
            ("0", "0"),
            ("12.345678", "12.345678"),
            ("1234,567", "1234.567"),
        ):
            with self.subTest(typed=typed):
                self.assertEqual(read_amount(typed, "USD"), (plain, "USD"))

    def test_a_sign_that_fits_the_currency_is_read(self) -> None:
        for typed, currency, plain in (
            ("$12.50", "USD", "12.50"),
            ("$12.50", "CAD", "12.50"),
            ("CA$12.50", "CAD", "12.50"),
            ("€ 110.7", "EUR", "110.7"),
            ("1.200,50 €", "EUR", "1200.50"),
            ("¥1,234.50", "CNY", "1234.50"),
            ("￥1,234.50", "CNY", "1234.50"),
            ("20元", "CNY", "20"),
            ("USD 12", "USD", "12"),
            ("12 usd", "USD", "12"),
            ("ＵＳＤ 12", "USD", "12"),  # noqa: RUF001
        ):
            with self.subTest(typed=typed):
                self.assertEqual(read_amount(typed, currency), (plain, currency))

    def test_a_sign_says_the_currency_where_there_is_none(self) -> None:
        for typed, currency in (
            ("€5", "EUR"),
            ("5 CHF", "CHF"),
            ("円5", "JPY"),
            ("CA$5", "CAD"),
            ("5", ""),
        ):
            with self.subTest(typed=typed):
                self.assertEqual(read_amount(typed, ""), ("5", currency))

    def test_a_sign_of_another_currency_is_refused(self) -> None:
        for typed, currency in (("€5", "USD"), ("$5", "EUR"), ("5 GBP", "EUR"), ("¥5", "USD")):
            with (
                self.subTest(typed=typed),
                self.assertRaisesRegex(ValueError, f"does not fit the currency {currency}"),
            ):
                read_amount(typed, currency)
        with self.assertRaisesRegex(ValueError, "“XYZ” is not a currency"):
            read_amount("XYZ 5", "USD")

    def test_negative_amounts_are_no_tickets(self) -> None:
        for typed in ("-1", "-1,50", "12,50-", "(45.00)", "\N{MINUS SIGN}5", "-$5", "($5.00)"):
            with (
                self.subTest(typed=typed),
                self.assertRaisesRegex(ValueError, "money you spent"),
            ):
                read_amount(typed, "USD")

    def test_what_can_be_read_in_two_ways_is_asked_about(self) -> None:
        for typed in ("1,200", "1.200", "12,345", "999.999", "$1,200"):
            with (
                self.subTest(typed=typed),
                self.assertRaisesRegex(ValueError, "two amounts. Write 1200"),
            ):
                read_amount(typed, "USD")

    def test_decimals_of_the_currency_settle_it(self) -> None:
        for typed, currency, plain in (
            ("1,200", "JPY", "1200"),
            ("1.200", "JPY", "1200"),
            ("12.345", "KWD", "12.345"),
        ):
            with self.subTest(typed=typed):
                self.assertEqual(read_amount(typed, currency), (plain, currency))
        with self.assertRaisesRegex(ValueError, "two amounts"):
            read_amount("12,345", "KWD")

    def test_what_is_no_amount(self) -> None:
        for typed in (
            *("", " ", ".", "a lot", "12 50", "1 200 50", "1,200,30", "1,2,3"),
            *("1.200.50", "1,200.300,5", "1e3", "1_000", "0x10", "NaN", "Infinity", "12\n50"),
            *("--1x", "9" * 50 + "x", "125¹", "½", "1½", "①", "12²"),
        ):
            with self.subTest(typed=typed), self.assertRaises(ValueError) as refused:
                read_amount(typed, "USD")
            self.assertRegex(str(refused.exception), "Use a number such as 12.50")
