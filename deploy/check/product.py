"""The product's binary, on the Postgres of DATABASE_URL, with its files in a folder that is thrown away."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path

PATIENCE_S = 60
ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "correct horse battery"
# 32 zero bytes.
KEY = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def get(url: str) -> tuple[int, str]:
    """Status and body; 0 if nobody listens."""
    try:
        with urllib.request.urlopen(url, timeout=15) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return 0, ""


class Product:
    def __init__(self, binary: Path, data: Path, env: dict[str, str]):
        self.binary, self.data = binary, data
        kept = {name: value for name, value in os.environ.items() if not name.startswith("SWITCHBOARD_")}
        kept.pop("RUST_LOG", None)
        self.env = kept | env | {"NO_COLOR": "1", "SWITCHBOARD_DATA_DIR": str(data)}

    def run(self, *words: str, **more: str) -> str:
        done = subprocess.run(
            [self.binary, *words], env=self.env | more, cwd=self.data, stdout=subprocess.PIPE, text=True
        )
        if done.returncode != 0:
            sys.exit(f"`switchboard {' '.join(words)}` failed; its own words stand above")
        return done.stdout

    @contextlib.contextmanager
    def serving(self, words: list[str], ready: str):
        """Runs until the block ends, and says so if it does not become ready or does not end in order at SIGTERM."""
        with tempfile.TemporaryFile("w+") as log:
            process = subprocess.Popen(
                [self.binary, *words], env=self.env, cwd=self.data, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

            def fail(what: str):
                process.kill()
                process.wait()
                log.seek(0)
                sys.exit(f"`switchboard {' '.join(words)}` {what}:\n{log.read()[-4000:]}")

            until = time.monotonic() + PATIENCE_S
            while get(ready)[0] != 200:
                if process.poll() is not None:
                    fail(f"ended with {process.returncode}")
                if time.monotonic() > until:
                    fail("did not become ready")
                time.sleep(0.05)
            try:
                yield
            except BaseException:
                process.kill()
                process.wait()
                raise
            process.send_signal(signal.SIGTERM)
            try:
                code = process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                fail("did not end at SIGTERM")
            if code != 0:
                fail(f"ended with {code} at SIGTERM")


class Client:
    """An admin of a tenant."""

    def __init__(self, base: str, tenant: str, email: str):
        self.base, self.token = base, ""
        login = {"tenant": tenant, "email": email, "password": PASSWORD}
        self.token = self.ask("POST", "/api/v1/auth/login", login)["token"]

    def ask(self, method: str, path: str, body=None):
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.token}"}
        if method == "POST":
            headers["Idempotency-Key"] = str(uuid.uuid4())
        if not self.token:
            del headers["Authorization"]
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=15) as answer:
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            sys.exit(f"{method} {path} answered {error.code}: {error.read().decode()}")


def catalogue(page: str) -> dict[str, tuple[str, set[str]]]:
    """Kind and labels of each metric of docs/metrics.md."""
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| ([^|]*) \|", page, re.M)
    return {name: (kind, {label for label in labels.split(", ") if label.strip()}) for name, kind, labels in rows}
