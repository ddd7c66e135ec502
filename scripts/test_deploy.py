#!/usr/bin/env python3
"""Tests the deployment for real: nginx, Prometheus, PostgreSQL and Redis of Debian with the shipped configuration, two API replicas and
three workers between them, under load. docs/GATEWAYS.md and docs/OPERATIONS.md say what is promised.

Standard library only; loopback only; every process is stopped on every way out.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from deploytest import backup, gateway, load, numbers, upgrade
from deploytest.ground import ROOT, Failure, Ground, check
from deploytest.stack import APIS, WORKERS, Stack, program

ROUNDS = 4


def files():
    """What can be checked without a server."""
    for generator in ("deploy/krakend/generate", "deploy/grafana/generate"):
        made = subprocess.run([ROOT / generator, "--check"], capture_output=True, text=True)
        check(made.returncode == 0, made.stderr)
    for words in (["check", "config", "prometheus.yml"], ["test", "rules", "rules_test.yml"]):
        made = subprocess.run([program("promtool"), *words], capture_output=True, text=True, cwd=ROOT / "deploy/prometheus")
        check(made.returncode == 0, f"promtool {' '.join(words)}: {made.stdout}{made.stderr}")
    tested = (ROOT / "deploy/prometheus/rules_test.yml").read_text()
    for kind, name, _ in numbers.recorded_and_alerts():
        if kind == "alert":
            check(len(re.findall(rf"alertname: {name}\b", tested)) >= 2, f"rules_test.yml does not show {name} silent and raised")
            for guide in ("docs/OPERATIONS.md", "docs/fr/EXPLOITATION.md"):
                check(f"`{name}`" in (ROOT / guide).read_text(), f"{guide} does not explain {name}")


def administrators():
    """The guide names every operation that needs the scope `admin`."""
    guide = (ROOT / "docs/KEYS.md").read_text()
    guarded = [file.read_text() for file in sorted((ROOT / "api/src/routes").rglob("*.rs")) if re.search(r"^    _\w*: Admin,$", file.read_text(), re.M)]
    check(len(guarded) >= 8, f"only {len(guarded)} operations need an administrator")
    for text in guarded:
        path = re.search(r'^    \w+, path = "([^"]+)"', text, re.M).group(1)
        check(re.search(rf"{re.escape(path)}`", guide), f"docs/KEYS.md does not say that {path} needs the scope admin")


def browsers():
    """What pages of other origins may send and read is the same at every gateway as at the API itself."""
    api = (ROOT / "api/src/middleware/security.rs").read_text()
    allowed = {h.lower() for h in re.findall(r'^        "([a-z-]+)",$', api, re.M)}
    exposed = {"location", "retry-after", "etag", "preference-applied", "x-request-id", "ratelimit", "ratelimit-policy"}
    check("traceparent" in allowed and "limits::STANDING" in api, "the API's headers for browsers are not found")
    kong = (ROOT / "deploy/kong/kong.yml").read_text()
    krakend = json.loads((ROOT / "deploy/krakend/krakend.json").read_text())["extra_config"]["security/cors"]
    for name, may_send, may_read in (
        ("Kong", *(re.search(rf"^ +{key}: \[(.*)\]$", kong, re.M).group(1).split(", ") for key in ("headers", "exposed_headers"))),
        ("KrakenD", krakend["allow_headers"], krakend["expose_headers"]),
    ):
        missing = (allowed - {h.lower() for h in may_send}) | (exposed - {h.lower() for h in may_read})
        check(not missing, f"{name} keeps from browsers: {sorted(missing)}")


# What the services of docker-compose.yml need to be as it is.
FIXED = {f"QUITTANCE_{name}" for name in (
    "SERVER_HOST", "SERVER_PORT", "WORKER_HOST", "WORKER_PORT", "DATA_DIR", "STORAGE_PATH", "PROCESSING_MODELS_DIR", "SAGAS_DIR",
)}
# Of one role only.
ROLES = {"QUITTANCE_PROCESSING_LANES", "QUITTANCE_PROCESSING_ECONOMY", "QUEUE_CONCURRENCY",
         *(f"QUITTANCE_LIMITS_{name}" for name in ("REQUESTS_PER_MINUTE", "UPLOADS_PER_MINUTE", "CONNECTIONS_PER_IP"))}


def variables():
    """The variables of each setting, and those that the guide names for the program's libraries."""
    rows = re.findall(r"^\| `[^|]*\|[^|]*\| (`\w+`[^|]*)\|", (ROOT / "docs/SETTINGS.md").read_text(), re.M)
    check(len(rows) > 70, f"docs/SETTINGS.md has {len(rows)} rows with variables")
    return [re.findall(r"`(\w+)`", row) for row in rows] + [["OTEL_BSP_MAX_QUEUE_SIZE"]]


