"""A rolling upgrade from an older binary, and the step back, under calls: what docs/OPERATIONS.md promises of versions side by side."""

import json
import subprocess
import time
from datetime import datetime

from . import load
from .gateway import ready, under_calls
from .ground import check, until
from .stack import APIS, WORKERS


def workers(stack, numbers):
    for number in numbers:
        replace(stack.workers[number], stack.worker, number)
        ready(stack.worker_ports[number])


def apis(stack, numbers):
    """The next one goes when nginx asks this one again: it leaves a replica that did not answer alone for `fail_timeout`."""
    for number in numbers:
        replace(stack.apis[number], stack.api, number)
        port = stack.api_ports[number]
        ready(port)
        since = time.time()
        until(f"the gateway asks port {port} again", lambda p=port, s=since: answered(stack, p, s))


def replace(process, start, number):
    """As Docker does it: the old one is asked to end, and ends."""
    process.terminate()
    process.wait(30)
    start(number)


def answered(stack, port, since):
    """Whether this replica answered a call since then, by the gateway's log, which is written late and tells whole seconds."""
    lines = (stack.folder / "nginx/access.log").read_text().splitlines()
    return any(
        line["upstream"] == f"127.0.0.1:{port}" and line["status"] < 300 and datetime.fromisoformat(line["time"]).timestamp() > since
        for line in map(json.loads, lines[-2000:])
    )


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
        for path in ("/result", "/evidence"):
            answer = stack.gateway.get(f"/api/v1/receipts/{receipt}{path}")
            check(answer.status == 200, f"{receipt}{path}: {answer.status} {answer.body[:200]}")
    # Those that the calls created wait until somebody executes them.
    open_runs = "SELECT count(*) FROM run WHERE finished_at IS NULL AND NOT paused"
    until("no run is under way", lambda: stack.sql(open_runs).strip() == "0", 60)
    verified = subprocess.run([newer, "audit", "verify"], env=stack.settings(), capture_output=True, text=True)
    check(verified.returncode == 0, f"quittance audit verify: {verified.stdout}{verified.stderr}")
    say(f"{len(receipts)} receipts and every saga came to their end; the audit log of both versions is one chain")
