"""Made-up requests to everything that the API describes, on the Postgres of DATABASE_URL: `./x schema`.

    run.py BINARY FOLDER [--long] [options of `schemathesis run`]

Ends with 0 if every answer kept to the checks of schemathesis.toml; else the requests are shown as curl commands.
"""

import contextlib
import os
import re
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
TENANT, EMAIL = "schema", "admin@schema.example.com"
PATIENCE_S = 60
LONG = ["--max-examples", "200"]


def main() -> int:
    binary, folder = (Path(path).resolve() for path in sys.argv[1:3])
    wishes = sys.argv[3:]
    if "--long" in wishes:
        wishes = LONG + [wish for wish in wishes if wish != "--long"]
    # What ends this ends the server as well.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    log = folder / "server.log"
    with tempfile.TemporaryDirectory(prefix="sb-schema-") as data:
        product = Product(binary, Path(data))
        product.run("migrate")
        password = secrets.token_urlsafe(16)
        product.env["ADMIN_PASSWORD"] = password
        made = product.run("tenants", "create", TENANT, "--email", EMAIL)
        admin = {
            "SCHEMA_TENANT": TENANT,
            "SCHEMA_EMAIL": EMAIL,
            "SCHEMA_PASSWORD": password,
            "SCHEMA_ADMIN": re.findall(r"\(([0-9a-f-]{36})\)", made)[-1],
        }
        with product.serving(log) as base:
            code = ask(base, folder, admin, wishes)
    if code != 0:
        tell_failures(log)
    return code


class Product:
    """The binary, with its files in a folder that is thrown away and no settings but these."""

    def __init__(self, binary: Path, data: Path):
        self.binary, self.data = binary, data
        self.env = {name: value for name, value in os.environ.items() if not name.startswith("SWITCHBOARD_")}
        self.env.pop("RUST_LOG", None)
        self.env |= {
            "NO_COLOR": "1",
            "SWITCHBOARD_DATA_DIR": str(data),
            "SWITCHBOARD_LISTEN": "127.0.0.1:0",
            # As many requests as it can take, from as many addresses as hooks.py makes up.
            "SWITCHBOARD_REQUESTS_PER_S": "1000000",
            "SWITCHBOARD_TENANT_REQUESTS_PER_S": "1000000",
            "SWITCHBOARD_ADDRESS_REQUESTS_PER_S": "1000000",
            "SWITCHBOARD_PROXY_HOPS": "1",
        }

    def run(self, *words: str) -> str:
        done = subprocess.run(
            [self.binary, *words], env=self.env, cwd=self.data, stdout=subprocess.PIPE, text=True
        )
        if done.returncode != 0:
            sys.exit(f"`switchboard {' '.join(words)}` failed; its own words stand above")
        return done.stdout

    @contextlib.contextmanager
    def serving(self, log: Path):
        """The address of a server that ends with this block. It runs no jobs: nothing is sent to anybody."""
        with log.open("w") as lines:
            server = subprocess.Popen(
                [self.binary, "serve", "--role", "api,notifier,scheduler"],
                env=self.env,
                cwd=self.data,
                stdin=subprocess.DEVNULL,
                stdout=lines,
                stderr=lines,
            )
        try:
            yield address(server, log)
        finally:
            server.terminate()
            try:
                server.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def address(server: subprocess.Popen, log: Path) -> str:
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until and server.poll() is None:
        found = re.search(r"listening on (http://[\d.:]+)", log.read_text(errors="replace"))
        if found:
            return found[1]
        time.sleep(0.05)
    sys.exit(f"the server did not begin to listen:\n{log.read_text(errors='replace')}")


def ask(base: str, folder: Path, admin: dict[str, str], wishes: list[str]) -> int:
    command = [Path(sys.executable).with_name("schemathesis"), "--config-file", HERE / "schemathesis.toml"]
    command += ["run", f"{base}/api/v1/openapi.json", "--url", base, *wishes]
    ways = {
        "SCHEMATHESIS_HOOKS": str(HERE / "hooks.py"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "NO_PROXY": "127.0.0.1",
    }
    # In a folder of its own, for what it leaves behind.
    return subprocess.run(command, env=os.environ | admin | ways, cwd=folder).returncode


def tell_failures(log: Path) -> None:
    """What the server itself said of answers that failed inside."""
    lines = log.read_text(errors="replace").splitlines()
    failures = [line for line in lines if " ERROR " in line or "panicked" in line]
    print("\n".join([*failures[-40:], f"The server's log: {log}"]), file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
