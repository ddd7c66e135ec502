"""The backup of docs/OPERATIONS.md is made, everything is lost, the backup is restored, and everything is there and goes on."""

import os
import shutil
import subprocess

from .gateway import PURCHASE
from .ground import ROOT, Http, check, until
from .load import saga
from .stack import program


def told(stack, receipt):
    """What clients see of the data."""
    stats = stack.gateway.get("/api/v1/receipts/stats").json()["data"]
    sagas = stack.gateway.get("/api/v1/sagas?limit=1").json()
    image = stack.gateway.get(f"/api/v1/receipts/{receipt}/image")
    result = stack.gateway.get(f"/api/v1/receipts/{receipt}/result").json()["data"]
    return stats["totalProcessed"], stats["localStorage"]["total"], sagas["total"], image.body, result


def there_and_back(stack, receipt):
    before = told(stack, receipt)
    check(before[3] == (ROOT / "tests/fixtures/slip.png").read_bytes(), "the original is not what was sent")
    dump, originals, kept = stack.folder / "quittance.dump", stack.folder / "originals", stack.folder / "originals-kept"
    place = ["-h", "127.0.0.1", "-p", str(stack.postgres_port), "-U", "quittance"]
    environment = {**os.environ, "PGPASSWORD": stack.secrets["POSTGRES_PASSWORD"]}

    def tool(name, *words, **more):
        done = subprocess.run([program(name), *place, *words], env=environment, capture_output=True, **more)
        check(done.returncode == 0, f"{name}: {done.stderr}")
        return done.stdout

    dump.write_bytes(tool("pg_dump", "-Fc", "quittance"))
    shutil.copytree(originals, kept)

    for process in stack.apis:
        process.terminate()
    for process in stack.apis:
        check(process.wait(40) == 0, "a replica does not stop in order")
    stack.sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    shutil.rmtree(originals)

    tool("pg_restore", "-d", "quittance", "--clean", "--if-exists", input=dump.read_bytes())
    shutil.copytree(kept, originals)
    flushed = subprocess.run(
        [program("redis-cli"), "-p", str(stack.redis_port), "flushall"],
        env={**os.environ, "REDISCLI_AUTH": stack.secrets["REDIS_PASSWORD"]},
        capture_output=True,
        text=True,
    )
    check(flushed.stdout.strip() == "OK", f"redis-cli: {flushed.stdout}{flushed.stderr}")
    for number in range(len(stack.apis)):
        stack.api(number)
    stack.worker(0)
    for port in stack.api_ports:
        until("the replicas are back", lambda port=port: Http(port).get("/health/ready").status == 200)
    until("the gateway finds them", lambda: stack.gateway.get("/health").json()["status"] == "healthy")
    check(told(stack, receipt) == before, "the restored data is not what was backed up")
    check(saga(stack, "purchase_saga", PURCHASE)["status"] == "completed", "no saga runs after the restore")
