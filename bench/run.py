"""Measures a release build of Pave and prints the figures as a table.

    make bench                                   everything; builds what is needed
    python3 bench/run.py --quick                 fewer repetitions, no load drivers
    python3 bench/run.py --only start,road       some of: start, memory, commit, road, forge, pipeline, cluster, portal

Each row names what it is compared with. Floors (what PostgreSQL, git and the file system take by themselves) are measured
in the same run on the same machine; figures of other products are not, so they stand in README.md and not here.
Uses Python's standard library, psql, git, and the two drivers beside it.
"""

import argparse
import base64
import contextlib
import glob
import json
import os
import pwd
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import second_road
from harness import Failed, Platform, Table, Watch, say, seconds, settled_load, spread

ROOT = Path(__file__).resolve().parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
PARTS = ("start", "memory", "commit", "road", "forge", "pipeline", "cluster", "portal")
# PostgreSQL refuses to run as root, so floors are measured as this user then.
UNPRIVILEGED = "postgres"


# --- floors ----------------------------------------------------------------------------------------------------------


def postgresql(program):
    found = sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{program}"), key=lambda path: int(path.split("/")[4]))
    path = found[-1] if found else shutil.which(program)
    if not path:
        raise Failed(f"{program} is not installed; scripts/prerequisites.sh installs it")
    return path


class Floors:
    """What PostgreSQL takes by itself: initdb, a copy of what initdb made, a start with the first login."""

    def __init__(self, runs):
        self.user = {}
        if os.getuid() == 0:
            account = pwd.getpwnam(UNPRIVILEGED)
            self.user = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        self.initdb, self.copy, self.login = [], [], []
        with tempfile.TemporaryDirectory(prefix="pave-floor-", dir="/tmp") as home:
            if self.user:
                os.chown(home, self.user["user"], self.user["group"])
            for run in range(runs):
                self.measure(Path(home), run)

    def timed(self, command, **options):
        began = time.monotonic()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd="/", **self.user, **options)
        return time.monotonic() - began

    def measure(self, home, run):
        made, copied = home / f"made-{run}", home / f"copied-{run}"
        self.initdb.append(self.timed([postgresql("initdb"), "-D", made, "-A", "trust", "-U", "floor"]))
        self.copy.append(self.timed(["cp", "-a", made, copied]))
        port = 20000 + os.getpid() % 20000 + run
        server = [postgresql("postgres"), "-D", copied, "-p", str(port), "-c", "listen_addresses=127.0.0.1"]
        server += ["-c", f"unix_socket_directories={home}"]
        began = time.monotonic()
        process = subprocess.Popen(server, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/", **self.user)
        try:
            log_in(f"postgresql://floor@127.0.0.1:{port}/postgres")
            self.login.append(time.monotonic() - began)
        finally:
            process.send_signal(signal.SIGQUIT)
            process.wait()

    def share(self):
        """What a request cannot go below: copy, start, first login."""
        return statistics.median(self.copy) + statistics.median(self.login)


def log_in(uri, patience=30):
    """Logs in as a person would, again and again until it works."""
    end = time.monotonic() + patience
    psql = shutil.which("psql") or postgresql("psql")
    while True:
        command = [psql, "--no-psqlrc", "-tAc", "select 1", uri]
        done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PGCONNECT_TIMEOUT": "5"})
        if done.returncode == 0:
            return
        if time.monotonic() > end:
            raise Failed(f"cannot log in: {done.stderr.strip()}")
        time.sleep(0.005)


# --- what is measured --------------------------------------------------------------------------------------------------


def measure_start(table, platform, options):
    """Cold starts of the program: the first makes everything, later ones find it."""
    platform.down()
    firsts = []
    for run in range(3 if options.quick else 5):
        with home_directory() as home:
            other = Platform(platform.binary, home)
            try:
                firsts.append(other.up())
            finally:
                other.down()
    laters = []
    for run in range(3 if options.quick else 10):
        laters.append(platform.up())
        platform.down()
    table.add("first start to ready, demo seeded", spread(firsts))
    table.add("later start to ready", spread(laters), aim="0.5 s")
    platform.up()


def measure_memory(table, platform, options):
    time.sleep(3 if options.quick else 15)
    table.add("resident memory, idle, without PostgreSQL", f"{platform.resident() / 1e6:.0f} MB", aim="100 MB")


class Clone:
    """A clone of the demo's repository. The token travels in the environment only."""

    def __init__(self, platform):
        forge = platform.summary["forge"]
        token = base64.b64encode(f"any:{forge['token']}".encode()).decode()
        self.url, self.folder = forge["repository"], platform.home / "clone"
        self.environment = {
            **os.environ,
            "GIT_SSL_CAINFO": platform.summary["authority"],
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"http.{forge['url']}/.extraHeader",
            "GIT_CONFIG_VALUE_0": f"Authorization: Basic {token}",
        }
        for who in ("AUTHOR", "COMMITTER"):
            self.environment |= {f"GIT_{who}_NAME": "bench", f"GIT_{who}_EMAIL": "bench@example.com"}
        if self.folder.exists():
            shutil.rmtree(self.folder)
        self.git("clone", "--quiet", self.url, self.folder, directory=platform.home)

    def git(self, *arguments, directory=None):
        command = ["git", *arguments]
        done = subprocess.run(command, cwd=directory or self.folder, env=self.environment, capture_output=True, text=True)
        if done.returncode:
            raise Failed(f"git {arguments[0]}: {done.stderr.strip()}")

    def commit(self, message):
        self.git("add", ".")
        self.git("commit", "--quiet", "--message", message)


def measure_commit(table, platform, options):
    """From `git push` to the change in the cluster, and what the push takes by itself."""
    clone = Clone(platform)
    watch = Watch(platform, "/api/v1/namespaces/argocd/configmaps")
    whole, after, push = [], [], []
    for run in range(-1, 5 if options.quick else 20):
        value = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "bench"}, "data": {"run": str(run)}}
        (clone.folder / "infra" / "bench.yaml").write_text(json.dumps(value))
        clone.commit(f"Bench {run}")
        began = time.monotonic()
        clone.git("push", "--quiet")
        pushed = time.monotonic()
        applied, _ = watch.wait("the change", lambda event: event["object"].get("data", {}).get("run") == str(run))
        # The first one makes the object and warms everything up.
        if run >= 0:
            whole.append(applied - began)
            push.append(pushed - began)
            after.append(max(0.0, applied - pushed))
    clone.git("rm", "--quiet", "infra/bench.yaml")
    clone.commit("End of bench")
    clone.git("push", "--quiet")
    own = f"`git push` by itself {seconds(statistics.median(push))}"
    table.add("commit to applied, from the end of the push", spread(after), own, "0.3 s")
    table.add("commit to applied, from the start of the push", spread(whole), own)


