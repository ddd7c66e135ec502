#!/usr/bin/env python3
"""Starts a server of its own and lets Schemathesis hold it against its OpenAPI document: whatever the document allows is
accepted, whatever it forbids is refused, every answer has the documented shape, nothing is a server error. What is asked
and what is left out is in schemathesis.toml. Ends with 0 when nothing was found. Standard library only.
"""

import argparse
import hashlib
import http.client
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
        surroundings = os.environ | {"SCHEMATHESIS_HOOKS": "schemathesis_hooks", "PYTHONPATH": str(HERE)}
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
