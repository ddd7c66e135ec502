"""Processes that are gone when the test is, a small HTTP client, waiting for conditions."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class Failure(Exception):
    """Something a person should read; no traceback."""


def check(condition, words):
    if not condition:
        raise Failure(words)


def until(what, condition, seconds=60, pause=0.1):
    """Waits until `condition()` is true and gives what it gave."""
    deadline = time.monotonic() + seconds
    last = None
    while time.monotonic() < deadline:
        try:
            found = condition()
            if found:
                return found
        except (OSError, http.client.HTTPException, ValueError) as error:
            last = error
        time.sleep(pause)
    raise Failure(f"not within {seconds} s: {what}" + (f" ({last})" if last else ""))


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)


class Http:
    """Calls to one port of loopback."""

    def __init__(self, port, headers=None):
        self.port, self.headers = port, headers or {}

    def call(self, method, path, body=None, headers=None, timeout=60):
        if isinstance(body, (dict, list)):
            body, headers = json.dumps(body), {"Content-Type": "application/json", **(headers or {})}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            # The path as it is: http.client cleans nothing, and tests send unclean ones.
            connection.putrequest(method, path, skip_accept_encoding=True)
            payload = body.encode() if isinstance(body, str) else body
            for name, value in {**self.headers, **(headers or {})}.items():
                connection.putheader(name, value)
            if payload is not None or method in ("POST", "PUT", "PATCH"):
                connection.putheader("Content-Length", str(len(payload or b"")))
            connection.endheaders(payload)
            found = connection.getresponse()
            return Answer(found.status, found.headers, found.read())
        finally:
            connection.close()

    def get(self, path, **more):
        return self.call("GET", path, **more)

    def upload(self, path, file, fields):
        boundary = "quittance-deploy-test"
        parts = [f'--{boundary}\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n'.encode() for k, v in fields.items()]
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="image"; filename="{file.name}"\r\nContent-Type: application/octet-stream\r\n\r\n'
        body = b"".join(parts) + head.encode() + file.read_bytes() + f"\r\n--{boundary}--\r\n".encode()
        return self.call("POST", path, body, {"Content-Type": f"multipart/form-data; boundary={boundary}"})


class Ground:
    """The processes of a test; leaving it ends them, and shows their last words when the test failed."""

    def __init__(self, folder):
        self.folder, self.running = folder, []
        # Ended from outside, it leaves nothing behind either.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))

    def start(self, name, command, environment=None, stdin=None):
        clean = {k: os.environ[k] for k in ("PATH", "HOME", "ORT_DYLIB_PATH", "LD_LIBRARY_PATH", "TMPDIR") if k in os.environ}
        with open(self.folder / f"{name}.log", "ab") as log:
            process = subprocess.Popen(
                [str(word) for word in command],
                env={**clean, **(environment or {})},
                stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        if stdin:
            process.stdin.write(stdin.encode())
            process.stdin.close()
        self.running.append((name, process))
        return process

    def tail(self, name, lines=8):
        return "\n".join((self.folder / f"{name}.log").read_text(errors="replace").splitlines()[-lines:])

    def died(self):
        return [name for name, process in self.running if process.poll() not in (None, 0, -9)]

    def stop(self, failed):
        # The last that came goes first; PostgreSQL takes its children along on SIGINT.
        for name, process in reversed(self.running):
            if process.poll() is None:
                process.send_signal(2 if name == "postgres" else 15)
                try:
                    process.wait(15)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
        if failed:
            for name in dict.fromkeys(name for name, _ in self.running):
                print(f"--- last words of {name} ---\n{self.tail(name)}")
