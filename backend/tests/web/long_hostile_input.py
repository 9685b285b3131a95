"""Everything that nobody types, at every route."""

from tests.web import test_hostile_input
from tests.web.test_hostile_input import BODIES, HEADERS, VALUES


class Everywhere(test_hostile_input.Everywhere):
    values = VALUES
    values_alone = ("%00", "9" * 30, "bm9wZQ", "")
    bodies = BODIES
    headers = HEADERS
