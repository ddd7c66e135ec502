"""Loaded by Schemathesis in `make test-api`."""

import json
import os
import re
import uuid

import schemathesis

FORMS = {
    "POST /api/v1/receipts/analyze": {"image", "clientId", "userId", "metadata"},
    "POST /api/v1/workflows": {"document", "userId", "clientId", "mapping", "currency", "account", "priority"},
}
UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
# Ids of what test_api.py has made, by the path's beginning and the parameter.
KNOWN = json.loads(os.environ.get("QUITTANCE_TEST_IDS", "{}"))


@schemathesis.hook
def map_body(context, body):
    """No further parts in forms: their names would be made of characters that no header of a part can carry."""
    known = FORMS.get(context.operation.label)
    if known is None or not isinstance(body, dict):
        return body
    return {name: value for name, value in body.items() if name in known}


@schemathesis.hook
def before_call(context, case, kwargs):
    """An id that is well-formed becomes that of something that exists; what erases meets nothing but strangers' ids."""
    method, path = case.operation.method.upper(), case.operation.path
    if method == "DELETE" and "legal-hold" not in path and not path.endswith("/reprocess"):
        for name, value in (case.path_parameters or {}).items():
            if value in KNOWN.values():
                case.path_parameters[name] = str(uuid.uuid4())
            elif name == "userId":
                case.path_parameters[name] = "nobody"
        return
    for name, value in (case.path_parameters or {}).items():
        if isinstance(value, str) and UUID.fullmatch(value):
            for (beginning, parameter), known in ((key.split(" "), known) for key, known in KNOWN.items()):
                if path.startswith(beginning) and name == parameter:
                    case.path_parameters[name] = known


@schemathesis.hook
def filter_case(context, case):
    """`{}` and `[]` are sent as an empty value, which counts as none and is allowed. schemathesis.toml sets `cursor` to one."""
    query = case.query if isinstance(case.query, dict) else {}
    return not any(value in ("", {}, []) for name, value in query.items() if name != "cursor")
