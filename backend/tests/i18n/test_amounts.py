"""Amounts as people type them."""

import unittest

from expenses.i18n.amounts import plain_amount


class PlainAmount(unittest.TestCase):
    def test_what_people_type(self) -> None:
        for typed, plain in (
            ("12", "12"),
            ("12.50", "12.50"),
            ("12,50", "12.50"),
            (" 12,5 ", "12.5"),
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
            ("１２．５０", "12.50"),  # noqa: RUF001
            ("12，5", "12.5"),
            # The rules of amounts refuse these, in their own words.
            ("-1", "-1"),
            ("-1,50", "-1.50"),
            ("0", "0"),
            ("12.345678", "12.345678"),
            ("1234,567", "1234.567"),
        ):
            with self.subTest(typed=typed):
                self.assertEqual(plain_amount(typed), plain)

    def test_what_can_be_read_in_two_ways_is_asked_about(self) -> None:
        for typed in ("1,200", "1.200", "12,345", "999.999", "-1,200"):
            with (
                self.subTest(typed=typed),
                self.assertRaisesRegex(ValueError, "two things. Write 1200"),
            ):
                plain_amount(typed)

    def test_what_is_no_amount(self) -> None:
        for typed in (
            *("", " ", ".", "-", "a lot", "12 50", "1,20,000", "1 200 50", "1,200,30", "1,2,3"),
            *("1.200.50", "1,200.300,5", "1e3", "1_000", "0x10", "NaN", "Infinity", "12\n50"),
            *("12€", "--1", "9" * 50 + "x", "١٢"),
        ):
            with (
                self.subTest(typed=typed),
                self.assertRaisesRegex(ValueError, "Use a number such as 12.50"),
            ):
                plain_amount(typed)
