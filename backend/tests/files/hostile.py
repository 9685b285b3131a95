"""Reads nothing, and does what its argument says instead, as a hostile file would make it do."""

import os
import sys

from expenses.files import worker


def read(content: bytes) -> object:
    match sys.argv[1]:
        case "loops":
            while True:
                pass
        case "takes all memory":
            return bytes(2 * worker.MAX_MEMORY).hex()
        case "crashes":
            os.abort()
        case "has a bug":
            raise KeyError("nothing")
        case "refuses":
            raise worker.Unreadable("other")
    return [content.decode(), sorted(os.environ)]


if __name__ == "__main__":
    worker.MAX_SECONDS = 1
    worker.answer(read)