def compose(folder):
    """docker-compose.yml as Compose reads it: whole with the secrets, refused without any of them; every setting gets through."""
    place = folder / "compose"
    place.mkdir()
    modern = subprocess.run(["docker", "compose", "version"], capture_output=True).returncode == 0 if shutil.which("docker") else False
    command = ["docker", "compose"] if modern else [program("docker-compose")]
    text = (ROOT / "docker-compose.yml").read_text()
    if not modern:
        # Version 1 does not know the name of the project in the file, nor a variable inside another's default.
        text = re.sub(r"^name: .*\n", "", text, flags=re.M)
        text = re.sub(r"\$\{(\w+):-\$\{\w+\}\}", r"${\1:-}", text)
    (place / "docker-compose.yml").write_text(text)
    env = (folder / "secrets.env").read_text()
    (place / ".env").write_text(env)
    whole = subprocess.run([*command, "-p", "quittance", "config", "-q"], cwd=place, capture_output=True, text=True)
    check(whole.returncode == 0, f"docker-compose.yml: {whole.stderr}")
    given = [name for names in variables() if names[0] not in FIXED | {"QUITTANCE_KEYS"} for name in names]
    (place / ".env").write_text(env + "".join(f"{name}=probe\n" for name in given))
    read = subprocess.run([*command, "-p", "quittance", "config"], cwd=place, capture_output=True, text=True)
    check(read.returncode == 0, f"docker-compose.yml with every setting: {read.stderr}")
    for name in given:
        reached = len(re.findall(rf"^ +{name}: probe$", read.stdout, re.M))
        # Redis here knows its own password too.
        expected = 1 if name in ROLES else 3 if name == "REDIS_PASSWORD" else 2
        check(reached == expected, f"{name} in .env reaches {reached} services")
    (place / ".env").write_text(f"{env}API_REPLICAS=3\nWORKER_REPLICAS=4\n")
    read = subprocess.run([*command, "-p", "quittance", "config"], cwd=place, capture_output=True, text=True)
    check(re.findall(r"^ +replicas: (\d)$", read.stdout, re.M) == ["3", "4"], f".env does not say how many replicas run: {read.stderr}")
    for name in ("POSTGRES_PASSWORD", "REDIS_PASSWORD", "GRAFANA_PASSWORD", "QUITTANCE_KEYS"):
        (place / ".env").write_text(re.sub(rf"^{name}=.*\n", "", env, flags=re.M))
        refused = subprocess.run([*command, "-p", "quittance", "config", "-q"], cwd=place, capture_output=True, text=True)
        check(refused.returncode != 0 and "init-secrets" in refused.stderr, f"docker-compose.yml starts without {name}")


def health(stack):
    """The health checks of the containers."""
    for role, port, setting in (([], stack.api_ports[0], "PORT"), (["--worker"], stack.worker_ports[0], "QUITTANCE_WORKER_PORT")):
        command = [stack.binary, "health", *role]
        for number, expected in ((port, 0), (1, 1)):
            environment = stack.settings(**{setting: str(number)})
            ended = subprocess.run(command, env=environment, capture_output=True, text=True)
            check(ended.returncode == expected, f"health {role} at {number} ends with {ended.returncode}: {ended.stdout}{ended.stderr}")


def teller():
    began = time.monotonic()
    return lambda what: print(f"  {time.monotonic() - began:5.1f} s  {what}", flush=True)


def upgraded(stack, newer):
    say = teller()
    stack.start()
    upgrade.there_and_back(stack, newer, say)


def run(stack):
    say = teller()
    files()
    administrators()
    browsers()
    compose(stack.folder)
    say("files: generated ones are fresh, rules tested, compose file whole, secrets required")
    stack.start()
    say(f"{APIS} API replicas, {WORKERS} workers, PostgreSQL, Redis, nginx, Prometheus run")
    slow = gateway.SlowClient(stack.gateway_port)
    health(stack)
    numbers.targets(stack, APIS, WORKERS)
    receipts = [load.round_of(stack, number) for number in range(ROUNDS)]
    receipts += load.seed(stack)
    say(f"{ROUNDS} rounds of load and the demonstration data set went through the gateway")
    gateway.behaving(stack)
    gateway.misbehaving(stack)
    say("gateway: hidden paths, sizes, headers, events, repeats of calls, TLS")
    calls = gateway.failover(stack)
    say(f"gateway: a replica was killed and came back under {calls} calls, none failed")
    load.completed(stack, receipts)
    load.round_of(stack, ROUNDS)
    asked = numbers.expressions(stack)
    numbers.silent(stack)
    say(f"Prometheus: {asked} expressions of dashboards and rules have data; an API replica takes at most {numbers.memory(stack):.0f} MB")
    for worker in stack.workers:
        worker.kill()
    numbers.alerted(stack, "WorkerDown")
    numbers.alerted(stack, "NoWorker", 60)
    say("alerts: dead workers are noticed")
    backup.there_and_back(stack, receipts[0])
    say("backup: all was lost and restored, and goes on")
    slow.join(30)
    check(slow.seconds and slow.seconds < 20, f"a client that sends a header a second was served for {slow.seconds} s")
    lines = gateway.log(stack)
    say(f"gateway: a slow client was cut off after {slow.seconds:.0f} s; {lines} lines of log tell nothing of clients")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", type=Path, default=ROOT / "target/debug/quittance")
    parser.add_argument("--older", type=Path, help="a binary of the version before: only the upgrade from it and the step back are tested")
    options = parser.parse_args()
    for binary in filter(None, (options.binary, options.older)):
        check(binary.exists(), f"{binary} is not built: make test, or cargo build")
    folder = Path(tempfile.mkdtemp(prefix="quittance-deploy-"))
    # nginx and PostgreSQL leave root's rights behind.
    folder.chmod(0o755)
    ground, failed = Ground(folder), True
    try:
        if options.older:
            upgraded(Stack(ground, options.older.resolve()), options.binary.resolve())
        else:
            run(Stack(ground, options.binary.resolve()))
        failed = False
    finally:
        ground.stop(failed)
        shutil.rmtree(folder, ignore_errors=True)
    print("deployment: all good")


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        sys.exit(f"test-deploy: {failure}")
    except KeyboardInterrupt:
        sys.exit("test-deploy: interrupted; everything was stopped")
