# SPDX-License-Identifier: Apache-2.0
"""The Helm chart: what Helm makes of values is kept in tests/chart/golden and looked at here without Helm."""
import base64
import csv
import hashlib
import importlib.util
import json
import os
import pathlib
import re
import ssl
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import yaml

from conftest import node_packages
from host import ROOT, TIERCEL

CHART = ROOT / "charts" / "tiercel"
CASES = sorted(p.stem for p in (ROOT / "tests" / "chart" / "values").glob("*.yaml"))
HELM = os.environ.get("HELM")
RELEASE = ["falco", str(CHART), "--namespace", "gitlab-managed-apps", "--kube-version", "1.27.0",
           "--include-crds"]
POLICY = ROOT / "rules"


def values_of(case):
    return ROOT / "tests" / "chart" / "values" / f"{case}.yaml"


def state_of(*others):
    """A name for the chart and other files together."""
    h = hashlib.sha256()
    for path in sorted(p for p in CHART.rglob("*") if p.is_file()) + list(others):
        h.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes() + b"\0")
    return f"# made from {h.hexdigest()}\n"


def golden(case):
    return (ROOT / "tests" / "chart" / "golden" / f"{case}.yaml").read_text()


def objects(case):
    return [o for o in yaml.safe_load_all(golden(case)) if o]


def one(case, kind, name=None):
    found = [o for o in objects(case) if o["kind"] == kind and name in (None, o["metadata"]["name"])]
    assert len(found) == 1, [(o["kind"], o["metadata"]["name"]) for o in objects(case)]
    return found[0]


def pod(case, kind="DaemonSet"):
    return one(case, kind)["spec"]["template"]


def falco_yaml(case):
    full = "sensor" if case == "falco-current" else "falco"
    return one(case, "ConfigMap", full)["data"]["falco.yaml"]


def notes(case):
    return re.findall(r"^# note: (.*)", falco_yaml(case), re.M)


def container(case, kind="DaemonSet"):
    containers = pod(case, kind)["spec"]["containers"]
    assert [c["name"] for c in containers] == ["falco"]
    return containers[0]


def mounts(case, kind="DaemonSet"):
    """mountPath -> (mount, volume); every mount has a volume and the other way round."""
    volumes = {v["name"]: v for v in pod(case, kind)["spec"]["volumes"]}
    used = {m["mountPath"]: (m, volumes[m["name"]]) for m in container(case, kind)["volumeMounts"]}
    inits = [m["name"] for c in pod(case, kind)["spec"].get("initContainers", []) for m in c["volumeMounts"]]
    assert {m["name"] for m, _ in used.values()} | set(inits) == set(volumes)
    return used


@pytest.mark.parametrize("case", CASES)
def test_golden(case):
    path = ROOT / "tests" / "chart" / "golden" / f"{case}.yaml"
    if HELM:
        made = subprocess.run([HELM, "template", *RELEASE, "-f", str(values_of(case))], check=True,
                              capture_output=True, text=True).stdout
        if os.environ.get("UPDATE_GOLDEN"):
            path.write_text(state_of(values_of(case)) + made)
        assert golden(case).split("\n", 1)[1] == made
    assert golden(case).startswith(state_of(values_of(case))), "the chart has changed: see tests/chart/README.md"


@pytest.fixture(scope="module")
def typed(tmp_path_factory):
    """All golden manifests as one TypeScript program."""
    modules = {"v1": "core/v1", "apps/v1": "apps/v1", "batch/v1": "batch/v1",
               "networking.k8s.io/v1": "networking/v1", "rbac.authorization.k8s.io/v1": "rbac/v1"}

    def check(manifests):
        lines = []
        for i, o in enumerate(manifests):
            module = modules.get(o["apiVersion"])
            source = f"kubernetes-types/{module}" if module else "./crds"
            lines += [f'import {{ {o["kind"]} as K{i} }} from "{source}";',
                      f"export const o{i}: K{i} = {json.dumps(o)};"]
        where = tmp_path_factory.mktemp("types")
        (where / "manifests.ts").write_text("\n".join(lines))
        (where / "crds.ts").write_text((ROOT / "tests" / "chart" / "crds.ts").read_text())
        packages = pathlib.Path(node_packages())
        (where / "node_modules").symlink_to(packages)
        return subprocess.run(["node", str(packages / "typescript" / "bin" / "tsc"), "--noEmit", "--strict",
                               "--skipLibCheck", "--preserveSymlinks", "manifests.ts"],
                              cwd=where, capture_output=True, text=True, timeout=240)

    return check


