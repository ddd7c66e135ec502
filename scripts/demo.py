#!/usr/bin/env python3
"""Starts a server of its own, uploads every document of a folder as a client would, follows each, prints what was read, stops.

Standard library only. The server runs on a free loopback port with a data folder of its own, and is stopped (SIGTERM) on every way
out: the end, an error, Ctrl-C.
"""

import argparse
import http.client
import json
import mimetypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from pathlib import Path

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".pdf"}
CLIENT = "demo"
API = "/api/v1/receipts"


class Failure(Exception):
    """Something a person should read; no traceback."""


class Api:
    """One HTTP client; every answer is JSON in the contract's envelope."""

    def __init__(self, port):
        self.port = port

    def call(self, method, path, body=None, headers=None, timeout=60):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        try:
            return answer.status, json.loads(text or b"null")
        except ValueError:
            return answer.status, {"error": {"message": text[:200].decode(errors="replace")}}

    def upload(self, path):
        boundary = uuid.uuid4().hex
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        fields = {"clientId": CLIENT, "metadata": json.dumps({"source": "demo", "priority": "normal"})}
        parts = [
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
            for name, value in fields.items()
        ]
        parts.append(
            f'--{boundary}\r\nContent-Disposition: form-data; name="image"; filename="{path.name}"\r\n'
            f"Content-Type: {kind}\r\n\r\n".encode()
        )
        parts += [path.read_bytes(), f"\r\n--{boundary}--\r\n".encode()]
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        status, answer = self.call("POST", f"{API}/analyze", b"".join(parts), headers)
        if status != 202:
            raise Failure(f"{path.name} was refused ({status}): {message(answer)}")
        return answer["data"]["requestId"]


def message(answer):
    return ((answer or {}).get("error") or {}).get("message", "no message")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    """`quittance serve` as a child process."""

    def __init__(self, binary, data_dir, settings=None):
        self.port = free_port()
        self.log = data_dir / "server.log"
        environment = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "REDIS_URL", "DB_HOST", "REDIS_HOST")}
        environment.update(PORT=str(self.port), QUITTANCE_DATA_DIR=str(data_dir), **(settings or {}))
        with open(self.log, "wb") as log:
            # A session of its own, so that Ctrl-C reaches only this script, which then stops the server properly.
            self.process = subprocess.Popen(
                [binary, "serve"], env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    def wait_ready(self, seconds):
        deadline = time.monotonic() + seconds
        api = Api(self.port)
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise Failure(f"the server ended with code {self.process.returncode}; its last words:\n{self.tail()}")
            try:
                if api.call("GET", "/health/ready", timeout=2)[0] == 200:
                    return api
            except OSError:
                pass
            time.sleep(0.05)
        raise Failure(f"the server was not ready within {seconds} s; its last words:\n{self.tail()}")

    def tail(self):
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])

    def stop(self):
        # A second Ctrl-C must not leave the server behind.
        for impatient in (signal.SIGINT, signal.SIGTERM):
            signal.signal(impatient, signal.SIG_IGN)
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(40)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        return self.process.returncode


class Board:
    """One progress bar a document; redrawn in place on a terminal, printed at every change elsewhere."""

    def __init__(self, names):
        self.names = names
        self.width = max(map(len, names))
        self.live = sys.stdout.isatty()
        self.lines = {}
        self.drawn = False

    def show(self, name, progress, text):
        filled = round(progress * 30 / 100)
        bar = "█" * filled + "░" * (30 - filled)
        line = f"  {name:<{self.width}}  {bar} {progress:3d} %  {text}"
        if self.lines.get(name) == line:
            return
        self.lines[name] = line
        if not self.live:
            print(line, flush=True)
            return
        if self.drawn:
            sys.stdout.write(f"\x1b[{len(self.names)}A")
        for n in self.names:
            columns = shutil.get_terminal_size().columns
            sys.stdout.write("\x1b[2K" + self.lines.get(n, f"  {n}")[: columns - 1] + "\n")
        sys.stdout.flush()
        self.drawn = True


