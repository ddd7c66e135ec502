"""The stack of docker-compose.yml as processes: PostgreSQL, Redis, two API replicas, three workers, the shop, nginx, Prometheus, with
the configuration files and the secrets that are shipped. Only addresses are replaced.
"""

import json
import os
import re
import shlex
import shutil
import string
import subprocess
import zlib
from pathlib import Path

from .ground import ROOT, Failure, Http, check, free_port, until

APIS, WORKERS = 2, 3
SERVICES = {
    "inventory": "/inventory", "payment": "/payment", "sales": "/sales", "store_manager": "/store-manager",
    "payments_api": "/payments-api", "panier": "/panier", "stock": "/stock", "clients": "/clients", "ventes": "/ventes",
}  # fmt: skip


def program(name):
    """A program on the path, or of Debian's newest PostgreSQL."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    debian = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    check(found or debian, f"{name} is not installed: scripts/setup deploy")
    return found or str(debian[-1])


def is_key(text):
    """The form of docs/KEYS.md: the last six characters are a CRC-32 of the 43 before."""
    found = re.fullmatch(r"qk_([0-9A-Za-z]{43})([0-9A-Za-z]{6})", text)
    if not found:
        return False
    digits, rest, check_characters = string.digits + string.ascii_uppercase + string.ascii_lowercase, zlib.crc32(found[1].encode()), ""
    for _ in range(6):
        rest, place = divmod(rest, 62)
        check_characters = digits[place] + check_characters
    return check_characters == found[2]


def secrets(folder):
    """What deploy/init-secrets writes, and the key that it shows."""
    file = folder / "secrets.env"
    shown = subprocess.run([ROOT / "deploy/init-secrets", file], check=True, capture_output=True, text=True).stdout
    again = subprocess.run([ROOT / "deploy/init-secrets", file], capture_output=True, text=True)
    check(again.returncode == 1 and "left alone" in again.stderr, "init-secrets overwrites a file")
    check(file.stat().st_mode & 0o077 == 0, "the secrets can be read by others")
    values = dict(line.split("=", 1) for line in file.read_text().splitlines() if line and not line.startswith("#"))
    key = re.search(r"qk_\w+", shown).group()
    check(is_key(key), f"the first key has not the form of docs/KEYS.md: {len(key)} characters")
    return {name: shlex.split(value)[0] for name, value in values.items()}, key


class Stack:
    def __init__(self, ground, binary):
        self.ground, self.folder, self.binary = ground, ground.folder, binary
        self.secrets, self.key = secrets(self.folder)
        self.apis, self.workers = [], []

    def start(self):
        self.postgres()
        self.redis()
        self.shop_port = free_port()
        self.ground.start("shop", [self.binary, "shop", "--port", self.shop_port, "--data-dir", self.folder / "shop"])
        self.shop = Http(self.shop_port)
        until("the shop answers", lambda: self.shop.get("/health").status == 200)
        self.api_ports = [free_port() for _ in range(APIS)]
        self.worker_ports = [free_port() for _ in range(WORKERS)]
        for number in range(APIS):
            self.api(number)
        for number in range(WORKERS):
            self.worker(number)
        for port in self.api_ports + self.worker_ports:
            until(f"port {port} is ready", lambda port=port: Http(port).get("/health/ready").status == 200, 120)
        self.nginx()
        self.prometheus()

    def settings(self, **more):
        """The environment of the compose file's `api` and `worker`."""
        participants = {name: {"url": f"http://127.0.0.1:{self.shop_port}{path}"} for name, path in SERVICES.items()}
        return {
            "DB_HOST": "127.0.0.1",
            "DB_PORT": str(self.postgres_port),
            "DB_USERNAME": "quittance",
            "DB_DATABASE": "quittance",
            "DB_PASSWORD": self.secrets["POSTGRES_PASSWORD"],
            "REDIS_HOST": "127.0.0.1",
            "REDIS_PORT": str(self.redis_port),
            "REDIS_PASSWORD": self.secrets["REDIS_PASSWORD"],
            "QUITTANCE_KEYS": self.secrets["QUITTANCE_KEYS"],
            "QUITTANCE_SAGAS_PARTICIPANTS": json.dumps(participants),
            "QUITTANCE_DATABASE_MAX_CONNECTIONS": "15",
            "QUITTANCE_DATA_DIR": str(self.folder / "data"),
            "QUITTANCE_STORAGE_PATH": str(self.folder / "originals"),
            "QUITTANCE_PROCESSING_MODELS_DIR": str(ROOT / "models"),
            "QUITTANCE_PROCESSING_ECONOMY": "true",
            "QUITTANCE_LOG_FORMAT": "json",
            **more,
        }

    def limits(self):
        """What the compose file allows a client and an address, where .env says nothing."""
        compose = (ROOT / "docker-compose.yml").read_text()
        shipped = dict(re.findall(r"^\s+(QUITTANCE_LIMITS_\w+): \$\{\1:-(\d+)\}$", compose, re.M))
        rates = [int(shipped.get(f"QUITTANCE_LIMITS_{what}_PER_MINUTE", 0)) for what in ("REQUESTS", "UPLOADS")]
        check(all(rates), f"docker-compose.yml has no rates for clients: {shipped}")
        check(shipped.get("QUITTANCE_LIMITS_CONNECTIONS_PER_IP") == "0", "the gateway's own connections are limited as one client's")
        return shipped

    def api(self, number):
        settings = self.settings(PORT=str(self.api_ports[number]), **self.limits())
        self.apis[number : number + 1] = [self.ground.start(f"api-{number}", [self.binary, "api"], settings)]

    def worker(self, number):
        settings = self.settings(QUITTANCE_WORKER_PORT=str(self.worker_ports[number]), QUEUE_CONCURRENCY="2")
        self.workers[number : number + 1] = [self.ground.start(f"worker-{number}", [self.binary, "worker"], settings)]

    def postgres(self):
        self.postgres_port = free_port()
        data, password = self.folder / "postgres", self.folder / "postgres-password"
        password.write_text(self.secrets["POSTGRES_PASSWORD"])
        unprivileged = []
        if os.geteuid() == 0:
            # Root may not run PostgreSQL.
            unprivileged = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
            data.mkdir()
            shutil.chown(data, "nobody", "nogroup")
            shutil.chown(password, "nobody", "nogroup")
        init = [program("initdb"), "-D", data, "-U", "quittance", "--pwfile", password, "-A", "scram-sha-256", "--no-sync", "--no-locale", "-E", "UTF8"]
        made = subprocess.run([*unprivileged, *map(str, init)], capture_output=True, text=True, cwd=self.folder)
        check(made.returncode == 0, f"initdb: {made.stderr}")
        options = ["listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=200", "shared_buffers=64MB"]
        command = [*unprivileged, program("postgres"), "-D", data, "-p", self.postgres_port]
        self.ground.start("postgres", command + [word for option in options for word in ("-c", option)])
        self.sql("CREATE DATABASE quittance", "postgres")

    def sql(self, query, database="quittance"):
        command = [program("psql"), "-XAtq", "-h", "127.0.0.1", "-p", str(self.postgres_port), "-U", "quittance", "-d", database, "-c", query]
        environment = {**os.environ, "PGPASSWORD": self.secrets["POSTGRES_PASSWORD"]}

        def ask():
            found = subprocess.run(command, env=environment, capture_output=True, text=True)
            return [found.stdout] if found.returncode == 0 else None

        return until(f"PostgreSQL answers {query}", ask)[0]

    def redis(self):
        self.redis_port = free_port()
        compose = (ROOT / "docker-compose.yml").read_text()
        shipped = re.search(r"redis-server - <<END\n(.*?)\n\s*END\n", compose, re.S)
        check(shipped, "docker-compose.yml does not give Redis its configuration")
        lines = "\n".join(line.strip() for line in shipped.group(1).splitlines())
        lines = lines.replace("$$REDIS_PASSWORD", self.secrets["REDIS_PASSWORD"]).replace("dir /data", f"dir {self.folder}")
        self.ground.start("redis", [program("redis-server"), "-"], stdin=f"{lines}\nport {self.redis_port}\nbind 127.0.0.1\n")

    def nginx(self, name="nginx", upstreams=None, *changes):
        """nginx with the shipped configuration, but for these changes, in front of these ports; gives the gateway's."""
        home, port = self.folder / name, free_port()
        shutil.copytree(ROOT / "deploy/nginx", home)
        for folder in ("tmp", "listen.d"):
            (home / folder).mkdir(exist_ok=True)
        self.replace(home / "nginx.conf", ("listen 8080 ", f"listen 127.0.0.1:{port} "), ("/tmp/", f"{home}/tmp/"), ("/dev/stdout", f"{home}/access.log"), *changes)
        servers = "".join(f"    server 127.0.0.1:{p} max_fails=3 fail_timeout=5s;\n" for p in upstreams or self.api_ports)
        text = re.sub(r"^resolver .*\n", "", (home / "upstream.conf").read_text(), flags=re.M)
        text, count = re.subn(r"^ *server api:8080 resolve max_fails=3 fail_timeout=5s;\n", servers, text, flags=re.M)
        check(count == 1, "upstream.conf has no line for the API")
        (home / "upstream.conf").write_text(text)
        process = self.ground.start(name, [program("nginx"), "-e", home / "error.log", "-p", home, "-c", home / "nginx.conf", "-g", "daemon off;"])
        if not upstreams:
            self.nginx_process, self.gateway_port = process, port
            self.gateway = Http(port, {"Authorization": f"Bearer {self.key}"})
            until("the gateway answers", lambda: self.gateway.get("/health").status == 200)
        else:
            until("the gateway answers", lambda: Http(port).get("/metrics").status == 404)
        return port

    def prometheus(self):
        home, port = self.folder / "prometheus", free_port()
        shutil.copytree(ROOT / "deploy/prometheus", home)
        file = home / "prometheus.yml"
        for name, ports in (("api", self.api_ports), ("worker", self.worker_ports)):
            targets = ", ".join(f'"127.0.0.1:{p}"' for p in ports)
            block = re.search(rf"    dns_sd_configs:\n      - names: \[{name}\]\n(?:        .*\n)+", file.read_text())
            check(block, f"prometheus.yml does not find {name}")
            self.replace(file, (block.group(), f"    static_configs:\n      - targets: [{targets}]\n"))
        self.replace(file, ("interval: 15s", "interval: 1s"), ("localhost:9090", f"localhost:{port}"))
        self.ground.start(
            "prometheus",
            [program("prometheus"), f"--config.file={file}", f"--storage.tsdb.path={home}/data", f"--web.listen-address=127.0.0.1:{port}"],
        )
        self.metrics = Http(port)
        until("Prometheus answers", lambda: self.metrics.get("/-/ready").status == 200)

    @staticmethod
    def replace(file, *pairs):
        text = file.read_text()
        for old, new in pairs:
            if old not in text:
                raise Failure(f"{file.name} has no {old!r}")
            text = text.replace(old, new)
        file.write_text(text)
