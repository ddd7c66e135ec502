"""Loaded by Schemathesis in `make test-api`."""

import schemathesis

FORMS = {
    "POST /api/v1/receipts/analyze": {"image", "clientId", "userId", "metadata"},
    "POST /api/v1/workflows": {"document", "userId", "clientId", "mapping", "currency", "account", "priority"},
}


@schemathesis.hook
def map_body(context, body):
    """No further parts in forms: their names would be made of characters that no header of a part can carry."""
    known = FORMS.get(context.operation.label)
    if known is None or not isinstance(body, dict):
        return body
    return {name: value for name, value in body.items() if name in known}
