#!/usr/bin/env python3
"""Builds the image of the Dockerfile and brings docker-compose.yml up for real, with Podman: root, Linux, no daemon.

Images that cannot be fetched are made here from Debian's packages, under the names that the files ask for: the same programs, not
the same images. Grafana and Jaeger are in no package and stay out unless their images can be fetched. Everything that is started is
stopped; images and the builder's cache stay, so that a second run is quick.
"""

import argparse
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from urllib.parse import quote

from deploytest.ground import ROOT, Failure, Http, check, free_port, until
from deploytest.stand_ins import stand_in

PROJECT = "quittance-test"
# The API's, from docker-compose.yml; a worker's is asked for in `limits`.
API_MEMORY = 200 * 1024 * 1024

# Without CAP_SYS_RESOURCE (a machine inside a machine) no container's limits of files and processes can be set: it keeps ours.
KEEPS_LIMITS = """#!/usr/bin/python3
import json, os, sys
words = sys.argv[1:]
for word, file in zip(words, words[1:]):
    if word in ("--bundle", "-b", "--process", "-p"):
        path = os.path.join(file, "config.json") if word in ("--bundle", "-b") else file
        told = json.load(open(path))
        told.get("process", told).pop("rlimits", None)
        json.dump(told, open(path, "w"))
os.execvp("runc", ["runc", *words])
"""


def may_raise_limits():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard + 1))
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    except (OSError, ValueError):
        return False
    return True


class Engine:
    """Podman with a configuration of its own; the machine's stays as it is."""

    def __init__(self, folder):
        runtime = shutil.which("runc") or shutil.which("crun")
        if not may_raise_limits():
            runtime = folder / "keeps-limits"
            runtime.write_text(KEEPS_LIMITS)
            runtime.chmod(0o755)
        config = folder / "containers.conf"
        config.write_text(f'[engine]\ncgroup_manager = "cgroupfs"\nruntime = "ours"\n[engine.runtimes]\nours = ["{runtime}"]\n')
        self.environment = {**os.environ, "CONTAINERS_CONF": str(config)}

    def __call__(self, *words, **more):
        return self.run("podman", *words, **more).stdout.strip()

    def run(self, *words, wrong=False, **more):
        ended = subprocess.run([str(w) for w in words], env=self.environment, text=True, capture_output=True, **more)
        check(wrong or ended.returncode == 0, f"{' '.join(map(str, words))}: {ended.stdout[-1500:]}{ended.stderr[-1500:]}")
        return ended

    def has(self, image):
        return self.run("podman", "image", "exists", image, wrong=True).returncode == 0


def images(podman):
    """Every image that the Dockerfile and the compose file name, fetched or made."""
    named = re.findall(r"^FROM (\S+)", (ROOT / "Dockerfile").read_text(), re.M)
    named += re.findall(r"^    image: (?!quittance)(\S+)", (ROOT / "docker-compose.yml").read_text(), re.M)
    found = {}
    for image in named:
        name = "docker.io/" + (image if "/" in image else f"library/{image}")
        if podman.has(name):
            found[image] = "was here"
        elif podman.run("podman", "pull", "--quiet", name, wrong=True, timeout=900).returncode == 0:
            found[image] = "fetched"
        else:
            found[image] = "made of Debian's packages" if stand_in(podman, name) else "left out"
    return found