def test_manifests_have_the_types_of_kubernetes(typed):
    manifests = [o for case in CASES for o in objects(case)]
    assert len(manifests) > 40
    done = typed(manifests)
    assert done.returncode == 0, done.stdout[:4000]


def test_type_check_finds_faults(typed):
    daemon = one("defaults", "DaemonSet")
    daemon["spec"]["template"]["spec"]["hostNetwerk"] = True
    service = one("defaults", "Service")
    service["spec"]["ports"][0]["port"] = "5060"
    done = typed([daemon, service])
    assert done.returncode != 0
    assert "hostNetwerk" in done.stdout and "'string' is not assignable to type 'number'" in done.stdout


@pytest.mark.parametrize("case", CASES)
def test_pod_has_least_privileges_and_the_labels(case):
    kind = "Deployment" if case == "existing-secret" else "DaemonSet"
    template = pod(case, kind)
    labels = template["metadata"]["labels"]
    assert labels["app"] == "falco"
    assert labels["app.kubernetes.io/name"] == "falco" and labels["app.kubernetes.io/instance"] == "falco"
    selector = one(case, kind)["spec"]["selector"]["matchLabels"]
    assert selector.items() <= labels.items()
    spec = template["spec"]
    for name in ("hostNetwork", "hostPID", "hostIPC"):
        assert name not in spec
    assert spec["automountServiceAccountToken"] is False
    context = container(case, kind)["securityContext"]
    assert context["privileged"] is False and context["allowPrivilegeEscalation"] is False
    assert context["readOnlyRootFilesystem"] is True
    assert context["capabilities"]["drop"] == ["ALL"]
    assert set(context["capabilities"]["add"]) == {"BPF", "PERFMON", "SYS_PTRACE", "DAC_READ_SEARCH", "CHOWN", "KILL",
                                                   "SETGID", "SETUID"}
    assert context["seccompProfile"]["type"] in ("RuntimeDefault", "Localhost")
    for path, (mount, volume) in mounts(case, kind).items():
        if "hostPath" in volume and volume["name"] not in ("socket", "alerts", "state"):
            assert mount["readOnly"] is True, path


@pytest.mark.parametrize("case", CASES)
def test_the_server_knows_every_setting(case, tmp_path):
    """The configuration that the chart writes is accepted by the program without a word."""
    files = {"falco.yaml": falco_yaml(case)}
    for o in objects(case):
        if o["kind"] == "ConfigMap" and o["metadata"]["name"].endswith("-rules"):
            files.update(o["data"])
    rules = ["-r", str(POLICY)]
    for name, text in files.items():
        (tmp_path / name).write_text(text)
        if name != "falco.yaml":
            rules += ["-r", str(tmp_path / name)]
    done = subprocess.run([TIERCEL, "run", "--dry-run", "-c", str(tmp_path / "falco.yaml"), *rules,
                           "-o", "log_stderr=true", "-o", "log_syslog=false"],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    unknown = [line for line in done.stderr.splitlines() if "unknown key" in line or "no effect" in line]
    assert unknown == []


def test_defaults():
    config = yaml.safe_load(falco_yaml("defaults"))
    assert notes("defaults") == []
    assert config["rules_files"] == ["/etc/tiercel/rules", "/etc/falco/rules.d"]
    assert config["rules"] == [{"disable": {"tag": "maturity_incubating"}}, {"disable": {"tag": "maturity_sandbox"}}]
    assert config["stdout_output"] == {"enabled": True}
    assert config["grpc"]["bind_address"] == "0.0.0.0:5060"
    where = mounts("defaults")
    assert where["/etc/falco/certs"][1]["secret"] == {"secretName": "falco-certs", "defaultMode": 0o400}
    assert where["/etc/tiercel/config"][1]["configMap"]["name"] == "falco"
    service = one("defaults", "Service", "falco-grpc")
    assert service["spec"]["clusterIP"] == "None" and service["spec"]["ports"][0]["port"] == 5060
    env = {e["name"]: e for e in container("defaults")["env"]}
    assert env["HOST_ROOT"]["value"] == "/host"
    assert env["FALCO_HOSTNAME"]["valueFrom"]["fieldRef"]["fieldPath"] == "spec.nodeName"
    strategy = one("defaults", "DaemonSet")["spec"]["updateStrategy"]
    assert strategy == {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1}}
    assert where["/var/lib/tiercel"][1]["hostPath"]["path"] == "/var/lib/tiercel"
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert container("defaults")[probe]["httpGet"] == {"path": "/healthz", "port": 8765}


