#!/usr/bin/env python3
"""Three purchases over the demonstration shop: one succeeds, one whose payment is refused, and one during whose payment the server
is killed with -9 and started again. Shows what happened in each, and the shop's ledger.

Standard library only; loopback only. Both processes are stopped on every way out.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from demo import Api, Failure, Server, free_port

PURCHASE = {
    "store_id": 1,
    "customer_id": 1,
    "items": [{"product_id": 1, "quantity": 2, "price": 9.5}],
    "payment_method": "card",
    "amount": 19,
}
JSON = {"Content-Type": "application/json", "Accept-Language": "en"}
ENDED = {"completed", "failed", "compensated", "cancelled", "needs_attention"}


class Shop:
    """`quittance shop` as a child process."""

    def __init__(self, binary, folder):
        self.port = free_port()
        with open(folder / "shop.log", "wb") as log:
            arguments = [binary, "shop", "--port", str(self.port), "--data-dir", str(folder / "shop")]
            self.process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        self.api = Api(self.port)
        for _ in range(200):
            try:
                self.api.call("GET", "/health", timeout=2)
                return
            except OSError:
                time.sleep(0.05)
        raise Failure(f"the shop does not open; see {folder / 'shop.log'}")

    def participants(self):
        names = ("inventory", "payment", "sales")
        return json.dumps({name: {"url": f"http://127.0.0.1:{self.port}/{name}"} for name in names})

    def fault(self, **fault):
        status, answer = self.api.call("POST", "/faults", json.dumps(fault), JSON)
        if status >= 300:
            raise Failure(f"the shop did not take the fault: {answer}")

    def stop(self):
        self.process.terminate()
        self.process.wait(10)


def start(api):
    """Creates a purchase and lets it run; its id."""
    status, answer = api.call("POST", "/api/v1/sagas", json.dumps({"type": "purchase_saga", "data": PURCHASE}), JSON)
    if status != 201:
        raise Failure(f"the purchase was not created ({status}): {answer}")
    saga = answer["saga"]["id"]
    status, answer = api.call("POST", f"/api/v1/sagas/{saga}/execute", "{}", {**JSON, "Prefer": "respond-async"})
    if status not in (200, 202):
        raise Failure(f"the purchase does not run ({status}): {answer}")
    return saga


def end_of(api, saga, seconds=60):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = api.call("GET", f"/api/v1/sagas/{saga}", headers=JSON)[1]["saga"]
        if found["status"] in ENDED:
            return found
        time.sleep(0.05)
    raise Failure(f"the purchase {saga} has not ended after {seconds} s")


def show(title, saga):
    print(f"\n{title}: {saga['status']}" + (f" ({saga['error']})" if saga["error"] else ""))
    for event in saga["history"]:
        what = event["step"] or "saga"
        detail = event["detail"] or {}
        note = detail.get("message") or detail.get("note") or ""
        print(f"  {event['timestamp'][11:23]}  {what:<20} {event['from'] or '-':>12} -> {event['to']:<12} {note}".rstrip())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", required=True)
    options = parser.parse_args()
    folder = Path("data/demo-saga")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    shop, server = None, None
    try:
        shop = Shop(options.binary, folder)
        settings = {"QUITTANCE_SAGAS_PARTICIPANTS": shop.participants()}
        server = Server(options.binary, folder, settings)
        api = server.wait_ready(30)
        show("A purchase", end_of(api, start(api)))

        shop.fault(service="payment", operation="pay", kind="refuse", times=1)
        show("A purchase whose payment is refused", end_of(api, start(api)))

        shop.fault(service="payment", operation="pay", kind="delay", ms=3000, times=1)
        saga = start(api)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            steps = api.call("GET", f"/api/v1/sagas/{saga}")[1]["saga"]["steps"]
            if steps[2]["status"] == "in_progress":
                break
            time.sleep(0.02)
        os.kill(server.process.pid, signal.SIGKILL)
        server.process.wait()
        server = Server(options.binary, folder, settings)
        api = server.wait_ready(30)
        show("A purchase during whose payment the server is killed with -9", end_of(api, saga))

        ledger = shop.api.call("GET", "/ledger")[1]
        print("\nThe shop's ledger")
        for call in ledger["calls"]:
            saga, _, step = (call["key"] or "").partition(":")
            amount = "" if call["amount"] is None else call["amount"]
            print(f"  {call['service']:<10} {call['operation']:<8} {call['outcome']:<10} {amount:>7}  {saga[-6:]}:{step}")
        print("What is left of it: " + ", ".join(f"{o['object']} {o['net']:+d}" for o in ledger["objects"] if o["net"]))
        return 0
    except Failure as failure:
        print(f"demo-saga: {failure}", file=sys.stderr)
        return 1
    finally:
        if server:
            server.stop()
        if shop:
            shop.stop()


if __name__ == "__main__":
    sys.exit(main())
