"""What the gateway promises, asked of nginx with the shipped configuration: in front of the API, and in front of servers that misbehave."""

import contextlib
import http.client
import http.server
import json
import re
import signal
import socket
import ssl
import subprocess
import threading
import time

from . import own_answers
from .ground import ROOT, Http, check, free_port, until


class Fake:
    """A replica that does as it is told: `answer` tells what came, `cut` hangs up once the request is here, `stream` sends events."""

    def __init__(self):
        self.mode, self.seen = "answer", []
        fake = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def handle_one(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                fake.seen.append((self.command, self.path, dict(self.headers), len(body)))
                if fake.mode == "cut":
                    self.close_connection = True
                    self.connection.shutdown(socket.SHUT_RDWR)
                elif fake.mode == "wait":
                    fake.go_on.wait(20)
                    self.close_connection = True
                elif fake.mode == "stream":
                    self.send_response(200)
                    self.send_header("Content-Type", "text/event-stream")
                    self.send_header("Connection", "close")
                    self.end_headers()
                    self.wfile.write(b"event: progress\ndata: {}\n\n")
                    self.wfile.flush()
                    fake.go_on.wait(20)
                    self.wfile.write(b"event: completed\ndata: {}\n\n")
                    self.close_connection = True
                else:
                    text = json.dumps({"headers": {k.lower(): v for k, v in self.headers.items()}, "bytes": len(body)}).encode()
                    self.send_response(200)
                    self.send_header("Content-Length", str(len(text)))
                    self.end_headers()
                    self.wfile.write(text)

            do_GET = do_POST = do_PATCH = do_DELETE = handle_one

        self.go_on = threading.Event()
        class Server(http.server.ThreadingHTTPServer):
            request_queue_size = 512

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def repeats(gateway, fakes):
    """Only what may be sent twice is sent twice."""
    for method, headers, times, path in [
        ("GET", {}, 2, "/api/v1/receipts"),
        ("POST", {}, 1, "/api/v1/sagas"),
        ("POST", {"Idempotency-Key": "k-1"}, 2, "/api/v1/sagas"),
        ("PATCH", {}, 1, "/api/v1/receipts/1/fields"),
        ("PATCH", {"Idempotency-Key": "k-2"}, 2, "/api/v1/receipts/1/fields"),
    ]:
        for fake in fakes:
            fake.mode, fake.seen = "cut", []
        body = None if method == "GET" else b"x" * 300_000
        answer = gateway.call(method, path, body, headers)
        seen = [request for fake in fakes for request in fake.seen]
        check(len(seen) == times, f"{method} with {headers} reached replicas {len(seen)} times, not {times}")
        check(all(size == len(body or b"") for _, _, _, size in seen), f"{method} reached a replica without its whole body")
        check(answer.status == 503 and answer.headers["Retry-After"], f"{method}: {answer.status} {answer.body[:200]}")
        error = answer.json()["error"]
        plain = path == "/api/v1/sagas"
        check(isinstance(error, str) if plain else error["code"] == "SERVICE_UNAVAILABLE", f"not the API's shape: {answer.body}")
        # Replicas that fail are left alone for five seconds.
        until("the replicas are asked again", lambda: answers(gateway, fakes), 15)


def answers(gateway, fakes):
    for fake in fakes:
        fake.mode = "answer"
    before = [len(fake.seen) for fake in fakes]
    for _ in range(4):
        gateway.get("/health")
    return all(len(fake.seen) > b for fake, b in zip(fakes, before))


class Full:
    """A replica whose queue of connections is full: whoever connects waits."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=0)
        self.port, self.waiting = self.listener.getsockname()[1], []
        while True:
            s = socket.socket()
            s.settimeout(0.3)
            self.waiting.append(s)
            try:
                s.connect(("127.0.0.1", self.port))
            except TimeoutError:
                break

    def close(self):
        for s in (*self.waiting, self.listener):
            s.close()


def unreachable(stack):
    """What reached no replica may be sent again, whether connections are refused or time out."""
    fulls = [Full(), Full()]
    gateway = Http(stack.nginx("nginx-full", [full.port for full in fulls]))
    for method, path in (("GET", "/api/v1/receipts"), ("POST", "/api/v1/sagas")):
        answer = gateway.call(method, path, headers={"Accept-Language": "en"})
        check(answer.status == 503 and answer.headers["Retry-After"], f"{method} that reached nobody: {answer.status} {answer.body[:200]}")
        check(b"does not answer right now" in answer.body, f"{method} that reached nobody is said to be under way: {answer.body}")
    for full in fulls:
        full.close()


def late(gateway, fakes):
    """What reached a replica that then says nothing may be under way: 504, not to be repeated."""
    for fake in fakes:
        fake.mode = "wait"
        fake.go_on.clear()
    answer = gateway.call("POST", "/api/v1/sagas", b"{}", {"Accept-Language": "en"})
    check(answer.status == 504 and not answer.headers["Retry-After"], f"a replica that says nothing: {answer.status} {answer.body[:200]}")
    check(b"may still be under way" in answer.body, f"a replica that says nothing: {answer.body}")
    for fake in fakes:
        fake.go_on.set()
        fake.mode = "answer"


def headers(gateway):
    """The first hop says who calls; an id is kept when it is harmless."""
    sent = {"X-Forwarded-For": "6.6.6.6", "X-Real-IP": "6.6.6.6", "X-Request-Id": "till-7.42", "Accept-Language": "en"}
    found = gateway.get("/health", headers=sent).json()["headers"]
    check(found["x-forwarded-for"] == found["x-real-ip"] == "127.0.0.1", f"a client's address is believed: {found}")
    check(found["x-request-id"] == "till-7.42", f"the request id is lost: {found}")
    check("connection" not in found or found["connection"] != "close", "connections to replicas are not kept")
    found = gateway.get("/health", headers={"X-Request-Id": "a b<script>"}).json()["headers"]
    check(re.fullmatch(r"[0-9a-f]{32}", found["x-request-id"]), f"a harmful request id goes through: {found}")


def stream(gateway, fakes):
    """Events arrive when they are sent, not when they end."""
    for fake in fakes:
        fake.mode = "stream"
        fake.go_on.clear()
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=10) as s:
        s.sendall(b"GET /api/v1/receipts/1/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        got = b""
        while b"progress" not in got:
            part = s.recv(4096)
            check(part, f"the stream ended: {got}")
            got += part
        check(b"completed" not in got, "the stream came as a whole")
        for fake in fakes:
            fake.go_on.set()
        while b"completed" not in got:
            part = s.recv(4096)
            check(part, f"the stream ended: {got}")
            got += part
    for fake in fakes:
        fake.mode = "answer"


@contextlib.contextmanager
def streams(gateway, fakes, senders):
    """A call that does not end for each of these senders; all of them are served."""
    for fake in fakes:
        fake.mode = "stream"
        fake.go_on.clear()
    sockets = []
    try:
        for sender in senders:
            s = socket.create_connection(("127.0.0.1", gateway.port), timeout=30)
            s.sendall(f"GET /api/v1/receipts/1/events HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Forwarded-For: {sender}\r\n\r\n".encode())
            sockets.append(s)
        for s in sockets:
            check(b"200" in s.recv(100), "a call within the limit is refused")
        yield
    finally:
        for fake in fakes:
            fake.go_on.set()
        for s in sockets:
            s.close()
    for fake in fakes:
        fake.mode = "answer"


def crowd(gateway, fakes):
    """One address gets 256 calls at a time, whatever it says of itself; the next one is told so."""
    with streams(gateway, fakes, [f"203.0.113.{n}" for n in range(256)]):
        answer = gateway.get("/api/v1/receipts", headers={"Accept-Language": "en"})
        check(answer.status == 429 and answer.headers["Retry-After"], f"the 257th call at a time: {answer.status}")
        check(answer.json()["error"]["code"] == "RATE_LIMITED", f"not the API's shape: {answer.body}")


def behind_proxy(stack):
    """With proxy.conf the proxy's word counts, and nobody else's; its clients are counted apart."""
    fakes = [Fake(), Fake()]
    told = (ROOT / "deploy/nginx/listen.d/proxy.conf.example").read_text().replace("192.0.2.10", "127.0.0.1")
    gateway = Http(stack.nginx("nginx-proxied", [fake.port for fake in fakes], ("include listen.d/*.conf;", told)))
    found = gateway.get("/health", headers={"X-Forwarded-For": "6.6.6.6, 203.0.113.7"}).json()["headers"]
    check(found["x-forwarded-for"] == found["x-real-ip"] == "203.0.113.7", f"the proxy is not believed, or its client is: {found}")
    stranger = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=10, source_address=("127.0.0.2", 0))
    stranger.request("GET", "/health", headers={"X-Forwarded-For": "6.6.6.6"})
    found = json.loads(stranger.getresponse().read())["headers"]
    check(found["x-forwarded-for"] == found["x-real-ip"] == "127.0.0.2", f"a stranger's word counts: {found}")
    with streams(gateway, fakes, [f"203.0.113.{n % 250}" for n in range(300)]):
        answer = gateway.get("/metrics", headers={"X-Forwarded-For": "203.0.113.251"})
        check(answer.status == 404, f"the proxy's clients are one: {answer.status}")


def hidden(gateway):
    """Numbers and operators' pages are not for outside, however the path is written."""
    for path in ["/metrics", "/metrics/", "//metrics", "/%6detrics", "/x/../metrics", "/./metrics", "/metrics?x=1", "/admin", "/admin/queue", "/ADMIN/../admin"]:
        answer = gateway.get(path)
        check(answer.status in (400, 404) and b"# TYPE" not in answer.body, f"{path} is served: {answer.status}")


class SlowClient(threading.Thread):
    """Sends a header now and then; cut off within the ten seconds nginx gives."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.port, self.seconds = port, None
        self.start()

    def run(self):
        began = time.monotonic()
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as s:
            s.sendall(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n")
            try:
                while time.monotonic() - began < 25:
                    s.settimeout(1)
                    try:
                        if s.recv(1000) == b"":
                            break
                    except TimeoutError:
                        s.sendall(b"X-A: b\r\n")
            except OSError:
                pass
        self.seconds = time.monotonic() - began


def tls(stack):
    """A file in listen.d adds TLS, as the operator's guide says."""
    home = stack.folder / "tls"
    home.mkdir()
    made = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost", "-keyout", home / "key.pem", "-out", home / "cert.pem"],
        capture_output=True,
    )
    check(made.returncode == 0, f"openssl: {made.stderr}")
    port = free_port()
    text = (stack.folder / "nginx/listen.d/tls.conf.example").read_text()
    text = text.replace("8443", f"127.0.0.1:{port}").replace("/etc/nginx/tls", str(home))
    (stack.folder / "nginx/listen.d/tls.conf").write_text(text)
    stack.nginx_process.send_signal(signal.SIGHUP)
    context = ssl.create_default_context(cafile=str(home / "cert.pem"))
    context.check_hostname = False

    def secure(path="/health"):
        connection = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=5)
        connection.request("GET", path)
        return connection.getresponse()

    answer = until("nginx answers over TLS after a reload", secure)
    check(answer.status == 200 and answer.headers["Strict-Transport-Security"], f"TLS: {answer.status} {answer.headers}")
    answer = secure("/metrics")
    check(answer.status == 404 and answer.headers["Strict-Transport-Security"], f"nginx itself over TLS: {answer.status} {answer.headers}")
    unencrypted = own_answers.raw(port, b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n")
    check(unencrypted.status == 400 and "error" in unencrypted.json(), f"without TLS at its port: {unencrypted.status} {unencrypted.body[:200]}")
    plain = stack.gateway.get("/metrics").headers
    check(not plain["Strict-Transport-Security"], "without TLS it is promised")


def misbehaving(stack):
    fakes = [Fake(), Fake()]
    patience = ("proxy_read_timeout 75s", "proxy_read_timeout 2s")
    gateway = Http(stack.nginx("nginx-fakes", [fake.port for fake in fakes], patience))
    headers(gateway)
    stream(gateway, fakes)
    crowd(gateway, fakes)
    repeats(gateway, fakes)
    late(gateway, fakes)
    unreachable(stack)
    behind_proxy(stack)


def behaving(stack):
    gateway = stack.gateway
    hidden(gateway)
    own_answers.refusals(gateway)
    own_answers.bare(gateway)
    own_answers.languages(gateway)
    packed = gateway.get("/api-docs/openapi.json", headers={"Accept-Encoding": "gzip"})
    check(packed.headers["Content-Encoding"] == "gzip", "what the API compresses arrives otherwise")
    stranger = Http(stack.gateway_port).get("/api/v1/receipts")
    check(stranger.status == 401, f"without a key: {stranger.status}")
    rate = stack.limits()["QUITTANCE_LIMITS_REQUESTS_PER_MINUTE"]
    policy = gateway.get("/api/v1/receipts").headers["RateLimit-Policy"]
    check(policy and f"q={rate};w=60" in policy, f"a client's rate is not the shipped one: {policy}")
    tls(stack)


def under_calls(stack, happens):
    """Clients call while `happens(pass_by)` goes on, which may let a number of calls pass by: none fails, neither GET nor POST with a
    key. Gives how many there were."""
    stop, wrong, done, began = threading.Event(), [], [], time.time_ns()

    def caller(number):
        count = 0
        while not stop.is_set():
            count += 1
            if number % 2:
                answer = stack.gateway.get("/api/v1/sagas?limit=1")
                good = answer.status == 200
            else:
                body = {"type": "purchase_saga", "data": PURCHASE}
                answer = stack.gateway.call("POST", "/api/v1/sagas", body, {"Idempotency-Key": f"calls-{began}-{number}-{count}"})
                good = answer.status == 201
            # All of them together stay below what a client is allowed, for as long as it takes.
            time.sleep(0.09)
            done.append(number)
            if not good:
                wrong.append((answer.status, answer.body[:200]))

    def pass_by(count):
        mark = len(done)
        until("calls go on", lambda: len(done) > mark + count or wrong)

    threads = [threading.Thread(target=caller, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    try:
        happens(pass_by)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    check(not wrong, f"{len(wrong)} of {len(done)} calls failed: {wrong[:3]}")
    return len(done)


def failover(stack):
    """A replica is killed and comes back, and no client notices."""

    def happens(pass_by):
        pass_by(40)
        stack.apis[0].kill()
        pass_by(80)
        stack.api(0)
        ready(stack.api_ports[0])

    return under_calls(stack, happens)


def ready(port):
    until(f"port {port} is ready", lambda: Http(port).get("/health/ready").status == 200, 120)


def log(stack):
    """Both replicas were asked; no path, key or address of a client stands in the log."""
    text = (stack.folder / "nginx/access.log").read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    asked = {line["upstream"] for line in lines}
    for port in stack.api_ports:
        check(any(f"127.0.0.1:{port}" in upstream for upstream in asked), f"replica {port} was never asked")
    for word in (stack.key, "/api/v1", "clientId", "operator"):
        check(word not in text, f"the access log tells {word}")
    said = (stack.folder / "nginx.log").read_text()
    check("client:" not in said, f"nginx tells of clients beside its access log: {said[:500]}")
    return len(lines)


PURCHASE = {
    "store_id": 1,
    "customer_id": 1,
    "items": [{"product_id": 1, "quantity": 1, "price": 2.5}],
    "payment_method": "card",
    "amount": 2.5,
}