def test_gitlab_blog_values_take_effect():
    """The snake_case that chart 1.1.8 ignored, its camelCase, and the rules, in the namespace of the guide."""
    config = yaml.safe_load(falco_yaml("gitlab-blog"))
    assert config["json_output"] is True
    assert config["file_output"] == {"enabled": True, "keep_alive": False,
                                     "filename": "/var/log/tiercel/events.txt"}
    mount, volume = mounts("gitlab-blog")["/var/log/tiercel"]
    assert volume["hostPath"] == {"path": "/var/log/tiercel", "type": "DirectoryOrCreate"}
    assert not mount.get("readOnly")
    assert one("gitlab-blog", "ConfigMap", "falco-rules")["data"].keys() == {"file-integrity.yaml"}
    assert mounts("gitlab-blog")["/etc/falco/rules.d"][1]["configMap"]["name"] == "falco-rules"
    assert {o["metadata"]["namespace"] for o in objects("gitlab-blog")} == {"gitlab-managed-apps"}
    assert any("events.txt" in n for n in notes("gitlab-blog"))


def test_values_of_chart_1():
    config = yaml.safe_load(falco_yaml("falco-1.1.8"))
    assert config["priority"] == "notice" and config["log_level"] == "debug"
    assert config["json_include_output_property"] is False and config["buffered_outputs"] is True
    assert config["syscall_event_drops"] == {"actions": ["alert"], "rate": 0.1, "max_burst": 3}
    assert config["file_output"] == {"enabled": True, "keep_alive": True,
                                     "filename": "/var/log/falco/alerts.json"}
    assert config["program_output"]["keep_alive"] is False and "jq" in config["program_output"]["program"]
    assert config["http_output"]["url"] == "http://siem.example.com:8080/falco"
    assert config["grpc"]["bind_address"] == "0.0.0.0:5061"
    assert config["webserver"]["listen_port"] == 9765
    assert config["container_engines"]["cri"]["sockets"] == ["/run/k3s/containerd/containerd.sock"]
    assert config["rules_files"][-1] == "/etc/falco/rules.d"
    assert container("falco-1.1.8")["args"][-2:] == ["-pk", "--disable-cri-async"]
    assert one("falco-1.1.8", "DaemonSet")["spec"]["updateStrategy"] == {"type": "OnDelete"}
    env = {e["name"]: e.get("value") for e in container("falco-1.1.8")["env"]}
    assert env["TZ"] == "Europe/Berlin" and env["https_proxy"] == "http://proxy.example.com:3128"
    assert env["LOG"] == "quiet"
    spec = pod("falco-1.1.8")["spec"]
    assert spec["priorityClassName"] == "system-node-critical"
    assert pod("falco-1.1.8")["metadata"]["annotations"]["team"] == "blue"
    secret = one("falco-1.1.8", "Secret", "falco-certs")["data"]
    assert base64.b64decode(secret["server.key"]) == b"SERVER-KEY"
    assert not [o for o in objects("falco-1.1.8") if o["kind"] == "Job"]
    for gone in ("podSecurityPolicy.create", "auditLog.enabled", "fakeEventGenerator.enabled",
                 "integrations.natsOutput.enabled", "falco.outputs", "falco.webserver.k8s_audit_endpoint"):
        assert any(n.startswith(gone + ":") for n in notes("falco-1.1.8")), gone


