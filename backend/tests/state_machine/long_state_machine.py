"""The state machine for longer.

With `STATE_MACHINE_EXAMPLES`, which says how many, it is different each time.
"""

import os

from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from tests.harness import TestCase
from tests.state_machine.test_state_machine import SHORT, ExpensesMachine

EXAMPLES = os.environ.get("STATE_MACHINE_EXAMPLES")


class StateMachine(TestCase):
    def test_whatever_people_do_everybody_sees_what_they_should(self) -> None:
        longer = settings(
            SHORT,
            max_examples=int(EXAMPLES or 20),
            stateful_step_count=40,
            derandomize=EXAMPLES is None,
        )
        run_state_machine_as_test(ExpensesMachine, settings=longer)
