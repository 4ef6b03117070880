"""What schemathesis cannot know of this API."""

import itertools
import os

import schemathesis

ADMIN = os.environ["SCHEMA_ADMIN"]
NOBODY = "00000000-0000-7000-8000-000000000000"
# After these nobody could log in any more.
ENDS_THE_ADMIN = {"PATCH /api/v1/users/{id}", "POST /api/v1/users/{id}/password-links"}
# Reserved for documentation (RFC 5737).
ADDRESSES = itertools.cycle(f"198.51.100.{host}" for host in range(1, 255))


@schemathesis.hook
def before_call(context, case, kwargs):
    """Spares the admin, and comes from many addresses, so that guessed logins are tried and not throttled."""
    if case.headers is None:
        case.headers = {}
    case.headers["X-Forwarded-For"] = next(ADDRESSES)
    # What was made under a key before is answered without a body.
    case.headers.pop("Idempotency-Key", None)
    if case.operation.label in ENDS_THE_ADMIN and str((case.path_parameters or {}).get("id")) == ADMIN:
        case.path_parameters["id"] = NOBODY


@schemathesis.serializer("text/csv")
def csv(context, value):
    """Every other file begins with columns that the import knows."""
    if isinstance(value, bytes):
        return value
    text = str(value)
    head = "name,email,phone,plan\n" if len(text) % 2 else ""
    return (head + text).encode(errors="replace")