def measure_road(table, platform, options):
    """From the request to a login with psql, and back again."""
    floors = Floors(3 if options.quick else 5)
    portal = platform.portal()
    watch = Watch(platform, "/api/v1/namespaces/team-a/secrets")
    written, logged_in, removed = [], [], []
    for run in range(-1, 3 if options.quick else 10):
        name = f"bench-{run + 1}"
        values = {"envName": name, "dbUser": "appuser", "team": "group:default/team-a"}
        began = time.monotonic()
        portal.call("POST", "/api/scaffolder/v2/tasks", {"templateRef": "template:default/create-team-environment", "values": values})

        def is_ready(event):
            found = event["object"]
            return found["metadata"]["name"] == f"{name}-connection" and "uri" in found.get("data", {})

        when, secret = watch.wait(f"the connection of {name}", is_ready)
        log_in(base64.b64decode(secret["data"]["uri"]).decode())
        end = time.monotonic()
        if run >= 0:
            written.append(when - began)
            logged_in.append(end - began)
        began = time.monotonic()
        portal.call("DELETE", f"/api/pave/v1/environments/team-a/{name}")
        wait_gone(platform, name)
        if run >= 0:
            removed.append(time.monotonic() - began)
    share = floors.share()
    beside = f"PostgreSQL's own share: copy {seconds(statistics.median(floors.copy))} + start and login {seconds(statistics.median(floors.login))}"
    table.add("request to psql login", spread(logged_in), beside, "1.5 s")
    table.add("  of that, not PostgreSQL's", seconds(max(0.0, statistics.median(logged_in) - share)))
    table.add("request to connection secret", spread(written))
    table.add("delete to database gone", spread(removed))
    table.add("floor: initdb", spread(floors.initdb))


