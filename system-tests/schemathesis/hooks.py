"""What Schemathesis cannot know of the API: who it is, and data that the document can only describe in words.

Settings come from run.py by the environment; without TRIAL_TOKEN it is nobody.
"""

import base64
import datetime
import hashlib
import hmac
import itertools
import json
import os
import string
import time
import zlib

import requests
import schemathesis
from hypothesis import strategies as st

TOKEN = os.environ.get("TRIAL_TOKEN", "")
PASSWORD = os.environ["TRIAL_PASSWORD"]
SPARE = os.environ["TRIAL_SPARE"]
SELF = os.environ.get("TRIAL_SELF", "")
PROTECTED_IDS = set(os.environ["TRIAL_PROTECTED_IDS"].split(","))
RUN = os.environ["TRIAL_RUN"]
ACTION_KEY = os.environ["TRIAL_ACTION_KEY"].encode()
MISSING_ID = "01900000-0000-7000-8000-000000000000"
COUNTER = itertools.count(1)

# ---- values that a format stands for

ALPHANUMERIC = string.ascii_letters + string.digits


def opaque(low, high):
    """Letters and digits of a hash: hard to guess also where the generator asks for the simplest value."""

    def build(seed, size):
        digest = hashlib.sha512(str(seed).encode()).digest()
        return "".join(ALPHANUMERIC[byte % len(ALPHANUMERIC)] for byte in digest)[:size]

    return st.builds(build, st.integers(0, 2**32), st.integers(low, high))


FORMATS = {
    # Not easy to guess, which no pattern can say.
    "password": opaque(16, 40),
    # Until today, which no schema can say.
    "date": st.dates(datetime.date(1900, 1, 1), datetime.date(2020, 12, 31)).map(str),
    "email": opaque(10, 20).map(lambda text: f"{text.lower()}@generated.example"),
}
for name, strategy in FORMATS.items():
    schemathesis.openapi.format(name, strategy)


@schemathesis.hook
def before_load_schema(ctx, raw_schema):
    """A pattern beside a format makes the generator forget the format."""

    def without_patterns(node):
        if isinstance(node, dict):
            if node.get("format") in FORMATS:
                node.pop("pattern", None)
            for child in node.values():
                without_patterns(child)
        elif isinstance(node, list):
            for child in node:
                without_patterns(child)

    without_patterns(raw_schema)


# ---- who calls

# What ends the session that it is called with, or all of the account's: done with a session of its own.
SESSION_ENDING = {("DELETE", "/sessions/current")}


def post(url, body):
    answer = requests.post(url, json=body, timeout=20)
    answer.raise_for_status()
    return answer.json()


if TOKEN:

    @schemathesis.auth(refresh_interval=None)
    class BearerAuth:
        def get(self, case, ctx):
            if (case.operation.method.upper(), case.operation.path) in SESSION_ENDING:
                base = case.operation.base_url.rstrip("/")
                return post(f"{base}/sessions", {"login": SPARE, "password": PASSWORD})["accessToken"]
            return TOKEN

        def set(self, case, data, ctx):
            case.headers = {**(case.headers or {}), "Authorization": f"Bearer {data}"}


# ---- calls that need something real

ACTIONS = {
    ("POST", "/confirmations"): "confirm-address",
    ("POST", "/confirm"): "confirm-address",
    ("POST", "/email-change-cancellations"): "cancel-address-change",
    ("POST", "/cancel-email-change"): "cancel-address-change",
    ("POST", "/password-resets/confirm"): "reset-password",
    ("POST", "/reset-password"): "reset-password",
}


def sign(purpose, user, address, version):
    """A token as the notifier signs it."""
    claims = {"purpose": purpose, "sub": user, "address": address, "sv": version, "exp": int(time.time()) + 3600}
    encode = lambda data: base64.urlsafe_b64encode(data).rstrip(b"=")
    signed = encode(b'{"alg":"HS256","typ":"inf-user-action+jwt"}') + b"." + encode(json.dumps(claims).encode())
    return (signed + b"." + encode(hmac.new(ACTION_KEY, signed, hashlib.sha256).digest())).decode()


def action_token(base, purpose):
    """A token that counts, for an account that was just made."""
    name = f"{RUN}t{next(COUNTER)}"
    email = f"{name}@generated.example"
    user = post(f"{base}/users", {"username": name, "email": email, "password": PASSWORD})["id"]
    if purpose != "cancel-address-change":
        return sign(purpose, user, email, 1)
    # There must be a change to stop.
    post(f"{base}/confirmations", {"token": sign("confirm-address", user, email, 1)})
    token = post(f"{base}/sessions", {"login": name, "password": PASSWORD})["accessToken"]
    change = {"email": f"new-{email}", "currentPassword": PASSWORD}
    answer = requests.patch(f"{base}/users/{user}", json=change, headers={"Authorization": f"Bearer {token}"}, timeout=20)
    answer.raise_for_status()
    return sign(purpose, user, email, 3)


def is_positive(case):
    return case.meta is not None and case.meta.generation.mode.is_positive


@schemathesis.hook
def before_call(ctx, case, kwargs):
    method, path = case.method.upper(), case.operation.path
    for name, value in (case.path_parameters or {}).items():
        # The accounts that the trial itself needs are left alone; the own one may be changed and not deleted.
        if method in ("PUT", "PATCH", "DELETE") and str(value) in PROTECTED_IDS:
            case.path_parameters[name] = MISSING_ID
        if method == "DELETE" and str(value) == SELF:
            case.path_parameters[name] = MISSING_ID
    if not is_positive(case):
        return
    headers = case.headers or {}
    if "Idempotency-Key" in headers:
        # A key stands for one body; which it stood for, the generator does not know.
        headers["Idempotency-Key"] = f"{RUN}-{next(COUNTER)}"
    if "If-Match" in headers:
        headers["If-Match"] = "*"
    if not isinstance(case.body, dict):
        return
    if (method, path) == ("POST", "/users"):
        number = next(COUNTER)
        case.body["username"], case.body["email"] = f"{RUN}{number}", f"{RUN}{number}@generated.example"
    elif (method, path) == ("POST", "/sessions"):
        # By the body and never by a counter: what differs in a replay ends the stateful phase without a word.
        if zlib.crc32(repr(case.body).encode()) % 2:
            case.body["login"], case.body["password"] = SPARE, PASSWORD
    elif path == "/users/{id}":
        # A new address of the own account takes the password, which is a rule between fields.
        if "email" in case.body:
            case.body["currentPassword"] = PASSWORD
    elif path == "/users/{id}/password":
        case.body["currentPassword"] = case.body["newPassword"] = PASSWORD
    elif (method, path) in ACTIONS:
        case.body["token"] = action_token(case.operation.base_url.rstrip("/"), ACTIONS[method, path])
        if "newPasswordAgain" in case.body:
            case.body["newPasswordAgain"] = case.body["newPassword"]


# ---- what is no failure

@schemathesis.hook
def filter_failure(ctx, failure, case, response):
    """For a format without a validator, every value that Schemathesis makes to violate it is one that it may have."""
    if type(failure).__name__ != "AcceptedNegativeData" or case.meta is None:
        return True
    mutations = getattr(case.meta.phase.data, "mutations", None) or ()
    return not (mutations and all(tuple(mutation.keywords) == ("format",) for mutation in mutations))
