"""Every expression of the dashboards and rules, asked of the live Prometheus: each has to give a number."""

import json
import math
import re
from urllib.parse import quote

from .ground import ROOT, check, until

# Names of ours in an expression, labels aside.
METRIC = re.compile(r"\b(?:quittance|saga|receipts|http|process|queue|commande|removals|clock|webhook|node)[a-z0-9_:]*\b|\bup\b")
# Counters that appear with the first event, and what only the profile `disk` of the compose file tells.
ELSEWHERE = re.compile(r"clock_jumps_total|webhook_endpoints_disabled_total|node_filesystem_\w+_bytes")


def query(stack, expression):
    answer = stack.metrics.get(f"/api/v1/query?query={quote(expression)}").json()
    check(answer["status"] == "success", f"{expression}: {answer.get('error')}")
    return answer["data"]["result"]


def has_data(stack, expression):
    return any(math.isfinite(float(sample["value"][1])) for sample in query(stack, expression))


def panels():
    for file in sorted((ROOT / "deploy/grafana/dashboards").glob("*.json")):
        for panel in json.loads(file.read_text())["panels"]:
            for target in panel["targets"]:
                yield f"{file.stem}: {panel['title']}", target["expr"].replace("$__rate_interval", "1m").replace("$type", ".*")


def recorded_and_alerts():
    """Of rules.yml, whose every rule is two lines: its name, then its expression."""
    text = (ROOT / "deploy/prometheus/rules.yml").read_text()
    rules = re.findall(r"- (record|alert): (\S+)\n\s+expr: (.+)\n", text)
    check(len(rules) == len(re.findall(r"- (?:record|alert): ", text)), "a rule of rules.yml is not read")
    return rules


def expressions(stack):
    asked = 0
    for where, expression in panels():
        until(f"{where} has data: {expression}", lambda e=expression: has_data(stack, e), 20, 0.5)
        asked += 1
    for kind, name, expression in recorded_and_alerts():
        if kind == "record":
            until(f"{name} has data", lambda n=name: has_data(stack, n), 20, 0.5)
        else:
            # An alert that is silent gives nothing; what it looks at has to be there.
            query(stack, expression)
            bare = re.sub(r'"[^"]*"|\{[^}]*\}', "", expression)
            names = set(METRIC.findall(bare))
            check(names, f"{name} looks at nothing")
            for metric in names:
                if ELSEWHERE.fullmatch(metric):
                    continue
                until(f"{name}: {metric} is there", lambda m=metric: has_data(stack, f"count({m})"), 20, 0.5)
        asked += 1
    return asked


def silent(stack):
    """Nothing that pages anybody fires while all is well."""
    firing = query(stack, 'ALERTS{alertstate="firing", severity="critical"}')
    check(not firing, f"alerts fire: {[f['metric'] for f in firing]}")


def memory(stack):
    """Highest memory of an API replica, MB; the compose file gives it 200."""
    highest = float(query(stack, 'max(max_over_time(process_resident_memory_bytes{job="quittance-api"}[10m]))')[0]["value"][1]) / 1e6
    check(highest < 200, f"an API replica took {highest:.0f} MB")
    return highest


def targets(stack, apis, workers):
    def all_up():
        found = {s["metric"]["job"]: int(float(s["value"][1])) for s in query(stack, "sum by (job) (up)")}
        return found == {"quittance-api": apis, "quittance-worker": workers, "prometheus": 1}

    until("Prometheus reaches every process", all_up, 30, 0.5)


def alerted(stack, name, seconds=20):
    """The alert is at least pending: its `for` is promtool's affair."""
    until(f"{name} is raised", lambda: query(stack, f'ALERTS{{alertname="{name}"}}'), seconds, 0.5)