def measure_forge(table, platform, options):
    """Clones and pushes, beside git's own server."""
    second_road.measure_git(table, platform, options, Clone(platform).environment)


def measure_pipeline(table, platform, options):
    """Pull request, pipeline, Terraform."""
    second_road.measure_runs(table, platform, options)
    second_road.measure_merge(table, platform, options)


def wait_gone(platform, name, patience=120):
    """Waits until no managed resource of an environment is left."""
    cluster, end = platform.cluster(), time.monotonic() + patience
    kinds = ("flexibleservers", "flexibleserverdatabases", "flexibleserverfirewallrules")
    paths = [f"/apis/dbforpostgresql.azure.upbound.io/v1beta1/{kind}" for kind in kinds]
    paths += ["/apis/azure.upbound.io/v1beta1/resourcegroups", "/apis/platform.example.com/v1alpha1/teamenvironments"]
    while paths:
        items = cluster.call("GET", paths[0])["items"]
        owned = [it for it in items if it["metadata"].get("labels", {}).get("crossplane.io/claim-name") == name]
        if not owned:
            paths.pop(0)
        elif time.monotonic() > end:
            raise Failed(f"{name} is still there: {paths[0]}")
        else:
            time.sleep(0.02)


def measure_cluster(table, platform, options):
    """The rows of kube-load that a cluster without nodes has."""
    driver = build_driver("kube-load")
    command = [driver, "--kubeconfig", platform.summary["kubeconfig"], "--tests", "create,get,apply,watch,list"]
    command += ["--kinds", "cm,cr", "--clients", "1,32", "--n", "1000", "--runs", "3"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1800)
    if done.returncode:
        raise Failed(f"kube-load: {done.stderr.strip()[-2000:]}")
    rows = {}
    for line in done.stdout.splitlines():
        row = json.loads(line)
        if row.get("test") == "crd-install":
            table.add("kube-load CRD created to first object accepted", f"{row['create_to_first_object_ms']:.0f} ms")
        elif row.get("test") == "list":
            what = f"kube-load list {row['kind']} {row['objects']}, {row['mode']}"
            table.add(what, f"{row['median_ms']:.0f} ms, {row['bytes'] / 1e6:.1f} MB")
        elif "test" in row:
            rows.setdefault(title(row), []).append(row)
    for what, found in rows.items():
        table.add(what, in_words(found))


def title(row):
    """What several runs of the same work are called."""
    if row["test"] == "watch-fanout":
        pace = f"one each {row['gap_ms']} ms" if row["gap_ms"] else "as fast as can be"
        return f"kube-load create to event {row['kind']}, {row['watchers']} watchers, {pace}"
    clients = "1 client" if row["clients"] == 1 else f"{row['clients']} clients"
    return " ".join(filter(None, ["kube-load", row["test"], row.get("phase"), row["kind"], clients]))


def in_words(runs):
    """The medians of several runs of the same work."""
    def middle(key):
        return statistics.median(row["lat"][key] for row in runs)

    text = f"p50 {middle('p50_ms'):.1f} ms, p99 {middle('p99_ms'):.1f} ms"
    if "per_s" in runs[0]:
        text = f"{statistics.median(row['per_s'] for row in runs):.0f}/s, {text}"
    errors = sum(row.get("errors", 0) for row in runs)
    return text + (f", {errors} ERRORS" if errors else "")


