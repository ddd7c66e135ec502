#!/usr/bin/env python3
"""Load on the whole deployment: two API replicas behind the shipped nginx, workers, PostgreSQL and Redis, on loopback.

  health   the smallest call, at one replica and at the gateway (wrk), and `ab -n 1000 -c 10` at the gateway
  mixed    polls, results, lists and sagas through the gateway while receipts and sagas come in
  results  one result asked for again and again, at a replica that keeps results in memory and at one that does not
  scale    the same work (jobs that wait 200 ms for a participant) by one worker and by four
  soak     MINUTES of mixed load while a process is restarted every minute: nothing lost, nothing twice, memory flat

Prints figures and judges only what must hold whatever the machine: no call failed, nothing was lost, nothing was done twice.
Bounded in connections, rate and time; every process is stopped on every way out.
"""

import argparse
import http.server
import json
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from deploytest.gateway import PURCHASE
from deploytest.ground import ROOT, Failure, Ground, Http, check, free_port, until
from deploytest.stack import Stack, program

JOB = """saga: waiting_saga
version: 1
input:
  number: integer
participants:
  waiter: { idempotency: keys }
steps:
  - name: WAIT
    participant: waiter
    call:
      method: POST
      url: /wait
      body: { number: "${input.number}" }
    undo: none
"""
SLIP = ROOT / "tests/fixtures/slip.png"
PART_SECONDS = 10
# What a purchase is told when the shop has no more of the product.
SOLD_OUT = ("VALIDATE_INVENTORY_REFUSED", "RESERVE_INVENTORY_REFUSED")
ENDED = ("completed", "failed", "compensated", "cancelled")


