"""Findings, in words for the operator."""

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
        """Return a line, and a second one with the way to fix a warning or problem."""
        line = f"{self.state:8} {self.subject}: {_in_a_line(self.sentence)}"
        return line if self.remedy is None else f"{line}\n{'':8} -> {_in_a_line(self.remedy)}"


def ok(subject: str, sentence: str) -> Finding:
    return Finding("ok", subject, sentence)


def warning(subject: str, sentence: str, remedy: str) -> Finding:
    return Finding("warning", subject, sentence, remedy)


def problem(subject: str, sentence: str, remedy: str) -> Finding:
    return Finding("problem", subject, sentence, remedy)


def unreachable(subject: str, error: OSError, where: str) -> Finding:
    """Explain why a connection could not be made."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return problem(
            subject,
            f"{where} presents a certificate that is not trusted ({error.verify_message}).",
            "Give it a certificate for this name from a trusted authority, or set "
            "SSL_CERT_FILE to a file with its authority.",
        )
    if isinstance(error, ssl.SSLError):
        return problem(
            subject,
            f"{where} does not speak TLS, or only a version that is not supported here.",
            "Check that the port is the one for TLS.",
        )
    if isinstance(error, socket.gaierror):
        return problem(
            subject,
            f"the host name of {where} cannot be resolved.",
            "Check the name, and this machine's name resolution.",
        )
    # A name with several addresses gives one error for all of them.
    if isinstance(error, ConnectionRefusedError) or "Connect call failed" in str(error):
        return problem(
            subject,
            f"nothing is listening at {where}.",
            "Start it, or correct the address.",
        )
    if isinstance(error, TimeoutError):
        return problem(
            subject,
            f"{where} does not answer.",
            "Check the address, and whether a firewall is in the way.",
        )
    return problem(
        subject,
        f"{where} cannot be reached ({error.strerror or type(error).__name__}).",
        "Check the address, and whether the other side is running.",
    )


def _in_a_line(text: str) -> str:
    """Keep text of other servers from moving the cursor."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
