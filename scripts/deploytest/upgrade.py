"""A rolling upgrade from an older binary, and the step back, under calls: what docs/OPERATIONS.md promises of versions side by side."""

import subprocess

from . import load
from .gateway import ready, under_calls
from .ground import check, until
from .stack import APIS, WORKERS


def replace(process, start, port):
    """As Docker does it: the old one is asked to end, and ends."""
    process.terminate()
    process.wait(30)
    start()
    ready(port)


def workers(stack, numbers):
    for number in numbers:
        replace(stack.workers[number], lambda n=number: stack.worker(n), stack.worker_ports[number])


def apis(stack, numbers):
    for number in numbers:
        replace(stack.apis[number], lambda n=number: stack.api(n), stack.api_ports[number])


def everything(stack):
    workers(stack, range(WORKERS))
    apis(stack, range(APIS))


def there_and_back(stack, newer, say):
    """The stack runs the older binary. Every mixture of versions gets a round of load."""
    older, receipts, rounds = stack.binary, [], iter(range(100))

    def round_of(what):
        receipts.append(load.round_of(stack, next(rounds)))
        say(what)

    def change(what, part, *numbers):
        """Processes are replaced under calls."""
        calls = under_calls(stack, lambda pass_by: (pass_by(20), part(stack, *numbers), pass_by(20)))
        round_of(f"{what}; none of {calls} calls failed")

    round_of("the older version runs")
    stack.binary = newer
    done = subprocess.run([newer, "migrate"], env=stack.settings(), capture_output=True, text=True)
    check(done.returncode == 0, f"quittance migrate: {done.stdout}{done.stderr}")
    round_of("older processes on newer tables")
    change("one worker is newer", workers, range(1))
    change("all workers are newer, the API is older", workers, range(1, WORKERS))
    change("one API replica is newer", apis, range(1))
    stack.binary = older
    change("an older worker is back, with older and newer API replicas", workers, range(1))
    stack.binary = newer
    change("workers are newer again", workers, range(1))
    change("everything is newer", apis, range(1, APIS))
    receipts.extend(load.seed(stack))
    stack.binary = older
    change("everything is older again", everything)
    load.completed(stack, receipts)
    stack.binary = newer
    change("and newer at last", everything)
    load.completed(stack, receipts)
    for receipt in receipts:
        for path in ("", "/evidence"):
            answer = stack.gateway.get(f"/api/v1/receipts/{receipt}{path}")
            check(answer.status == 200, f"{receipt}{path}: {answer.status} {answer.body[:200]}")
    until("no saga is under way", lambda: stack.sql("SELECT count(*) FROM run WHERE finished_at IS NULL").strip() == "0", 60)
    verified = subprocess.run([newer, "audit", "verify"], env=stack.settings(), capture_output=True, text=True)
    check(verified.returncode == 0, f"quittance audit verify: {verified.stdout}{verified.stderr}")
    say(f"{len(receipts)} receipts and every saga came to their end; the audit log of both versions is one chain")