class Stack:
    def __init__(self, podman, compose, folder, tag):
        self.podman, self.compose, self.tag, self.place = podman, compose, tag, folder / "place"
        shutil.copytree(ROOT / "deploy", self.place / "deploy")
        shutil.copy(ROOT / "docker-compose.yml", self.place)
        self.key = podman.run(self.place / "deploy/init-secrets").stdout.split()[-1]
        self.port, self.prometheus = free_port(), free_port()
        machines = self.place / "deploy/prometheus/machines"
        shutil.copy(machines / "machine.yml.example", machines / "machine.yml")
        with open(self.place / ".env", "a") as env:
            env.write(f"QUITTANCE_TAG={tag}\nQUITTANCE_PORT={self.port}\nPROMETHEUS_PORT={self.prometheus}\n")
            env.write("WORKER_REPLICAS=2\nCOMPOSE_PROFILES=disk\n")
        self.gateway = Http(self.port, {"X-API-Key": self.key})

    def call(self, *words):
        return self.podman.run(self.compose, "-p", PROJECT, *words, cwd=self.place, timeout=300)

    def resolver(self):
        """Docker answers names at 127.0.0.11, Podman at the gateway of each network."""
        name = f"{PROJECT}_front"
        self.call("up", "--no-start", "--no-build", "--no-deps", "gateway")
        address = json.loads(self.podman("network", "inspect", name))[0]["subnets"][0]["gateway"]
        file = self.place / "deploy/nginx/upstream.conf"
        file.write_text(file.read_text().replace("resolver 127.0.0.11", f"resolver {address}"))

    def up(self):
        """As the file says: PostgreSQL and Redis first, for this Podman knows of no waiting for health."""
        for services in (["postgres", "redis"], ["api", "worker", "gateway", "prometheus"]):
            self.call("up", "-d", "--no-build", "--no-deps", "--no-recreate", *services)
            for service in services:
                self.healthy(service)
        # Without a health check, as Prometheus asks it.
        self.call("up", "-d", "--no-build", "--no-deps", "--no-recreate", "machine")

    def names(self, service):
        wanted = [f"label=io.podman.compose.project={PROJECT}", f"label=com.docker.compose.service={service}"]
        said = self.podman("ps", *[w for label in wanted for w in ("--filter", label)], "--format", "{{.Names}}")
        return sorted(said.split())

    def healthy(self, service):
        """By the health check that the file or the image gives; without systemd nobody else runs it."""

        def all_well():
            names = self.names(service)
            return names and all(self.podman.run("podman", "healthcheck", "run", n, wrong=True).returncode == 0 for n in names)

        try:
            until(f"{service} is healthy", all_well, 90, 1)
        except Failure as failure:
            raise Failure(f"{failure}\n{self.podman('ps', '-a', '--filter', f'name={PROJECT}')}\n{self.last_words(service)}") from None

    def last_words(self, service):
        return "\n".join(self.podman.run("podman", "logs", "--tail", "8", n, wrong=True).stderr for n in self.names(service))

    def seed(self):
        """The demonstration data set, as the operator's guide has it."""
        place = ["--network", f"{PROJECT}_front", "--env", f"QUITTANCE_API_KEY={self.key}", f"quittance:{self.tag}"]
        said = self.podman("run", "--rm", *place, "seed", "/samples", "--url", "http://gateway:8080", "--client", "operator")
        check(len(said.splitlines()) >= 8, f"quittance seed: {said}")

    def upload(self, sample):
        answer = self.gateway.upload("/api/v1/receipts/analyze", ROOT / "samples" / sample, {"clientId": "operator"})
        check(answer.status == 202, f"upload: {answer.status} {answer.body[:300]}")
        return answer.json()["data"]["requestId"]

    def read(self, receipt):
        def ended():
            found = self.gateway.get(f"/api/v1/receipts/{receipt}/status?wait=10")
            return found.status == 200 and found.json()["data"]["status"] in ("completed", "failed")

        until(f"receipt {receipt} is read", ended, 120)
        result = self.gateway.get(f"/api/v1/receipts/{receipt}/result").json()["data"]
        check(result["status"] == "completed", f"receipt {receipt}: {result}")
        return result

    def down(self, *more):
        return self.podman.run(self.compose, "-p", PROJECT, "down", *more, cwd=self.place, wrong=True, timeout=300)


def image(podman, tag):
    """What stands in the image, by the program in it and by Podman."""
    name = f"quittance:{tag}"
    told = json.loads(podman("image", "inspect", name))[0]
    check(told["Config"]["User"] == "10001:10001", f"the image runs as {told['Config']['User']}")
    check(told.get("Healthcheck") or told["Config"].get("Healthcheck"), "the image has no health check")
    alone = ["run", "--rm", "--network", "none", "--read-only", "--cap-drop", "ALL", name]
    said = podman(*alone, "analyze", "/samples/restaurant-fr.jpg")
    check(json.loads(said[said.index("{"):]), "the image reads no receipt on its own")
    return told["Size"] / 1e6


def limits(stack):
    """What the file promises of each container, as the kernel has it."""
    for service in ("api", "worker"):
        for name in stack.names(service):
            told = json.loads(stack.podman("inspect", name))[0]["HostConfig"]
            check(told["ReadonlyRootfs"] and told["SecurityOpt"] == ["no-new-privileges"], f"{name}: {told['SecurityOpt']}")
            status = stack.podman("exec", name, "cat", "/proc/1/status")
            check(re.search(r"^CapBnd:\s+0+$", status, re.M), f"{name} keeps capabilities")
            check(re.search(r"^Uid:\s+10001\s", status, re.M), f"{name} runs as another user")
            wrote = stack.podman.run("podman", "exec", name, "touch", "/usr/local/bin/x", wrong=True)
            check("Read-only" in wrote.stderr, f"{name} can write its own files")
            check(service == "worker" or told["Memory"] == API_MEMORY, f"{name} may take {told['Memory']} bytes")
    for service in ("postgres", "redis", "prometheus"):
        for name in stack.names(service):
            routes = stack.podman("exec", name, "cat", "/proc/net/route").splitlines()[1:]
            ways_out = [line for line in routes if line.split()[1] == "00000000"]
            check(service == "prometheus" or not ways_out, f"{name} has a way out: {ways_out}")
    published = stack.podman("ps", "--filter", f"label=io.podman.compose.project={PROJECT}", "--format", "{{.Ports}}").split()
    check(all(word.startswith("127.0.0.1:") for word in published if ":" in word), f"published beyond loopback: {published}")