def follow(api, jobs, limit):
    """Polls until every job has ended; gives name → final status."""
    board = Board([path.name for path in jobs.values()])
    ended, deadline = {}, time.monotonic() + limit
    while len(ended) < len(jobs):
        if time.monotonic() > deadline:
            raise Failure(f"not all documents were read within {limit} s")
        for request, path in jobs.items():
            if path.name in ended:
                continue
            status, answer = api.call("GET", f"{API}/{request}/status")
            if status != 200:
                raise Failure(f"status of {path.name} ({status}): {message(answer)}")
            data = answer["data"]
            board.show(path.name, int(data["progress"]), data.get("message", data["status"]))
            if data["status"] in ("completed", "failed"):
                ended[path.name] = data["status"]
        time.sleep(0.1)
    return ended


def row(name, result):
    """File, merchant, date, total, confidence; a dash for what is not on the receipt or was not sure enough."""
    fields = result.get("extractedFields", {})
    value = lambda key: (fields.get(key) or {}).get("value")
    total, known = fields.get("totalAmount") or {}, [fields[k] for k in ("merchantName", "date", "totalAmount") if fields.get(k)]
    amount = f"{total['value']:.2f} {total.get('currency') or ''}".strip() if total.get("value") is not None else "-"
    confidence = f"{min(f['confidence'] for f in known):.2f}" if known else "-"
    return [name, value("merchantName") or "-", value("date") or "-", amount, confidence]


def table(rows):
    head = ["file", "merchant", "date", "total", "confidence"]
    widths = [max(len(r[i]) for r in [head, *rows]) for i in range(len(head))]
    for r in [head, ["-" * w for w in widths], *rows]:
        print("  " + "  ".join(cell.rjust(w) if i >= 3 else cell.ljust(w) for i, (cell, w) in enumerate(zip(r, widths))))


def run(options):
    files = sorted(p for p in options.folder.iterdir() if p.suffix.lower() in SUFFIXES)
    if not files:
        raise Failure(f"no image or PDF in {options.folder}")
    if not os.access(options.binary, os.X_OK):
        raise Failure(f"{options.binary} is not built; use `make demo`")
    options.data.mkdir(parents=True, exist_ok=True)
    results = options.data / "results"
    results.mkdir(exist_ok=True)

    server = Server(options.binary, options.data.resolve())
    code = None
    try:
        api = server.wait_ready(60)
        print(f"Server ready on http://127.0.0.1:{server.port} (SQLite in {options.data}, log in {server.log})\n")
        jobs = {api.upload(path): path for path in files}
        ended = follow(api, jobs, options.limit)
        rows, failures = [], []
        for request, path in jobs.items():
            status, answer = api.call("GET", f"{API}/{request}/result")
            if status != 200:
                failures.append(f"{path.name}: {message(answer)}")
                continue
            (results / f"{path.name}.json").write_text(json.dumps(answer["data"], ensure_ascii=False, indent=2) + "\n")
            rows.append(row(path.name, answer["data"]["data"]))
        print()
        table(rows)
        print(f"\nThe whole results as JSON: {results}/")
    finally:
        code = server.stop()
    if code != 0:
        raise Failure(f"the server did not stop cleanly (code {code}); its last words:\n{server.tail()}")
    print("Server stopped. Next: `make run`, then try the curl lines that it prints.")
    if failures or len(ended) != len(files):
        raise Failure("\n".join(failures))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=Path("samples"))
    parser.add_argument("--binary", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=Path("data/demo"))
    parser.add_argument("--limit", type=int, default=300, help="seconds for all documents together")
    options = parser.parse_args()
    # SIGTERM as Ctrl-C: both unwind through `finally`, so the server never outlives this script.
    signal.signal(signal.SIGTERM, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))
    try:
        run(options)
    except Failure as failure:
        sys.exit(f"demo: {failure}")
    except KeyboardInterrupt:
        sys.exit("\ndemo: interrupted; the server was stopped")


if __name__ == "__main__":
    main()
