"""What measuring needs: the platform under test, its APIs, a table of figures."""

import contextlib
import glob
import http.client
import json
import os
import ssl
import statistics
import subprocess
import sys
import threading
import time
import urllib.parse
from pathlib import Path


class Failed(Exception):
    """Something could not be measured."""


class Table:
    """Rows of what, measured, beside it, aim."""

    def __init__(self):
        self.rows = []

    def add(self, what, measured, beside="", aim=""):
        self.rows.append((what, measured, beside, aim))
        print(f"  {what}: {measured}" + (f"  ({beside})" if beside else ""), file=sys.stderr, flush=True)

    def show(self):
        head = ("what", "measured", "beside it, same run", "aim")
        widths = [max(len(row[i]) for row in [head, *self.rows]) for i in range(4)]
        for row in [head, tuple("-" * width for width in widths), *self.rows]:
            print("| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |")


def seconds(value):
    return f"{value:.2f} s" if value >= 1 else f"{value * 1000:.0f} ms"


def spread(values):
    """Median, with the range beside it."""
    text = seconds(statistics.median(values))
    return text if len(values) < 2 else f"{text} ({seconds(min(values))} to {seconds(max(values))}, {len(values)} runs)"


def say(text):
    print(text, file=sys.stderr, flush=True)


def settled_load():
    return f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"


# --- the platform --------------------------------------------------------------------------------------------------


class Platform:
    """The program under test, with a data directory of its own."""

    def __init__(self, binary, home):
        self.binary, self.home = binary, Path(home)
        self.data = self.home / "data"
        self.process = self.summary = None

    def up(self):
        """Starts it and gives the seconds from the start to the summary."""
        began = time.monotonic()
        log = open(self.home / "log", "ab")
        command = [self.binary, "up", "--demo", "--portal-port", "0", "--output", "json", "--data", self.data]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log)
        text = b""
        while True:
            chunk = os.read(self.process.stdout.fileno(), 65536)
            if not chunk:
                tail = (self.home / "log").read_text(errors="replace")[-3000:]
                raise Failed(f"the platform ended before it was ready:\n{tail}")
            text += chunk
            with contextlib.suppress(ValueError):
                self.summary = json.loads(text)
                break
        took = time.monotonic() - began
        threading.Thread(target=self.process.stdout.read, daemon=True).start()
        return took

    def down(self):
        if self.process:
            subprocess.run([self.binary, "down", "--data", self.data], capture_output=True, timeout=120)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(30)
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()
            self.process = None

    def resident(self):
        """Resident bytes of the program and its children, PostgreSQL's servers left out."""
        return sum(resident_of(process) for process in tree(self.process.pid) if name_of(process) != "postgres")

    def portal(self):
        return Api(self.summary["portal"]["url"], self.summary["portal"]["token"], None)

    def forge(self, token=None):
        """The REST API of the forge, as the administrator or as who has the token."""
        forge = self.summary["forge"]
        return Api(forge["url"], token or forge["token"], self.summary["authority"])

    def token_of(self, user):
        """A token of one of the demo's people."""
        command = [self.binary, "token", "create", "--user", user, "--data", self.data]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip().splitlines()[-1]

    def cluster(self):
        return Api(self.summary["cluster"]["url"], self.summary["portal"]["token"], self.summary["authority"])


class Api:
    """One keep-alive connection to an HTTP API."""

    def __init__(self, url, token, authority):
        parts = urllib.parse.urlsplit(url)
        if parts.scheme == "https":
            context = ssl.create_default_context(cafile=authority)
            self.connection = http.client.HTTPSConnection(parts.hostname, parts.port, context=context, timeout=120)
        else:
            self.connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=120)
        self.headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}

    def open(self, method, path, body=None):
        headers = dict(self.headers)
        if body is not None:
            headers["Content-Type"] = "application/json"
            body = json.dumps(body)
        try:
            self.connection.request(method, path, body, headers)
            answer = self.connection.getresponse()
        except (BrokenPipeError, ConnectionResetError, http.client.RemoteDisconnected):
            # The server has closed a connection that was idle for long.
            self.connection.close()
            self.connection.request(method, path, body, headers)
            answer = self.connection.getresponse()
        if answer.status >= 300:
            raise Failed(f"{method} {path} answered {answer.status}: {answer.read(600).decode(errors='replace')}")
        return answer

    def call(self, method, path, body=None):
        text = self.open(method, path, body).read()
        return json.loads(text) if text.strip() else None


class Watch(threading.Thread):
    """Follows a collection of the cluster and keeps the time of each event."""

    def __init__(self, platform, path):
        super().__init__(daemon=True)
        listing = platform.cluster().call("GET", path)
        version = listing["metadata"]["resourceVersion"]
        self.stream = platform.cluster().open("GET", f"{path}?watch=1&resourceVersion={version}")
        self.events, self.news = [], threading.Condition()
        self.start()

    def run(self):
        with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
            for line in self.stream:
                now, event = time.monotonic(), json.loads(line)
                with self.news:
                    self.events.append((now, event))
                    self.news.notify_all()

    def wait(self, what, accept, patience=120):
        """Time and object of the first event that is accepted."""
        end, seen = time.monotonic() + patience, 0
        while True:
            with self.news:
                while seen == len(self.events):
                    if not self.news.wait(max(0.0, end - time.monotonic())):
                        raise Failed(f"waited {patience} s in vain for {what}")
                when, event = self.events[seen]
            seen += 1
            if accept(event):
                return when, event["object"]


def tree(process):
    children = {}
    for path in glob.glob("/proc/[0-9]*/stat"):
        with contextlib.suppress(OSError):
            text = Path(path).read_text()
            parent = int(text.rsplit(")", 1)[1].split()[1])
            children.setdefault(parent, []).append(int(path.split("/")[2]))
    found, open_ = [], [process]
    while open_:
        process = open_.pop()
        found.append(process)
        open_ += children.get(process, [])
    return found


def name_of(process):
    with contextlib.suppress(OSError):
        return Path(f"/proc/{process}/comm").read_text().strip()
    return ""


def resident_of(process):
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{process}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
    return 0
