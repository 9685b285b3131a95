"""A check that the webhook's receiver is listening. Nothing is posted."""

import asyncio
import ssl
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx
from pydantic import HttpUrl

from expenses.observability.doctor.findings import Finding, ok, unreachable

_SUBJECT = "webhook"


async def check_webhook(address: HttpUrl) -> list[Finding]:
    """Connect to the receiver, and name only its host and port: the path may be a secret."""
    host, port = (address.host or "").strip("[]"), address.port or 443
    proxy = None if proxy_bypass(host) else getproxies().get(address.scheme)
    if proxy is not None:
        return [await _knock_at_proxy(proxy, f"{host}:{port}")]
    context = httpx.create_ssl_context() if address.scheme == "https" else None
    return [await _knock(host, port, context)]


async def _knock(host: str, port: int, context: ssl.SSLContext | None) -> Finding:
    where = f"{host}:{port}"
    try:
        await _connect(host, port, context)
    except OSError as error:
        return unreachable(_SUBJECT, error, where)
    shown = " and presents a trusted certificate" if context is not None else ""
    return ok(_SUBJECT, f"{where} listens{shown}. Nothing was posted.")


async def _knock_at_proxy(proxy: str, where: str) -> Finding:
    parts = urlsplit(proxy)
    host, port = parts.hostname or "", parts.port or 80
    try:
        await _connect(host, port, None)
    except OSError as error:
        return unreachable(_SUBJECT, error, f"the proxy {host}:{port} that the environment names")
    return ok(
        _SUBJECT,
        f"{where} is reached through the proxy {host}:{port}, which is listening. Whether the "
        "receiver is listening cannot be seen from here.",
    )


async def _connect(host: str, port: int, context: ssl.SSLContext | None) -> None:
    _, writer = await asyncio.open_connection(host, port, ssl=context)
    # Without TLS's closing handshake, which some servers delay.
    writer.transport.abort()