def targets(stack):
    asked = Http(stack.prometheus)
    expected = {"quittance-api": 2, "quittance-worker": 2, "machine": 1}

    def all_up():
        found = {}
        for target in asked.get("/api/v1/targets?state=active").json()["data"]["activeTargets"]:
            if target["health"] == "up":
                found[target["scrapePool"]] = found.get(target["scrapePool"], 0) + 1
        return all(found.get(job) == count for job, count in expected.items())

    until("Prometheus scrapes both API replicas, both workers and the machine", all_up, 90, 1)
    space = asked.get("/api/v1/query?query=node_filesystem_avail_bytes").json()["data"]["result"]
    check(any(float(found["value"][1]) > 0 for found in space), f"the free space of the machine is not told: {space}")


def killed(stack):
    """A worker dies with work in its hands; the other ends it, and the dead one comes back by itself."""
    receipts = [stack.upload("restaurant-fr.jpg") for _ in range(4)]
    victim = stack.names("worker")[0]
    # From outside: what Podman itself kills it takes for stopped on purpose.
    os.kill(int(stack.podman("inspect", "--format", "{{.State.Pid}}", victim)), signal.SIGKILL)
    for receipt in receipts:
        stack.read(receipt)
    until(f"{victim} is started again", lambda: victim in stack.names("worker"), 60, 1)


def missed(stack):
    """A worker that is stopped leaves the names that Prometheus asks for; the alert comes all the same."""

    def found(expression):
        return Http(stack.prometheus).get(f"/api/v1/query?query={quote(expression)}").json()["data"]["result"]

    until("two workers are what is expected", lambda: found('max_over_time(min_over_time(quittance:processes:up{job="quittance-worker"}[2m])[1h:1m]) == 2'), 300, 5)
    victim = stack.names("worker")[1]
    stack.podman("stop", "--time", "40", victim)
    until("its target is gone", lambda: len(found('up{job="quittance-worker"}')) == 1, 120, 2)
    until("WorkerDown is raised", lambda: found('ALERTS{alertname="WorkerDown"}'), 60, 2)
    stack.podman("start", victim)


def restarted(stack):
    """API replicas one after the other, as an upgrade does it; whoever asks meanwhile is served, at the latest when asking again.

    A container comes back at another address, and a call that waits for the old one just when the gateway learns the new one has
    no second replica to go to: nginx gives 503 with Retry-After, also when connecting to both took too long.
    """
    asked, again, wrong, over = 0, 0, [], threading.Event()

    def ask():
        nonlocal asked, again
        while not over.is_set():
            answer = stack.gateway.get("/api/v1/receipts?limit=1")
            asked += 1
            if answer.status == 503 and answer.headers["Retry-After"]:
                again += 1
                time.sleep(float(answer.headers["Retry-After"]))
                answer = stack.gateway.get("/api/v1/receipts?limit=1")
            if answer.status != 200:
                wrong.append((answer.status, answer.body[:300]))
            # A client may ask 3,000 times a minute.
            time.sleep(0.03)

    client = threading.Thread(target=ask)
    client.start()
    try:
        names = stack.names("api")
        for name in names:
            stack.podman("restart", "--time", "40", name)
            stack.healthy("api")
            # The gateway asks for addresses every five seconds.
            time.sleep(6)
    finally:
        over.set()
        client.join(30)
    check(asked > 20 and not wrong and again <= len(names), f"{asked} calls during the restarts, {again} asked again, wrong: {wrong[:5]}")
    return f"under {asked} calls: none failed, {again} had to be asked again"


def run(podman, options, folder):
    began = time.monotonic()

    def say(what):
        print(f"  {time.monotonic() - began:6.1f} s  {what}", flush=True)

    tag = options.tag
    for name, how in images(podman).items():
        say(f"{name}: {how}")
    if tag == "test":
        podman.run("podman", "build", "--format", "docker", "--tag", "quittance:test", ROOT, timeout=5400)
    say(f"the image is {image(podman, tag):.0f} MB; alone, without network, it reads a receipt")
    stack = Stack(podman, options.compose.absolute(), folder, tag)
    try:
        stack.resolver()
        stack.up()
        say("up and healthy: gateway, 2 API replicas, 2 workers, PostgreSQL, Redis, Prometheus")
        limits(stack)
        say("read-only, without rights or capabilities, within their memory; the database has no way out")
        stack.seed()
        first = stack.upload("restaurant-fr.jpg")
        before = stack.read(first)
        targets(stack)
        killed(stack)
        say("receipts are read; a killed worker lost nothing and came back; Prometheus sees all")
        say(f"API replicas restarted one by one {restarted(stack)}")
        missed(stack)
        say("a worker that is stopped is missed, though Prometheus has no target for it any more")
        stack.down()
        stack.up()
        check(stack.read(first) == before, "after down and up the result is another")
        say("down and up again: everything is still there")
    finally:
        stack.down("--volumes")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--compose", type=Path, required=True, help="the program podman-compose")
    parser.add_argument("--tag", default="test", help="test quittance:TAG as it is instead of building one")
    options = parser.parse_args()
    check(os.geteuid() == 0, "root is needed: networks and limits of containers are tested")
    folder = Path(tempfile.mkdtemp(prefix="quittance-image-"))
    folder.chmod(0o755)
    try:
        run(Engine(folder), options, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print("image: all good")


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        sys.exit(f"test-image: {failure}")
    except KeyboardInterrupt:
        sys.exit("test-image: interrupted; everything was stopped")
