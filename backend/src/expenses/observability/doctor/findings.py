"""What was found, in words for whoever runs the server."""

import socket
import ssl
from typing import Literal, NamedTuple

State = Literal["ok", "warning", "problem"]


class Finding(NamedTuple):
    state: State
    subject: str
    sentence: str
    remedy: str | None = None

    def __str__(self) -> str:
        """A line, and where something is to be mended a second one that says how."""
        line = f"{self.state:8} {self.subject}: {_in_a_line(self.sentence)}"
        return line if self.remedy is None else f"{line}\n{'':8} -> {_in_a_line(self.remedy)}"


def ok(subject: str, sentence: str) -> Finding:
    return Finding("ok", subject, sentence)


def warning(subject: str, sentence: str, remedy: str) -> Finding:
    return Finding("warning", subject, sentence, remedy)


def problem(subject: str, sentence: str, remedy: str) -> Finding:
    return Finding("problem", subject, sentence, remedy)


def unreachable(subject: str, error: OSError, where: str) -> Finding:
    """What keeps a connection from being made."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return problem(
            subject,
            f"{where} shows a certificate that is not trusted ({error.verify_message}).",
            "Give it one for this name from an authority that is known here, or set "
            "SSL_CERT_FILE to the file with its authority.",
        )
    if isinstance(error, ssl.SSLError):
        return problem(
            subject,
            f"{where} does not speak TLS, or not a version of it that is known here.",
            "See whether the port is the one for TLS.",
        )
    if isinstance(error, socket.gaierror):
        return problem(
            subject,
            f"nobody knows the name of {where}.",
            "See whether the name is right, and whether this machine can look names up.",
        )
    # The name's several addresses are tried one after the other, and told of in one text.
    if isinstance(error, ConnectionRefusedError) or "Connect call failed" in str(error):
        return problem(
            subject,
            f"nobody listens at {where}.",
            "Start it, or set the address to where it listens.",
        )
    if isinstance(error, TimeoutError):
        return problem(
            subject,
            f"{where} does not answer.",
            "See whether the address is right, and whether a firewall stands between.",
        )
    return problem(
        subject,
        f"{where} cannot be reached ({error.strerror or type(error).__name__}).",
        "See whether the address is right and the other side runs.",
    )


def _in_a_line(text: str) -> str:
    """Other sides' words are in it, too: not one of theirs moves the cursor."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