def test_values_of_the_current_falco_chart():
    case = "falco-current"
    config = yaml.safe_load(falco_yaml(case))
    assert config["engine"]["modern_ebpf"]["buf_size_preset"] == 5
    assert config["container_engines"]["docker"]["enabled"] is False
    assert config["tiercel"]["containers"]["label_max_len"] == 200
    assert config["rules"][2:] == [{"disable": {"rule": "*"}}, {"enable": {"tag": "network"}}]
    assert config["falco_libs"]["thread_table_size"] == 1048576
    assert config["metrics"]["interval"] == "15m" and config["webserver"]["prometheus_metrics_enabled"] is True
    assert config["http_output"]["url"].startswith("http://falco-falcosidekick.gitlab-managed-apps.svc")
    assert mounts(case)["/run/falco"][1]["hostPath"]["path"] == "/run/falco"
    assert "/etc/falco/certs" not in mounts(case)
    monitor = one(case, "ServiceMonitor")
    service = one(case, "Service", "sensor-metrics")
    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert monitor["spec"]["endpoints"][0]["port"] == service["spec"]["ports"][0]["name"]
    dashboard = json.loads(one(case, "ConfigMap", "tiercel-grafana-dashboard")["data"]["tiercel.json"])
    assert len(dashboard["panels"]) > 10
    assert one(case, "DaemonSet")["spec"]["updateStrategy"] == {"rollingUpdate": {"maxUnavailable": 2}}
    for noted in ("falcoctl", "collectors.kubernetes", "falcosidekick",
                  "collectors.containerEngine.pluginRef"):
        assert any(n.startswith(noted + ":") for n in notes(case)), noted


