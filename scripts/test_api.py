#!/usr/bin/env python3
"""Starts a server of its own and lets Schemathesis hold it against its OpenAPI document: whatever the document allows is
accepted, whatever it forbids is refused, every answer has the documented shape, nothing is a server error. What is asked
and what is left out is in schemathesis.toml. Ends with 0 when nothing was found. Standard library only.
"""

import argparse
import hashlib
import http.client
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
START = 60


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def settings(folder, key):
    """The surroundings without anybody's settings: rates unlimited, one key that may do everything."""
    entry = f"{{name: tester, sha256: {hashlib.sha256(key.encode()).hexdigest()}, client: shop, scopes: [client, admin]}}"
    own = ("QUITTANCE_", "DATABASE_", "REDIS_")
    kept = "QUITTANCE_PROCESSING_MODELS_DIR"
    inherited = {name: value for name, value in os.environ.items() if name == kept or not name.startswith(own)}
    return inherited | {
        "QUITTANCE_KEYS": f"[{entry}]",
        "QUITTANCE_LIMITS_UPLOADS_PER_MINUTE": "0",
        "QUITTANCE_LOG_LEVEL": "warn",
        "QUITTANCE_DATA_DIR": str(folder / "data"),
    }


def wait(server, port):
    until = time.monotonic() + START
    while time.monotonic() < until:
        if server.poll() is not None:
            return False
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/health")
            if connection.getresponse().status == 200:
                return True
        except OSError:
            pass
        time.sleep(0.1)
    return False


class Client:
    """Calls with the key, each of which must succeed."""

    def __init__(self, port, key):
        self.port, self.key = port, key

    def call(self, method, path, body=None, content_type="application/json"):
        if isinstance(body, dict):
            body = json.dumps(body).encode()
        headers = {"X-API-Key": self.key} | ({"Content-Type": content_type} if body else {})
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        text = answer.read()
        if answer.status >= 300:
            raise SystemExit(f"test-api: {method} {path}: {answer.status} {text.decode(errors='replace')}")
        return json.loads(text)

    def upload(self, path, field, name, data, **fields):
        """A form with one file."""
        edge = secrets.token_hex(16)
        part = f'--{edge}\r\nContent-Disposition: form-data; name="{{}}"{{}}\r\n\r\n'
        body = b"".join(part.format(n, "").encode() + v.encode() + b"\r\n" for n, v in fields.items())
        body += part.format(field, f'; filename="{name}"').encode() + data + f"\r\n--{edge}--\r\n".encode()
        return self.call("POST", path, body, f"multipart/form-data; boundary={edge}")["data"]

    def until(self, path, field, wanted):
        until = time.monotonic() + START
        while self.call("GET", path)["data"][field] != wanted:
            if time.monotonic() > until:
                raise SystemExit(f"test-api: {path} does not become {wanted}")
            time.sleep(0.1)


def ground(client):
    """One of each kind of thing, for calls about one thing; ids by the path's beginning and the parameter's name."""
    slip = (ROOT / "tests/fixtures/slip.png").read_bytes()
    receipt = client.upload("/api/v1/receipts/analyze", "image", "slip.png", slip)["requestId"]
    client.until(f"/api/v1/receipts/{receipt}/status", "status", "completed")
    change = {"fields": {"merchantName": "Chez Zoé"}}
    corrected = client.call("PATCH", f"/api/v1/receipts/{receipt}/fields", change)
    correction = corrected["data"]["data"]["corrections"][0]["id"]
    statement = "date;libellé;montant\n2026-01-05;CARTE CHEZ ZOE;-12,50\n2026-01-07;VIREMENT SALAIRE;1 850,00\n".encode()
    fields = {"userId": "marie", "currency": "EUR", "account": "courant"}
    workflow = client.upload("/api/v1/workflows", "document", "releve.csv", statement, **fields)["workflowId"]
    client.until(f"/api/v1/workflows/{workflow}", "state", "COMPLETED")
    user = "/api/v1/users/marie"
    transaction = client.call("GET", f"{user}/transactions")["data"]["transactions"][0]["id"]
    rule = {"name": "Zoé", "when": {"labelContains": "zoe"}, "then": {"category": "gifts"}}
    rule = client.call("POST", f"{user}/rules", rule)["data"]["id"]
    hook = client.call("POST", "/api/v1/webhooks", {"url": "https://example.com/hook"})["data"]["id"]
    basket = {
        "store_id": 1, "customer_id": 1, "items": [{"product_id": 1, "quantity": 1, "price": 9.5}],
        "payment_method": "card", "amount": 9.5,
    }
    saga = client.call("POST", "/api/v1/sagas", {"type": "purchase_saga", "data": basket})["saga"]["id"]
    return {
        "/api/v1/receipts/ id": receipt,
        "/api/v1/receipts/ correctionId": correction,
        "/api/v1/workflows/ id": workflow,
        "/api/v1/users/{userId}/transactions/ id": transaction,
        "/api/v1/users/{userId}/rules/ ruleId": rule,
        "/api/v1/webhooks/ id": hook,
        "/api/v1/sagas/ id": saga,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--schemathesis", required=True)
    parser.add_argument("--seconds", type=int, default=420, help="longest time for all of it (%(default)s)")
    parser.add_argument("rest", nargs="*", help="further words for `schemathesis run`")
    options = parser.parse_args()
    folder, port, key = Path(tempfile.mkdtemp(prefix="quittance-api-")), free_port(), secrets.token_hex(16)
    log = (folder / "server.log").open("w")
    server = subprocess.Popen(
        [options.binary, "serve", "--port", str(port)], env=settings(folder, key), stdout=log, stderr=log
    )
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    found = 1
    try:
        if not wait(server, port):
            print("test-api: the server did not start", file=sys.stderr)
            return 1
        command = [str(Path(options.schemathesis).absolute()), "--config-file", str(HERE / "schemathesis.toml"), "run"]
        command += [f"http://127.0.0.1:{port}/api-docs/openapi.json", "-H", f"X-API-Key: {key}", *options.rest]
        ids = ground(Client(port, key))
        surroundings = os.environ | {
            "SCHEMATHESIS_HOOKS": "schemathesis_hooks",
            "PYTHONPATH": str(HERE),
            "QUITTANCE_TEST_IDS": json.dumps(ids),
        }
        found = subprocess.run(command, cwd=folder, env=surroundings, timeout=options.seconds, check=False).returncode
        if server.poll() is not None:
            print(f"test-api: the server ended by itself ({server.returncode})", file=sys.stderr)
            found = 1
    except subprocess.TimeoutExpired:
        print(f"test-api: not through after {options.seconds} s", file=sys.stderr)
    finally:
        server.terminate()
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
        log.close()
        if found:
            lines = (folder / "server.log").read_text().splitlines()
            errors = [line for line in lines if "ERROR" in line or "panicked" in line]
            print("\n".join(["--- the server's errors and last lines", *errors[-20:], *lines[-10:]]), file=sys.stderr)
        shutil.rmtree(folder, ignore_errors=True)
    return found


if __name__ == "__main__":
    sys.exit(main())