def measure_portal(table, platform, options):
    """Catalog ingestion and queries, and template runs, over the data set of portal-load, read from the forge."""
    driver, count = build_driver("portal-load"), 1000
    clone = Clone(platform)
    subprocess.run([driver, "gen", "--n", str(count), "--out", clone.folder / "portal-load"], check=True, capture_output=True)
    clone.commit("Data set of portal-load")
    clone.git("push", "--quiet")
    portal = platform.portal()
    common = ["--url", platform.summary["portal"]["url"], "--token", platform.summary["portal"]["token"]]
    common += ["--pid", str(platform.process.pid)]

    def register(path):
        portal.call("POST", "/api/catalog/locations", {"type": "url", "target": f"{clone.url}?path=/portal-load/{path}"})

    began = time.monotonic()
    register("all.yaml")
    row = run_driver(driver, ["ingest", "--n", str(count), "--poll-ms", "50", *common])
    table.add(f"portal-load ingest {count} entities", f"{seconds(time.monotonic() - began)} with all relations", f"driver saw all entities after {row['all_entities_s']} s")
    query = ["--seconds", "3", "--rounds", "1"] if options.quick else []
    for row in run_driver(driver, ["query", "--n", str(count), *query, *common])["results"]:
        what = f"portal-load {row['case']}, {row['clients']} client" + ("s" if row["clients"] > 1 else "")
        table.add(what, f"{row['rps']:.0f}/s, p50 {row['p50_ms']} ms, p99 {row['p99_ms']} ms" + (f", {row['errors']} ERRORS" if row["errors"] else ""))
    register("template/template.yaml")
    wait_for_entity(portal, "/api/catalog/entities/by-name/template/default/portal-load")
    row = run_driver(driver, ["scaffold", *common])
    table.add("portal-load template run, created to completed", brief_summary(row["create_to_completed_ms"]))
    table.add("portal-load 50 runs at once", f"{row['burst']['tasks_per_s']} tasks/s" + (f", {row['burst']['failed']} FAILED" if row["burst"]["failed"] else ""))
    table.add("portal-load dry run", str(row["dry_run_error"]) if row["dry_run_error"] else brief_summary(row["dry_run_ms"]))


def wait_for_entity(portal, path, patience=60):
    end = time.monotonic() + patience
    while True:
        try:
            return portal.call("GET", path)
        except Failed:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


def brief_summary(row):
    return ", ".join(f"{key} {value:g}" for key, value in row.items() if key in ("p50", "p99")) + " ms"


def run_driver(driver, arguments):
    done = subprocess.run([driver, *arguments], capture_output=True, text=True, timeout=1800)
    if done.returncode:
        raise Failed(f"{driver.name} {arguments[0]}: {done.stderr.strip()[-2000:]}")
    whole = json.loads(done.stdout)
    return whole.get("result", whole)


def build_driver(name):
    say(f"building {name}")
    target = TARGET / "bench"
    command = ["cargo", "build", "--release", "--locked", "--quiet", "--target-dir", target]
    subprocess.run(command, cwd=ROOT / "bench" / name, check=True)
    return target / "release" / name


# --- main ------------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def home_directory():
    """A directory that PostgreSQL's user can pass, deleted at the end."""
    home = tempfile.mkdtemp(prefix="pave-bench-", dir="/tmp")
    os.chmod(home, 0o755)
    try:
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(description="Measures a release build of Pave.")
    parser.add_argument("--binary", type=Path, default=TARGET / "release" / "pave")
    parser.add_argument("--quick", action="store_true", help="fewer repetitions, no load drivers")
    parser.add_argument("--only", default="", help=f"comma-separated parts: {', '.join(PARTS)}")
    options = parser.parse_args()
    if not options.binary.exists():
        sys.exit(f"there is no program at {options.binary}; `make build` makes it")
    parts = options.only.split(",") if options.only else (PARTS[:6] if options.quick else PARTS)
    unknown = set(parts) - set(PARTS)
    if unknown:
        sys.exit(f"unknown parts: {', '.join(sorted(unknown))}")
    table, failures = Table(), []
    say(settled_load())
    table.add("size of the program", f"{options.binary.stat().st_size / 1e6:.1f} MB")
    with home_directory() as home:
        platform = Platform(options.binary.resolve(), home)
        try:
            platform.up()
            for part in parts:
                say(f"measuring: {part}")
                try:
                    globals()[f"measure_{part}"](table, platform, options)
                except (Failed, OSError, KeyError, subprocess.SubprocessError) as error:
                    failures.append(f"{part}: {error!r}" if not isinstance(error, Failed) else f"{part}: {error}")
                    say(f"  not measured: {error}")
        finally:
            platform.down()
    print(f"\n{settled_load()}; medians\n")
    table.show()
    for failure in failures:
        print(f"\nnot measured: {failure}")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