def test_certificate_by_cert_manager():
    certificate = one("mtls", "Certificate")
    assert certificate["spec"]["issuerRef"] == {"name": "fleet", "kind": "ClusterIssuer", "group": "cert-manager.io"}
    assert "falco-grpc.gitlab-managed-apps.svc" in certificate["spec"]["dnsNames"]
    secret = mounts("mtls")["/etc/falco/certs"][1]["secret"]
    assert secret["secretName"] == certificate["spec"]["secretName"]
    assert {i["path"] for i in secret["items"]} == {"server.key", "server.crt", "ca.crt"}
    policy = one("mtls", "NetworkPolicy")["spec"]
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert policy["ingress"][0]["from"] and policy["ingress"][0]["ports"][0]["port"] == 5060
    assert one("mtls", "Service", "falco-grpc")["spec"]["type"] == "LoadBalancer"
    # Without a directory of the node to share, the new pod is there before the old one goes.
    assert mounts("mtls")["/var/lib/tiercel"][1]["emptyDir"] == {}
    assert one("mtls", "DaemonSet")["spec"]["updateStrategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    init = pod("mtls")["spec"]["initContainers"][0]
    profile = json.loads(one("mtls", "ConfigMap", "falco")["data"]["seccomp.json"])
    assert init["name"] == "seccomp" and profile["defaultAction"] == "SCMP_ACT_ERRNO"


def test_existing_secrets():
    where = mounts("existing-secret", "Deployment")
    assert where["/etc/falco/certs"][1]["secret"]["secretName"] == "my-server"
    assert where["/etc/falco/certs/client"][1]["secret"]["secretName"] == "my-client"
    assert not [o for o in objects("existing-secret") if o["kind"] in ("Secret", "Job")]
    probe = container("existing-secret", "Deployment")["readinessProbe"]
    assert probe["httpGet"]["scheme"] == "HTTPS"


def test_rows_of_old_values_name_known_ones():
    """A row that can never apply, or leads nowhere, is a mistake in the table."""
    known = yaml.safe_load((CHART / "files" / "known.yaml").read_text())

    def is_known(path):
        at = known
        for name in path.split("."):
            if at == "any":
                return True
            if name not in at:
                return False
            at = at[name]
        return True

    rows = yaml.safe_load((CHART / "files" / "legacy.yaml").read_text())
    assert len(rows) > 60
    for row in rows:
        assert is_known(row["from"]), row
        assert ("to" in row) or ("note" in row), row
        assert "to" not in row or is_known(row["to"]), row


def test_settings_without_effect_have_a_row():
    """The server does not say so at every start; who gives the value is told once, by the chart."""
    listed = subprocess.run([TIERCEL, "list", "settings", "--markdown"], check=True, capture_output=True, text=True).stdout
    without = re.findall(r"^`([a-z0-9_.]+)` \|.*Without effect here", listed, re.M)
    rows = {row["from"] for row in yaml.safe_load((CHART / "files" / "legacy.yaml").read_text()) if "note" in row}
    assert len(without) > 15
    for name in without:
        assert f"falco.{name}" in rows, name


def test_gitlab_example():
    """The files of the guide fit together, and the values do what they say."""
    example = ROOT / "docs" / "examples" / "gitlab"
    root = yaml.safe_load((example / "helmfile.yaml").read_text())
    below = example / root["helmfiles"][0]["path"]
    release, = yaml.safe_load(below.read_text())["releases"]
    assert (below.parent / release["values"][0]).samefile(values_of("gitlab-example"))
    assert (below.parent / release["chart"]).resolve() == example / "charts" / "tiercel"
    assert release["namespace"] == "gitlab-managed-apps" and release["name"] == "falco"
    job = yaml.safe_load((example / ".gitlab-ci.yml").read_text())["apply"]
    assert job["script"] == ["gl-ensure-namespace gitlab-managed-apps",
                             "gl-helmfile --file $CI_PROJECT_DIR/helmfile.yaml apply --suppress-secrets"]
    config = yaml.safe_load(falco_yaml("gitlab-example"))
    assert config["json_output"] is True and config["file_output"]["keep_alive"] is True
    assert one("gitlab-example", "ConfigMap", "falco-rules")["data"].keys() == {"file-integrity.yaml"}


def test_dashboard_asks_for_metrics_by_falcos_names():
    text = (CHART / "dashboards" / "tiercel.json").read_text()
    for name in ("falco_rules_matches_total", "scap_n_evts_total", "scap_n_drops_total",
                 "falco_outputs_queue_num_drops_total", "falco_memory_rss_bytes", "falco_cpu_usage_ratio"):
        assert f"falcosecurity_{name}" in text


BAD_VALUES = {
    "falco.jsonOuput=true": "unknown value falco.jsonOuput; did you mean json_output?",
    "custmRules.a=b": "unknown value custmRules; did you mean customRules?",
    "driver.modernEbpf.bufSizePrset=3": "did you mean bufSizePreset?",
    "falco.jsonOutput=maybe": "falco.jsonOutput: Invalid type",
    "certs.server.key=x": "belong together, one is missing",
    "certs.job.enabled=false": "certs.existingSecret",
    "certs.client.crt=x": "client.key and client.crt belong together",
    "certs.client.crt=x,certs.client.key=y": "the ca.crt that signed them",
    "customRules.mine=x": "customRules: mine: the name of a rules file ends with .yaml",
    "serviceMonitor.create=true": "needs metrics.enabled",
    "falco.file_output.enabled=true,falco.file_output.filename=/etc/x": "a directory of its own",
    "falco.grpc.bind_address=unix://run/x.sock": "expected unix:///PATH",
    "seccomp.install=true": "needs seccomp.type: Localhost",
    "driver.enabled=false": "there is no source of events but the eBPF probe",
}


def test_bad_values_fail_the_render():
    path = ROOT / "tests" / "chart" / "golden" / "bad-values.json"
    if HELM:
        runs = {given: subprocess.run([HELM, "template", *RELEASE, "--set", given], capture_output=True, text=True)
                for given in BAD_VALUES}
        made = json.dumps({g: {"status": r.returncode, "said": r.stderr} for g, r in runs.items()}, indent=1) + "\n"
        if os.environ.get("UPDATE_GOLDEN"):
            path.write_text(made)
        assert path.read_text() == made
    seen = json.loads(path.read_text())
    for given, said in BAD_VALUES.items():
        assert seen[given]["status"] != 0 and said in seen[given]["said"], given


UPSTREAM = [ROOT.parent / "shared" / "falco-config" / f"chart-{name}-values.yaml" for name in ("1.1.8", "current")]


def test_no_value_of_falcos_charts_is_ignored():
    path = ROOT / "tests" / "chart" / "golden" / "upstream-values.csv"
    state = state_of(ROOT / "tests" / "chart" / "upstream.py")
    known = all(p.exists() for p in UPSTREAM)
    if HELM and known:
        made = subprocess.run([sys.executable, ROOT / "tests" / "chart" / "upstream.py", HELM, *UPSTREAM], check=True,
                              capture_output=True, text=True).stdout
        if os.environ.get("UPDATE_GOLDEN"):
            path.write_text(state + made)
        assert path.read_text() == state + made
    with path.open(encoding="utf-8") as file:
        assert file.readline() == state, "the chart has changed: see tests/chart/README.md"
        rows = {row["value"]: row for row in csv.DictReader(file)}
    assert len(rows) > 300
    refused = {name for name, row in rows.items() if row["effect"] == "refused"}
    assert refused == {"driver.enabled"}
    assert [name for name, row in rows.items() if row["effect"] == "ignored"] == []
    if known:
        upstream = load_upstream()
        for file in UPSTREAM:
            names = {".".join(leaf) for leaf, _ in upstream.leaves(yaml.safe_load(file.read_text()))}
            assert names <= rows.keys(), names - rows.keys()


def load_upstream():
    spec = importlib.util.spec_from_file_location("upstream", ROOT / "tests" / "chart" / "upstream.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Api(BaseHTTPRequestHandler):
    """As much of an API server as the Job that makes certificates asks for."""

    def answer(self, status, body):
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def handle_request(self):
        api = self.server
        prefix = "/api/v1/namespaces/gitlab-managed-apps/secrets"
        if self.headers["Authorization"] != "Bearer a-token" or not self.path.startswith(prefix):
            return self.answer(403, {"message": "forbidden: who are you?"})
        name = self.path[len(prefix):].strip("/")
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or "{}")
        if self.command == "GET":
            return self.answer(200 if name in api.secrets else 404, {})
        name = name or body["metadata"]["name"]
        if self.command == "POST" and name in api.secrets:
            return self.answer(409, {})
        api.secrets[name] = {k: base64.b64decode(v).decode() for k, v in body["data"].items()}
        return self.answer(201 if self.command == "POST" else 200, {})

    do_GET = do_POST = do_PUT = handle_request

    def log_message(self, *_):
        pass


@pytest.fixture
def api(tmp_path):
    subprocess.run([TIERCEL, "certs", str(tmp_path / "api")], check=True)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "api" / "server.crt", tmp_path / "api" / "server.key")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.secrets = {}
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def make_certs(api, tmp_path, token="a-token"):
    """The Job's script with the Job's own arguments."""
    job = one("defaults", "Job")["spec"]["template"]["spec"]["containers"][0]
    script = tmp_path / "make-certs.sh"
    script.write_text(one("defaults", "ConfigMap", "falco-make-certs")["data"]["make-certs.sh"])
    account, work, path = tmp_path / "account", tmp_path / "work", tmp_path / "bin"
    for d in (account, path):
        d.mkdir(exist_ok=True)
    subprocess.run(["rm", "-rf", str(work)], check=True)
    work.mkdir()
    (account / "token").write_text(token)
    (account / "ca.crt").write_text((tmp_path / "api" / "ca.crt").read_text())
    if not (path / "tiercel").exists():
        (path / "tiercel").symlink_to(TIERCEL)
    env = {**os.environ, "PATH": f"{path}:/usr/bin:/bin", "SERVICE_ACCOUNT_DIR": str(account),
           "WORK_DIR": str(work), "KUBERNETES_SERVICE_HOST": "127.0.0.1",
           "KUBERNETES_SERVICE_PORT": str(api.server_address[1])}
    return subprocess.run(["sh", str(script), *job["args"]], capture_output=True, text=True, env=env, timeout=60)


