"""Runs test classes side by side, in as many processes as there are processors."""

import multiprocessing
import os
import unittest
from collections.abc import Iterator
from multiprocessing.connection import Connection, wait
from typing import Any, cast

_CONTEXT = multiprocessing.get_context("fork")


class ParallelSuite(unittest.TestSuite):
    """With one processor, or to debug, an ordinary suite."""

    def run(self, result: unittest.TestResult, debug: bool = False) -> unittest.TestResult:
        processes = len(os.sched_getaffinity(0))
        if debug or processes == 1:
            return super().run(result, debug)
        classes = list(_classes_in(self))
        following = _CONTEXT.Value("i", 0)
        workers = {}
        for _ in range(processes):
            receiver, sender = _CONTEXT.Pipe(duplex=False)
            worker = _CONTEXT.Process(target=_work, args=(classes, following, sender))
            worker.start()
            sender.close()
            workers[receiver] = worker
        while workers and not result.shouldStop:
            for ready in wait(list(workers)):
                receiver = cast(Connection, ready)
                try:
                    _replay(receiver.recv(), result)
                except EOFError:
                    worker = workers.pop(receiver)
                    worker.join()
                    if worker.exitcode:
                        _replay(("addError", "tests", f"Status {worker.exitcode}."), result)
        for worker in workers.values():
            worker.terminate()
        return result


class RemoteError(Exception):
    """An error in another process, as its traceback told it."""


class RemoteTest(unittest.TestCase):
    """A test that another process has run, or something that failed around one."""

    def __init__(self, name: str) -> None:
        super().__init__("runTest")
        self.name = name

    def runTest(self) -> None:
        raise NotImplementedError

    def __str__(self) -> str:
        return self.name


class _Sending(unittest.TestResult):
    """Sends to the first process what becomes of each test."""

    def __init__(self, sender: Connection) -> None:
        super().__init__()
        self._sender = sender

    def startTest(self, test: Any) -> None:
        super().startTest(test)
        self._send("startTest", test)

    def stopTest(self, test: Any) -> None:
        super().stopTest(test)
        self._send("stopTest", test)

    def addSuccess(self, test: Any) -> None:
        self._send("addSuccess", test)

    def addSkip(self, test: Any, reason: str) -> None:
        self._send("addSkip", test, reason)

    def addError(self, test: Any, err: Any) -> None:
        super().addError(test, err)
        self._send("addError", test, self.errors.pop()[1])

    def addFailure(self, test: Any, err: Any) -> None:
        super().addFailure(test, err)
        self._send("addFailure", test, self.failures.pop()[1])

    def addSubTest(self, test: Any, subtest: Any, err: Any) -> None:
        if err is not None:
            is_failure = issubclass(err[0], test.failureException)
            (self.addFailure if is_failure else self.addError)(subtest, err)

    def _send(self, event: str, test: Any, text: str | None = None) -> None:
        self._sender.send((event, str(test), text))


def _classes_in(suite: unittest.TestSuite) -> Iterator[unittest.TestSuite]:
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            if any(isinstance(part, unittest.TestCase) for part in item):
                yield item
            else:
                yield from _classes_in(item)
        else:
            yield unittest.TestSuite([item])


def _work(classes: list[unittest.TestSuite], following: Any, sender: Connection) -> None:
    result = _Sending(sender)
    while True:
        with following:
            number = following.value
            following.value += 1
        if number >= len(classes):
            sender.close()
            return
        # A suite ends what its last class has set up only around a whole run.
        unittest.TestSuite([classes[number]]).run(result)


def _replay(message: tuple[str, str, str | None], result: unittest.TestResult) -> None:
    event, name, text = message
    test = RemoteTest(name)
    if event in {"addError", "addFailure"}:
        getattr(result, event)(test, (RemoteError, RemoteError(f"\n{text}"), None))
    elif text is not None:
        getattr(result, event)(test, text)
    else:
        getattr(result, event)(test)
