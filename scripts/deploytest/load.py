"""A load that moves every number: receipts, sagas that complete, are refused and are undone, checkouts to each end, wrong calls."""

import subprocess

from .gateway import PURCHASE
from .ground import ROOT, check, until

ENDED = {"completed", "failed", "compensated", "cancelled", "needs_attention"}
WAIT = {"Prefer": "wait=30"}


def fault(stack, service, operation=None, kind="refuse", times=1):
    told = {"service": service, "kind": kind, "times": times}
    if operation:
        told["operation"] = operation
    answer = stack.shop.call("POST", "/faults", told)
    check(answer.status < 300, f"the shop did not take the fault: {answer.body}")


def saga(stack, kind, data):
    answer = stack.gateway.call("POST", "/api/v1/sagas", {"type": kind, "data": data}, WAIT)
    check(answer.status in (200, 201), f"{kind}: {answer.status} {answer.body[:300]}")
    return answer.json()["saga"]


def checkout(stack, client, expected):
    answer = stack.gateway.call("POST", "/api/commande/checkout", {"client_id": client, "magasin_id": 1})
    check(answer.status == 200 and answer.json()["etat_final"] == expected, f"checkout of {client}, not {expected}: {answer.body}")


def upload(stack, number):
    file = ROOT / "tests/fixtures/slip.png"
    answer = stack.gateway.upload("/api/v1/receipts/analyze", file, {"clientId": "operator", "metadata": '{"source":"load"}'})
    check(answer.status == 202, f"upload {number}: {answer.status} {answer.body[:300]}")
    return answer.json()["data"]["requestId"]


def round_of(stack, number):
    """One round; each kind of thing once."""
    receipt = upload(stack, number)
    done = saga(stack, "purchase_saga", PURCHASE)
    check(done["status"] == "completed", f"a purchase: {done['status']} {done['error']}")
    fault(stack, "payment", "pay")
    undone = saga(stack, "purchase_saga", PURCHASE)
    check(undone["status"] in ENDED - {"completed"}, f"a purchase whose payment is refused: {undone['status']}")
    order = {"user_id": 1, "items": [{"product_id": 1, "quantity": 1}]}
    answer = stack.gateway.call("POST", "/saga/order", order)
    check(answer.status == 200, f"an order: {answer.status} {answer.body}")
    fault(stack, "payments_api")
    answer = stack.gateway.call("POST", "/saga/order", order)
    check(answer.status == 500 and answer.json()["order_id"], f"an order that is refused: {answer.status} {answer.body}")
    checkout(stack, 1, "Confirmée")
    # The last client of the demonstration shop is poor.
    checkout(stack, 20, "Échec paiement")
    for path, status in [("/api/v1/receipts/00000000-0000-7000-8000-000000000000/status", 404), ("/api/commande/1", 404)]:
        found = stack.gateway.get(path).status
        check(found in (status, 400), f"{path}: {found}")
    for path in ("/health", "/api/v1/sagas?limit=5", "/api/v1/receipts/stats"):
        check(stack.gateway.get(path).status == 200, path)
    return receipt


def seed(stack):
    """The demonstration data set, twice: the second time everything is there already. The ids of its receipts."""
    command = [stack.binary, "seed", ROOT / "samples", "--url", f"http://127.0.0.1:{stack.gateway_port}", "--client", "operator", "--execute"]
    said = []
    for _ in range(2):
        done = subprocess.run(command, env={"QUITTANCE_API_KEY": stack.key}, capture_output=True, text=True)
        check(done.returncode == 0, f"quittance seed: {done.stdout}{done.stderr}")
        said.append(done.stdout.splitlines())
    check(said[0] == said[1] and len(said[0]) >= 8, f"quittance seed is not repeatable: {said}")
    return [line.split()[0] for line in said[0] if not line.endswith("_saga")]


def completed(stack, receipts):
    for receipt in receipts:
        path = f"/api/v1/receipts/{receipt}/status?wait=10"
        until(f"receipt {receipt} is read", lambda path=path: stack.gateway.get(path).json()["data"]["status"] == "completed", 120)
