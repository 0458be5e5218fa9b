"""Holds a running user-service against its own OpenAPI document: as nobody, as a user and as an admin.

usage: run.py USER_SERVICE_BINARY REPORT_FOLDER

Starts the service three times, each on a database of its own, and runs Schemathesis on the three side by side.
The exit code is 0 when no check has failed. Reports (JUnit) and logs are left in the folder.
"""

import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

import requests

HERE = pathlib.Path(__file__).parent
SCHEMATHESIS = pathlib.Path(sys.executable).parent / "st"
PASSWORD = "Xk7-vQ2p-Lm9z-Tr4w"
ACTION_KEY = "a" * 32
START_LIMIT = 30
RUN_LIMIT = 900
# A stateful run ends early, and silently, once a replay meets another state than before: several short ones see more.
STATEFUL_SEEDS = [1, 2, 3, 4]


class Service:
    """user-service on a SQLite file, without limits by client and with cheap hashes."""

    def __init__(self, binary, folder):
        self.binary, self.folder = binary, folder
        folder.mkdir(parents=True, exist_ok=True)
        self.database = {"USER_SERVICE_DATABASE_URL": f"sqlite://{folder}/users.db"}
        (folder / "password").write_text(PASSWORD)
        cheap = {"USER_SERVICE_PASSWORD_MEMORY_KIB": "64", "USER_SERVICE_PASSWORD_ITERATIONS": "1"}
        self.database.update(cheap)
        self.run("migrate", hashes=False)
        self.run("create-admin", "--username", "root", "--email", "root@example.org", "--password-file", folder / "password")
        self.log = open(folder / "serve.log", "w+")
        environment = {
            **self.database,
            "USER_SERVICE_LISTEN": "127.0.0.1:0",
            "USER_SERVICE_SESSION_KEY": "s" * 32,
            "USER_SERVICE_ACTION_TOKEN_KEY": ACTION_KEY,
            "USER_SERVICE_ACCESS_TOKEN_MINUTES": "1440",
            "USER_SERVICE_RATE_PER_ADDRESS": "0",
            "USER_SERVICE_RATE_PER_ACCOUNT": "0",
        }
        self.process = subprocess.Popen([binary, "serve"], env=environment, stderr=self.log, stdin=subprocess.DEVNULL)
        self.url = self.wait_for_url()

    def run(self, *arguments, hashes=True):
        environment = self.database if hashes else {"USER_SERVICE_DATABASE_URL": self.database["USER_SERVICE_DATABASE_URL"]}
        subprocess.run([self.binary, *map(str, arguments)], env=environment, check=True, stdout=subprocess.DEVNULL)

    def wait_for_url(self):
        deadline = time.monotonic() + START_LIMIT
        while time.monotonic() < deadline and self.process.poll() is None:
            found = re.search(r'"address":"([^"]+)"', (self.folder / "serve.log").read_text())
            if found:
                return f"http://{found[1]}"
            time.sleep(0.05)
        raise SystemExit(f"user-service did not start: {(self.folder / 'serve.log').read_text()}")

    def post(self, path, body):
        answer = requests.post(f"{self.url}{path}", json=body, timeout=20)
        answer.raise_for_status()
        return answer.json()

    def sign_up(self, name):
        return self.post("/users", {"username": name, "email": f"{name}@example.org", "password": PASSWORD})["id"]

    def log_in(self, name):
        return self.post("/sessions", {"login": name, "password": PASSWORD})["accessToken"]

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=30)
        self.log.close()


def try_out(role, binary, reports):
    """Runs everything as one role; returns what failed."""
    with tempfile.TemporaryDirectory() as scratch:
        service = Service(binary, pathlib.Path(scratch) / "service")
        try:
            return try_out_on(role, service, reports, pathlib.Path(scratch))
        finally:
            log = (service.folder / "serve.log").read_text()
            service.stop()
            (reports / f"{role}-service.log").write_text(log)


def try_out_on(role, service, reports, scratch):
    service.sign_up("spare")
    somebody = service.sign_up("somebody")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(scratch),
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "SCHEMATHESIS_HOOKS": str(HERE / "hooks.py"),
        "TRIAL_PASSWORD": PASSWORD,
        "TRIAL_ACTION_KEY": ACTION_KEY,
    }
    name = {"user": "somebody", "admin": "root"}.get(role)
    if name:
        environment["TRIAL_TOKEN"] = service.log_in(name)
    listed = requests.get(f"{service.url}/users", headers={"Authorization": f"Bearer {service.log_in('root')}"}, timeout=20)
    environment["TRIAL_PROTECTED_IDS"] = ",".join(user["id"] for user in listed.json()["items"] if user["id"] != somebody)
    environment["TRIAL_SELF"] = somebody
    # An admin's calls about others must not end the sessions that the trial itself needs.
    environment["TRIAL_SPARE"] = "root" if role == "admin" else "spare"

    failed = []
    parts = [("examples,coverage,fuzzing", 1)] + [("stateful", seed) for seed in STATEFUL_SEEDS]
    for phases, seed in parts:
        part = f"{role}-{phases.split(',')[-1]}-{seed}"
        environment["TRIAL_RUN"] = re.sub(r"[^a-z0-9]", "", part)
        began = time.monotonic()
        with open(reports / f"{part}.log", "w") as log:
            command = [
                SCHEMATHESIS, "--config-file", HERE / "schemathesis.toml", "run", f"{service.url}/openapi.json",
                "--checks", "all", "--mode", "all", "--phases", phases, "--seed", str(seed), "--no-color",
                "--report", "junit", "--report-junit-path", reports / f"{part}.xml",
            ]
            ended = subprocess.run(command, env=environment, cwd=scratch, stdout=log, stderr=log, timeout=RUN_LIMIT)
        print(f"{part}: exit code {ended.returncode} after {time.monotonic() - began:.0f} s", flush=True)
        if ended.returncode != 0:
            failed.append(part)
    return failed


def main():
    binary, reports = sys.argv[1], pathlib.Path(sys.argv[2]).resolve()
    reports.mkdir(parents=True, exist_ok=True)
    roles = ["nobody", "user", "admin"]
    with concurrent.futures.ThreadPoolExecutor(len(roles)) as pool:
        failed = sum(pool.map(lambda role: try_out(role, binary, reports), roles), [])
    for part in failed:
        print(f"\n===== {part}\n{(reports / f'{part}.log').read_text()}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