def test_job_makes_certificates_once(api, tmp_path):
    done = make_certs(api, tmp_path)
    assert done.returncode == 0, done.stderr
    server, client = api.secrets["falco-certs"], api.secrets["falco-client-certs"]
    assert server.keys() == {"server.key", "server.crt", "ca.crt", "falco.pem"}
    assert client.keys() == {"client.key", "client.crt", "ca.crt"}
    for name, text in {**server, **client}.items():
        (tmp_path / name).write_text(text)
    for name in ("server.crt", "client.crt"):
        subprocess.run(["openssl", "verify", "-CAfile", tmp_path / "ca.crt", tmp_path / name], check=True)
    names = subprocess.run(["openssl", "x509", "-in", tmp_path / "server.crt", "-noout", "-ext", "subjectAltName"],
                           check=True, capture_output=True, text=True).stdout
    assert "DNS:falco-grpc.gitlab-managed-apps.svc.cluster.local" in names

    before = dict(api.secrets)
    again = make_certs(api, tmp_path)
    assert again.returncode == 0 and "there already" in again.stdout
    assert api.secrets == before


def test_job_that_died_in_between_starts_over(api, tmp_path):
    assert make_certs(api, tmp_path).returncode == 0
    del api.secrets["falco-certs"]
    assert make_certs(api, tmp_path).returncode == 0
    assert api.secrets["falco-certs"]["ca.crt"] == api.secrets["falco-client-certs"]["ca.crt"]


def test_job_says_what_the_api_server_refused(api, tmp_path):
    done = make_certs(api, tmp_path, token="wrong")
    assert done.returncode == 1
    assert "secret falco-certs: the API server answered 403" in done.stderr and "who are you?" in done.stderr