class Waiter(http.server.BaseHTTPRequestHandler):
    """A participant that takes 200 ms and no CPU."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        time.sleep(0.2)
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")


class WaiterServer(http.server.ThreadingHTTPServer):
    request_queue_size = 256
    daemon_threads = True


class LoadStack(Stack):
    """The stack with limits on clients out of the way, a saga of its own, and processes that can be exchanged one by one."""

    def __init__(self, ground, binary):
        super().__init__(ground, binary)
        self.waiter = WaiterServer(("127.0.0.1", 0), Waiter)
        threading.Thread(target=self.waiter.serve_forever, daemon=True).start()
        self.sagas = self.folder / "sagas"
        self.sagas.mkdir()
        (self.sagas / "waiting.yaml").write_text(JOB)

    def settings(self, **more):
        settings = super().settings(**more)
        participants = json.loads(settings["QUITTANCE_SAGAS_PARTICIPANTS"])
        participants["waiter"] = {"url": f"http://127.0.0.1:{self.waiter.server_address[1]}"}
        settings["QUITTANCE_SAGAS_PARTICIPANTS"] = json.dumps(participants)
        settings["QUITTANCE_SAGAS_DIR"] = str(self.sagas)
        settings["QUITTANCE_LOG_LEVEL"] = "warn"
        return settings

    def limits(self):
        return {}

    def api_with(self, **settings):
        """One more replica, with settings of its own; ready when this returns."""
        port = free_port()
        process = self.ground.start(f"api-{port}", [self.binary, "api"], self.settings(PORT=str(port), **settings))
        until("the replica is ready", lambda: Http(port).get("/health/ready").status == 200, 120)
        return process, port

    def worker_with(self, slots):
        """One more worker, with so many slots; ready when this returns."""
        port = free_port()
        settings = self.settings(QUITTANCE_WORKER_PORT=str(port), QUEUE_CONCURRENCY=str(slots), QUITTANCE_PROCESSING_LANES="sagas")
        process = self.ground.start(f"worker-{port}", [self.binary, "worker"], settings)
        until("the worker is ready", lambda: Http(port).get("/health/ready").status == 200, 120)
        return process


def memory(process, field="VmRSS"):
    """Resident memory in MB; `VmHWM` is the highest so far."""
    text = Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(rf"{field}:\s+(\d+) kB", text).group(1)) / 1000


def wrk(url, connections, seconds, *more):
    command = [program("wrk"), "-t2", f"-c{connections}", f"-d{seconds}s", "--latency", *map(str, more), url]
    ran = subprocess.run(command, capture_output=True, text=True)
    check(ran.returncode == 0, f"wrk: {ran.stdout}{ran.stderr}")
    text = ran.stdout
    check("Non-2xx" not in text and "Socket errors" not in text, f"wrk at {url}: {text}")
    found = {percent: in_ms(re.search(rf"{percent}%\s+([\d.]+\w+)", text).group(1)) for percent in (50, 99)}
    return float(re.search(r"Requests/sec:\s+([\d.]+)", text).group(1)), found[50], found[99]


def in_ms(text):
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text).groups()
    return float(number) * {"us": 0.001, "ms": 1, "s": 1000, "m": 60_000}[unit]


def health(stack):
    for name, port, connections in (("one replica", stack.api_ports[0], 64), ("gateway", stack.gateway_port, 64)):
        rate, p50, p99 = wrk(f"http://127.0.0.1:{port}/health", connections, PART_SECONDS)
        print(f"health, {name}: {rate:,.0f} requests/s, p50 {p50:.1f} ms, p99 {p99:.1f} ms ({connections} connections, wrk beside it)")
    ran = subprocess.run(
        [program("ab"), "-q", "-n", "1000", "-c", "10", f"http://127.0.0.1:{stack.gateway_port}/health"], capture_output=True, text=True
    )
    check(ran.returncode == 0 and re.search(r"Failed requests:\s+0\b", ran.stdout), f"ab: {ran.stdout}{ran.stderr}")
    rate, p99 = re.search(r"Requests per second:\s+([\d.]+)", ran.stdout).group(1), re.search(r"99%\s+(\d+)", ran.stdout).group(1)
    print(f"ab -n 1000 -c 10 at the gateway: {float(rate):,.0f} requests/s, p99 {p99} ms, none failed")
    print_memory(stack)


def print_memory(stack):
    for number, process in enumerate(stack.apis):
        print(f"memory of API {number}: {memory(process):.0f} MB, at most {memory(process, 'VmHWM'):.0f} MB")


class Clients:
    """What clients do at once: uploads, purchases and polls, each with keys, repeated until they are taken."""

    def __init__(self, stack, uploads_every, purchases_every, polls_every):
        self.stack, self.stop = stack, threading.Event()
        self.receipts, self.purchases, self.polls, self.refused = [], [], 0, []
        self.stock = stock(stack)
        loops = ((self.upload, uploads_every), (self.purchase, purchases_every), (self.poll, polls_every))
        self.threads = [threading.Thread(target=self.loop, args=pair, daemon=True) for pair in loops]
        for thread in self.threads:
            thread.start()

    def loop(self, act, every):
        count = 0
        while not self.stop.wait(every):
            count += 1
            act(count)

    def taken(self, call, statuses):
        """As a careful client: what did not get an answer is sent again with its key."""
        while not self.stop.is_set():
            try:
                answer = call()
            except OSError as error:
                self.refused.append(repr(error))
            else:
                if answer.status in statuses:
                    return answer.json()
                self.refused.append(f"{answer.status} {answer.body[:150]}")
            time.sleep(0.5)
        return None

    def upload(self, count):
        key = f"load-receipt-{count}"
        answer = self.taken(lambda: upload(self.stack.gateway, key), (202, 200))
        if answer:
            self.receipts.append(answer["data"]["requestId"])

    def purchase(self, count):
        body, headers = {"type": "purchase_saga", "data": PURCHASE}, {"Idempotency-Key": f"load-purchase-{count}", "Prefer": "wait=30"}
        answer = self.taken(lambda: self.stack.gateway.call("POST", "/api/v1/sagas", body, headers), (200, 201, 202))
        if answer:
            self.purchases.append(answer["saga"]["id"])

    def poll(self, count):
        if self.receipts:
            path = f"/api/v1/receipts/{self.receipts[count % len(self.receipts)]}/status"
            self.polls += self.taken(lambda: self.stack.gateway.get(path), (200,)) is not None

    def end(self):
        self.stop.set()
        for thread in self.threads:
            thread.join(60)


def upload(gateway, key):
    boundary = "quittance-load"
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="image"; filename="slip.png"\r\nContent-Type: image/png\r\n\r\n'
    client = f'--{boundary}\r\nContent-Disposition: form-data; name="clientId"\r\n\r\noperator\r\n'
    body = client.encode() + head.encode() + SLIP.read_bytes() + f"\r\n--{boundary}--\r\n".encode()
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}", "Idempotency-Key": key}
    return gateway.call("POST", "/api/v1/receipts/analyze", body, headers)


def mixed(stack, seconds=30):
    clients = Clients(stack, uploads_every=2, purchases_every=0.2, polls_every=0.1)
    until("something came in", lambda: len(clients.receipts) > 2 and len(clients.purchases) > 10)
    paths = ["/health", "/api/v1/sagas?limit=10", "/api/v1/receipts?limit=10", "/api/v1/receipts/stats"]
    paths += [f"/api/v1/receipts/{id}/status" for id in clients.receipts for _ in range(4)] + [f"/api/v1/sagas/{id}" for id in clients.purchases[:8]]
    script = stack.folder / "mixed.lua"
    quoted = ",".join(json.dumps(path) for path in paths)
    script.write_text(
        f"local paths, n = {{{quoted}}}, 0\n"
        f'wrk.headers["Authorization"] = "Bearer {stack.key}"\n'
        "request = function() n = n + 1 return wrk.format(nil, paths[n % #paths + 1]) end\n"
    )
    rate, p50, p99 = wrk(f"http://127.0.0.1:{stack.gateway_port}", 32, seconds, "-s", script)
    clients.end()
    check(not clients.refused, f"calls failed under load: {clients.refused[:3]}")
    complete(stack, clients)
    print(
        f"mixed, gateway: {rate:,.0f} reads/s, p50 {p50:.1f} ms, p99 {p99:.1f} ms, beside {len(clients.receipts)} receipts and "
        f"{len(clients.purchases)} purchases in {seconds} s"
    )
    print_memory(stack)


def stock(stack):
    """Pieces the shop has of the product."""
    return stack.shop.get("/inventory/api/v1/inventories?store_id=1&product_id=1").json()["data"]["stock"]


def saga(stack, id):
    return stack.gateway.get(f"/api/v1/sagas/{id}").json()["saga"]


def complete(stack, clients):
    """Everything that was taken ended well, and nothing is there that nobody sent."""
    for receipt in clients.receipts:
        path = f"/api/v1/receipts/{receipt}/status?wait=10"
        until(f"receipt {receipt} is read", lambda path=path: stack.gateway.get(path).json()["data"]["status"] == "completed", 600)
    states = {}
    for purchase in clients.purchases:
        until(f"saga {purchase} ended", lambda id=purchase: saga(stack, id)["status"] in ENDED, 120)
        ended = saga(stack, purchase)
        states[ended["status"]] = states.get(ended["status"], 0) + 1
        refused = (ended["error"] or "").startswith(SOLD_OUT)
        check(ended["status"] == "completed" or refused, f"a purchase did not come about: {json.dumps(ended)}")
    sold, left = states.get("completed", 0), stock(stack)
    check(sold == min(clients.stock, len(clients.purchases)), f"{sold} purchases of {len(clients.purchases)} came about, with {clients.stock} pieces in stock")
    check(left == clients.stock - sold, f"{sold} purchases came about, and of {clients.stock} pieces {left} are left")
    check(len(set(clients.receipts)) == len(clients.receipts), "two uploads became one receipt")
    check(len(set(clients.purchases)) == len(clients.purchases), "two purchases became one saga")


def results(stack):
    """Three rounds in turn, so that a busy moment of the machine meets both."""
    receipt = upload(stack.gateway, "load-results").json()["data"]["requestId"]
    until("the receipt is read", lambda: stack.gateway.get(f"/api/v1/receipts/{receipt}/status").json()["data"]["status"] == "completed", 120)
    etag = stack.gateway.get(f"/api/v1/receipts/{receipt}/result").headers["ETag"]
    without, port_without = stack.api_with(QUITTANCE_LIMITS_RESULT_CACHE_BYTES="0")
    kept, port_kept = stack.api_with()
    key, found = ("-H", f"Authorization: Bearer {stack.key}"), {}
    for _ in range(3):
        for name, port, headers in (("from the database", port_without, ()), ("from memory", port_kept, ()), ("unchanged (304)", port_kept, ("-H", f"If-None-Match: {etag}"))):
            rate, _, p99 = wrk(f"http://127.0.0.1:{port}/api/v1/receipts/{receipt}/result", 32, 5, *key, *headers)
            found.setdefault(name, []).append((rate, p99))
    for name, rounds in found.items():
        print(f"result, {name}: {', '.join(f'{rate:,.0f}/s (p99 {p99:.1f} ms)' for rate, p99 in rounds)}")
    for process in (without, kept):
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def scale(stack):
    """Jobs a second between the first and the last tenth, so that the time workers take to start is out of it."""
    for worker in stack.workers:
        worker.send_signal(signal.SIGTERM)
    rates = {}
    for workers, jobs in ((1, 500), (4, 1500)):
        for number in range(jobs):
            body = {"type": "waiting_saga", "data": {"number": number}}
            answer = stack.gateway.call("POST", "/api/v1/sagas", body)
            check(answer.status == 201, f"a job: {answer.status} {answer.body[:200]}")
            id = answer.json()["saga"]["id"]
            answer = stack.gateway.call("POST", f"/api/v1/sagas/{id}/execute", headers={"Prefer": "respond-async"})
            check(answer.status == 202, f"a job: {answer.status} {answer.body[:200]}")
        running = [stack.worker_with(1) for _ in range(workers)]
        left = "SELECT count(*) FROM run WHERE definition = 'waiting_saga' AND finished_at IS NULL"
        until("the jobs are done", lambda: stack.sql(left).strip() == "0", 300, 1)
        tenths = (
            "SELECT percentile_disc(0.9) WITHIN GROUP (ORDER BY finished_at) - percentile_disc(0.1) WITHIN GROUP (ORDER BY finished_at) "
            f"FROM (SELECT finished_at FROM run WHERE definition = 'waiting_saga' ORDER BY created_at DESC LIMIT {jobs}) AS last"
        )
        rates[workers] = 0.8 * jobs / (float(stack.sql(tenths)) / 1e6)
        print(f"scale, {workers} worker(s) with QUEUE_CONCURRENCY=1: {rates[workers]:.1f} jobs of 200 ms a second")
        for process in running:
            process.send_signal(signal.SIGTERM)
            process.wait(60)
    print(f"scale: four workers do {rates[4] / rates[1]:.2f} times what one does")


def soak(stack, minutes):
    """Every minute one process is ended with SIGTERM and another takes its place. One API and one worker stay: their memory tells."""
    clients = Clients(stack, uploads_every=3, purchases_every=0.5, polls_every=0.05)
    witnesses = {"API": stack.apis[1], "worker": stack.workers[2]}
    seen = {name: [] for name in witnesses}
    began = time.monotonic()
    for minute in range(minutes):
        time.sleep(max(0, began + 60 * minute + 30 - time.monotonic()))
        kind, number = (("api", 0), ("worker", 0), ("worker", 1))[minute % 3]
        old = {"api": stack.apis, "worker": stack.workers}[kind][number]
        old.send_signal(signal.SIGTERM)
        code = old.wait(120)
        check(code == 0, f"{kind} {number} ended with {code} on SIGTERM")
        (stack.api if kind == "api" else stack.worker)(number)
        for name, process in witnesses.items():
            seen[name].append(memory(process))
        told = ", ".join(f"{name} {values[-1]:.0f} MB" for name, values in seen.items())
        print(
            f"minute {minute + 1}: {kind} {number} restarted; {len(clients.receipts)} receipts, {len(clients.purchases)} purchases, "
            f"{clients.polls} polls, {len(clients.refused)} calls had to be repeated; {told}",
            flush=True,
        )
    clients.end()
    complete(stack, clients)
    check(stack.sql("SELECT count(*) FROM run WHERE definition = 'purchase_saga'").strip() == str(len(clients.purchases)), "a purchase more or less than sent")
    check(stack.sql("SELECT count(*) FROM receipt").strip() == str(len(clients.receipts)), "a receipt more or less than sent")
    twice = stack.sql("SELECT count(*) FROM run_event WHERE to_state = 'completed' AND step IS NULL GROUP BY run_id HAVING count(*) > 1")
    check(not twice.strip(), "a run ended twice")
    for name, values in seen.items():
        # Models and caches come with the first jobs.
        check(minutes < 10 or values[-1] < 1.2 * max(values[:3]), f"the {name}'s memory grows: {values}")
        print(f"soak: memory of the {name} that stayed: {values[0]:.0f} MB after the first minute, {values[-1]:.0f} MB after the last, at most {max(values):.0f} MB")
    print(f"soak: {len(clients.receipts)} receipts, {len(clients.purchases)} purchases, {clients.polls} polls; nothing lost, nothing twice; {len(clients.refused)} calls repeated {clients.refused[:2]}")


PARTS = {
    "health": lambda stack, _: health(stack),
    "mixed": lambda stack, _: mixed(stack),
    "results": lambda stack, _: results(stack),
    "scale": lambda stack, _: scale(stack),
    "soak": lambda stack, options: soak(stack, options.minutes),
}


def part(name):
    if name not in PARTS:
        raise argparse.ArgumentTypeError(f"{name} is none of {', '.join(PARTS)}")
    return name


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", type=Path, default=ROOT / "target/release/quittance")
    parser.add_argument("--minutes", type=int, default=30, help="of the soak")
    # Not `choices`: with them argparse refuses the default of a list that may be empty.
    parser.add_argument("parts", nargs="*", type=part, default=["health", "mixed", "scale"], help=", ".join(PARTS))
    options = parser.parse_args()
    check(options.binary.exists(), f"{options.binary} is not built: make build")
    folder = Path(tempfile.mkdtemp(prefix="quittance-load-"))
    folder.chmod(0o755)
    ground, failed = Ground(folder), True
    try:
        stack = LoadStack(ground, options.binary.resolve())
        stack.start()
        for name in options.parts:
            PARTS[name](stack, options)
        failed = False
    finally:
        ground.stop(failed)
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        sys.exit(f"load: {failure}")
    except KeyboardInterrupt:
        sys.exit("load: interrupted; everything was stopped")
