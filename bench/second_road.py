"""The second road: how fast the forge hands out and takes commits, and how long a merge takes to reach the cloud."""

import concurrent.futures
import http.server
import json
import os
import shutil
import ssl
import statistics
import subprocess
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from pathlib import Path

from harness import Api, Failed, seconds, spread

PROJECT = "/pave/backstage/_apis"
VERSION = "api-version=7.1"


# --- Git, against git's own http-backend -----------------------------------------------------------------------------


class Backend:
    """`git http-backend` behind Python's HTTP server: what serving Git costs without a forge."""

    def __init__(self, home):
        root, program = str(home), subprocess.run(["git", "--exec-path"], capture_output=True, text=True).stdout.strip()

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.0"

            def answer(self):
                path, _, query = self.path.partition("?")
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length) if length else self.chunks()
                environment = {
                    "PATH": os.environ["PATH"], "GIT_PROJECT_ROOT": root, "GIT_HTTP_EXPORT_ALL": "1", "PATH_INFO": path,
                    "QUERY_STRING": query, "REQUEST_METHOD": self.command, "REMOTE_USER": "bench", "REMOTE_ADDR": "127.0.0.1",
                    "CONTENT_TYPE": self.headers.get("Content-Type", ""), "CONTENT_LENGTH": str(len(body)),
                    "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                    "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
                }
                done = subprocess.run([f"{program}/git-http-backend"], input=body, env=environment, capture_output=True)
                head, _, rest = done.stdout.partition(b"\r\n\r\n")
                lines = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line)
                self.send_response(int(lines.pop("Status", "200").split()[0]))
                for key, value in lines.items():
                    self.send_header(key, value)
                self.end_headers()
                self.wfile.write(rest)

            def chunks(self):
                body = b""
                while "chunked" in self.headers.get("Transfer-Encoding", ""):
                    size = int(self.rfile.readline().split(b";")[0], 16)
                    body += self.rfile.read(size)
                    self.rfile.readline()
                    if size == 0:
                        break
                return body

            do_GET = do_POST = answer

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def git(environment, *arguments, directory=None):
    done = subprocess.run(["git", *map(str, arguments)], cwd=directory, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise Failed(f"git {arguments[0]}: {done.stderr.strip()[:600]}")


def make_source(environment, folder, files):
    """A repository of a middling size: some thousand files of 2 KB in ten commits."""
    git(environment, "init", "--quiet", "--initial-branch", "main", folder)
    for commit in range(10):
        for index in range(files // 10):
            path = folder / f"part-{commit}" / f"file-{index}.txt"
            path.parent.mkdir(exist_ok=True)
            path.write_text(f"{commit} {index} " + os.urandom(1000).hex())
        git(environment, "add", ".", directory=folder)
        git(environment, "commit", "--quiet", "--message", f"Part {commit}", directory=folder)


def measure_git(table, platform, options, environment):
    files, clones, pushes = (500, 5, 5) if options.quick else (3000, 12, 20)
    name = f"bench-{os.getpid()}"
    platform.forge().call("POST", f"{PROJECT}/git/repositories?{VERSION}", {"name": name})
    with tempfile.TemporaryDirectory(prefix="pave-git-", dir=platform.home) as home:
        home = Path(home)
        source = home / "source"
        make_source(environment, source, files)
        bare = home / "served" / "bench.git"
        git(environment, "init", "--quiet", "--bare", "--initial-branch", "main", bare)
        git(environment, "config", "http.receivepack", "true", directory=bare)
        # The forge syncs to disk before it acknowledges a push, so the floor does too.
        git(environment, "config", "core.fsync", "all", directory=bare)
        backend = Backend(home / "served")
        # Git reads every authority of the system for each TLS connection, some 100 ms, and the floor here has no TLS.
        (home / "authorities").mkdir()
        environment = {**environment, "GIT_SSL_CAPATH": str(home / "authorities")}
        try:
            urls = {"forge": f"{platform.summary['forge']['url']}/pave/backstage/_git/{name}", "backend": f"{backend.url}/bench.git"}
            figures = {who: git_figures(environment, home, source, who, url, clones, pushes) for who, url in urls.items()}
        finally:
            backend.close()
    for what in figures["forge"]:
        own, floor = (figures[who][what] for who in ("forge", "backend"))
        ratio = statistics.median(floor) / statistics.median(own)
        table.add(f"{what}", spread(own), f"git http-backend {seconds(statistics.median(floor))}: {ratio:.2f} times as fast")


def git_figures(environment, home, source, who, url, clones, pushes):
    figures = {}

    def timed(what, work):
        began = time.monotonic()
        work()
        figures.setdefault(what, []).append(time.monotonic() - began)

    timed("first push of the whole repository", lambda: git(environment, "push", "--quiet", url, "main", directory=source))
    for run in range(clones):
        target = home / f"{who}-{run}"
        timed("clone", lambda: git(environment, "clone", "--quiet", "--bare", url, target))
        shutil.rmtree(target)
    for run in range(2):
        targets = [home / f"{who}-{run}-{index}" for index in range(8)]
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            timed("8 clones at once", lambda: list(pool.map(lambda it: git(environment, "clone", "--quiet", "--bare", url, it), targets)))
        for target in targets:
            shutil.rmtree(target)
    folder = home / f"{who}-work"
    git(environment, "clone", "--quiet", url, folder)
    for run in range(pushes):
        (folder / "README.md").write_text(f"{run}\n")
        git(environment, "add", ".", directory=folder)
        git(environment, "commit", "--quiet", "--message", f"Change {run}", directory=folder)
        timed("push of one commit", lambda: git(environment, "push", "--quiet", directory=folder))
    return figures


# --- pull request, pipeline, Terraform -------------------------------------------------------------------------------


class Arm:
    """ARM, by the platform's service principal."""

    def __init__(self, platform):
        azure = platform.summary["azure"]
        form = {
            "grant_type": "client_credentials", "client_id": azure["clientId"], "client_secret": azure["clientSecret"],
            "scope": f"{azure['url']}/.default",
        }
        context = ssl.create_default_context(cafile=platform.summary["authority"])
        url = f"{azure['url']}/{azure['tenant']}/oauth2/v2.0/token"
        with urllib.request.urlopen(url, urllib.parse.urlencode(form).encode(), context=context) as answer:
            token = json.load(answer)["access_token"]
        self.api = Api(azure["url"], token, platform.summary["authority"])
        self.groups = f"/subscriptions/{azure['subscription']}/resourcegroups"

    def has(self, group):
        try:
            self.api.call("GET", f"{self.groups}/{group}?api-version=2024-03-01")
        except Failed:
            return False
        return True


def until(what, condition, patience=120, pause=0.01):
    end = time.monotonic() + patience
    while not condition():
        if time.monotonic() > end:
            raise Failed(f"waited {patience} s in vain for {what}")
        time.sleep(pause)
    return time.monotonic()


def measure_merge(table, platform, options):
    """From the completion of a pull request to the resource group."""
    alice, bob = (platform.forge(platform.token_of(user)) for user in ("alice", "bob"))
    portal, arm = platform.portal(), Arm(platform)
    me = bob.call("GET", f"/pave/_apis/connectionData?{VERSION}")["authenticatedUser"]["id"]
    proposed, made = [], []
    for run in range(-1, 3 if options.quick else 10):
        name = f"rg-bench-{os.getpid()}-{run + 1}"
        began = time.monotonic()
        task = portal.call("POST", "/api/scaffolder/v2/tasks", {"templateRef": "template:default/request-resource-group", "values": {"name": name, "owner": "group:default/team-a"}})
        until("the task", lambda: portal.call("GET", f"/api/scaffolder/v2/tasks/{task['id']}")["status"] == "completed")
        proposed.append(time.monotonic() - began)
        found = alice.call("GET", f"{PROJECT}/git/repositories/resource-groups/pullrequests?searchCriteria.sourceRefName=refs/heads/request/{name}&{VERSION}")
        request = found["value"][0]
        path = f"{PROJECT}/git/repositories/resource-groups/pullrequests/{request['pullRequestId']}"
        bob.call("PUT", f"{path}/reviewers/{me}?{VERSION}", {"vote": 10})
        began = time.monotonic()
        platform.forge().call("PATCH", f"{path}?{VERSION}", {"status": "completed", "lastMergeSourceCommit": request["lastMergeSourceCommit"]})
        end = until(f"the resource group {name}", lambda: arm.has(name))
        if run >= 0:
            made.append(end - began)
    table.add("form to open pull request", spread(proposed[1:]))
    table.add("merge to resource group, two jobs, four Terraform steps", spread(made), f"Terraform's four steps by themselves {seconds(terraform_share())}", "2 s")


def terraform_share():
    """What Terraform's program takes for four steps with nothing to do."""
    program = shutil.which("terraform") or shutil.which("tofu")
    if not program:
        raise Failed("neither terraform nor tofu is installed")
    environment = {**os.environ, "CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1"}
    with tempfile.TemporaryDirectory(prefix="pave-terraform-") as home:
        (Path(home) / "main.tf").write_text('output "nothing" {\n  value = 1\n}\n')
        began = time.monotonic()
        for command in (["init"], ["validate"], ["plan"], ["apply", "-auto-approve"]):
            subprocess.run([program, *command], cwd=home, env=environment, check=True, capture_output=True)
        return time.monotonic() - began


PIPELINE = "trigger: none\nsteps:\n- checkout: none\n- bash: echo hello\n"


def measure_runs(table, platform, options):
    """How soon a run starts, and how many get through."""
    forge = platform.forge()
    name = f"bench-runs-{os.getpid()}"
    forge.call("POST", f"{PROJECT}/git/repositories?{VERSION}", {"name": name})
    push = {
        "refUpdates": [{"name": "refs/heads/main", "oldObjectId": "0" * 40}],
        "commits": [{"comment": "A pipeline", "changes": [{
            "changeType": "add", "item": {"path": "/azure-pipelines.yml"},
            "newContent": {"content": PIPELINE, "contentType": "rawtext"},
        }]}],
    }
    forge.call("POST", f"{PROJECT}/git/repositories/{name}/pushes?{VERSION}", push)
    repository = forge.call("GET", f"{PROJECT}/git/repositories/{name}?{VERSION}")
    definition = forge.call("POST", f"{PROJECT}/pipelines?{VERSION}", {
        "name": name, "folder": "\\", "configuration": {
            "type": "yaml", "path": "/azure-pipelines.yml", "repository": {"id": repository["id"], "type": "azureReposGit"},
        },
    })
    runs = f"{PROJECT}/pipelines/{definition['id']}/runs"

    def completed(run):
        found = forge.call("GET", f"{runs}/{run['id']}?{VERSION}")
        if found["state"] == "completed" and found["result"] != "succeeded":
            raise Failed(f"run {run['id']} ended {found['result']}")
        return found["state"] == "completed"

    def started(run):
        records = forge.call("GET", f"{PROJECT}/build/builds/{run['id']}/timeline?{VERSION}")["records"]
        return any(record["type"] == "Task" and record["state"] != "pending" for record in records)

    starts, whole = [], []
    for _ in range(3 if options.quick else 10):
        began = time.monotonic()
        run = forge.call("POST", f"{runs}?{VERSION}", {})
        starts.append(until("the first step", lambda: started(run)) - began)
        whole.append(until("the run", lambda: completed(run)) - began)
    table.add("pipeline queued to its first step", spread(starts))
    table.add("pipeline with one echo, queued to completed", spread(whole))
    count = 10 if options.quick else 50
    began = time.monotonic()
    queued = [forge.call("POST", f"{runs}?{VERSION}", {}) for _ in range(count)]
    accepted = time.monotonic() - began
    for run in queued:
        until(f"run {run['id']}", lambda: completed(run), patience=300, pause=0.05)
    took = time.monotonic() - began
    table.add(f"{count} runs at once", f"{seconds(took)}, {count / took:.1f} per second", f"accepted after {seconds(accepted)}")
