"""What nginx answers by itself looks as if the API had: shape, language, headers."""

import http.client
import itertools
import json
import socket

from .ground import Answer, Http, check

# Those of the API's own answers that belong to no single answer.
ALIKE = (
    "Content-Type", "Vary", "X-Content-Type-Options", "X-Frame-Options", "Cross-Origin-Resource-Policy", "Referrer-Policy",
    "Content-Security-Policy", "Cache-Control",
)  # fmt: skip
# What browsers and programs send, and what is rare.
LANGUAGES = (
    None, "", "en", "EN-us", "fr", "fr-CA,fr;q=0.9,en;q=0.8", "en-US,en;q=0.9", "en-US,en;q=0.9,fr;q=0.8", "de, en;q=0.5", "de-DE,de;q=0.9,en-US;q=0.8,en;q=0.7",
    "de-DE,de;q=0.9,en-US;q=0.8,en;q=0.7,fr;q=0.6", "de,fr;q=0.8,en;q=0.6", "fr;q=0.5, en", "en;q=0.5, fr", "*", "en, *", "*, en", "en;q=0.8, *;q=0.1", "de, *;q=0.5, en;q=0.5",
    "en;q=0", "de, en;q=0.0", "fr;q=0, en;q=0.3", "en;q=1.0, fr;q=1.0", "fr;q=1.0, en", "frr, en;q=0.1", "enm", "de", "x;q=,,en", "en;level=1", "es , en ; q=0.4",
)  # fmt: skip


def raw(port, text):
    """The answer to bytes that no client library sends."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as s:
        s.sendall(text)
        found = http.client.HTTPResponse(s)
        found.begin()
        return Answer(found.status, found.headers, found.read())


def is_alike(what, answer, api):
    told = json.loads(answer.body)
    check(set(told) == set(api.json()), f"{what} has not the API's shape: {answer.body}")
    if "requestId" in told:
        check(told["requestId"] == answer.headers["X-Request-Id"], f"{what}: {told} under {answer.headers['X-Request-Id']}")
    for name in ALIKE:
        mine, theirs = (found.headers[name] for found in (answer, api))
        check(mine == theirs, f"{what}: {name} is {mine}, the API's {theirs}")
    check(answer.headers["Content-Language"] in ("fr", "en"), f"{what} does not say its language")


def refusals(gateway):
    """Everything that no replica sees."""
    api = gateway.get("/nothing")
    check(api.status == 404 and api.headers["X-Frame-Options"], f"the API's own 404: {api.status}")
    is_alike("/metrics", gateway.get("/metrics"), api)
    is_alike("/admin", gateway.get("/admin/queue"), api)
    is_alike("23 MiB", gateway.call("POST", "/api/v1/receipts/analyze", b"x" * (23 << 20), {"Content-Type": "multipart/form-data; boundary=x"}), api)
    host = b"Host: a\r\n\r\n"
    for what, text, status in (
        ("a line that is none", b"G@T / HTTP/1.1\r\n" + host, 400),
        ("an address without a slash", b"GET nothing HTTP/1.1\r\n" + host, 400),
        ("no host", b"GET / HTTP/1.1\r\n\r\n", 400),
        ("two hosts", b"GET / HTTP/1.1\r\nHost: b\r\n" + host, 400),
        ("too many headers", b"GET / HTTP/1.1\r\n" + b"".join(b"X-%d: %s\r\n" % (n, b"x" * 8000) for n in range(12)) + host, 431),
        ("a long address", b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\n" + host, 414),
        ("TRACE", b"TRACE / HTTP/1.1\r\n" + host, 405),
        ("a coding of bodies that is unknown", b"POST / HTTP/1.1\r\nTransfer-Encoding: x\r\n" + host, 501),
    ):
        answer = raw(gateway.port, text)
        check(answer.status == status, f"{what}: {answer.status}, not {status}")
        is_alike(what, answer, api)


def bare(gateway):
    """Sagas, orders and checkouts know no envelope; each root has its field."""
    for path in ("/api/v1/sagas", "/saga/order", "/api/commande/checkout"):
        # A key that is none, so that the API answers by itself too.
        api = Http(gateway.port, {"Authorization": "Bearer no"}).call("POST", path, {})
        check(api.status == 401, f"{path} without a key: {api.status}")
        answer = gateway.call("POST", path, b"x" * (23 << 20), {"Content-Type": "application/json"})
        check(answer.status == 413, f"{path} with 23 MiB: {answer.status}")
        is_alike(path, answer, api)


def languages(gateway):
    """The gateway answers in the language that the API would."""
    order = [",".join(ranges) for ranges in itertools.permutations(("de", "en;q=0.8", "fr;q=0.7"))]
    # Weights that do not fall from left to right, both below 1, are more than a pattern can compare.
    falling = [text for text in order if text.index("en") < text.index("fr")]
    for accepted in (*LANGUAGES, *falling):
        headers = {} if accepted is None else {"Accept-Language": accepted}
        mine, theirs = (gateway.get(path, headers=headers).headers["Content-Language"] for path in ("/metrics", "/nothing"))
        check(mine == theirs, f"Accept-Language: {accepted}: the gateway answers in {mine}, the API in {theirs}")
