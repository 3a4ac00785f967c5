# SPDX-License-Identifier: Apache-2.0
"""
Behind the socket of a runtime there may be anything: the alert comes all the same, in the time that events wait, says
the container's id, and one line of the log and a metric say what is wrong. Alerts of others do not wait.
"""
import contextlib
import json
import os
import socket
import threading
from concurrent import futures

import grpc
import pytest

from conftest import any_free_port
from engines import wait_for
from engines_cri import message
from test_cgroup_forms import hierarchy, run_in
from test_containers import World

RULES = """
- rule: inside
  desc: d
  condition: evt.type in (execve, execveat) and evt.rawres = 0 and container.id != host and proc.name = true
  output: "%container.id %container.name %container.image.repository %proc.args"
  priority: INFO
- rule: outside
  desc: d
  condition: evt.type in (execve, execveat) and evt.rawres = 0 and container.id = host and proc.name = true
  output: "%container.id %proc.args"
  priority: INFO
"""
WHINES = "does not answer as it should"


@contextlib.contextmanager
def raw(path, data, hold):
    """Sends this to everyone who connects, and holds the connection or ends it."""
    ends, held = threading.Event(), []
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(str(path))
        s.listen(64)
        s.settimeout(0.1)

        def serve():
            while not ends.is_set():
                with contextlib.suppress(OSError):
                    c = s.accept()[0]
                    c.settimeout(1)
                    with contextlib.suppress(OSError):
                        c.sendall(data)
                    held.append(c) if hold else c.close()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield
        finally:
            ends.set()
            thread.join()
            for c in held:
                c.close()


@contextlib.contextmanager
def refusing(path):
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(str(path))
        yield


@contextlib.contextmanager
def speaking(path, answer):
    """gRPC as it should be, with such an answer about each container; an error where it is a status."""
    def status(request, context):
        if isinstance(answer, grpc.StatusCode):
            context.abort(answer, "no\r\n" * 1000)
        return answer(request[2:2 + request[1]].decode())

    def version(request, context):
        return message({1: "0.1.0", 2: "cri-o", 3: "1", 4: "v1"})

    def events(request, context):
        context.abort(grpc.StatusCode.UNIMPLEMENTED, "")

    handlers = {"ContainerStatus": grpc.unary_unary_rpc_method_handler(status),
                "PodSandboxStatus": grpc.unary_unary_rpc_method_handler(status),
                "Version": grpc.unary_unary_rpc_method_handler(version),
                "GetContainerEvents": grpc.unary_stream_rpc_method_handler(events)}
    server = grpc.server(futures.ThreadPoolExecutor(4), options=[("grpc.max_send_message_length", -1)])
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("runtime.v1.RuntimeService", handlers),))
    server.add_insecure_port(f"unix:{path}")
    server.start()
    try:
        yield
    finally:
        server.stop(None).wait(10)


def about(ident, name="evil", info="{}", **more):
    return message({1: {1: ident, 2: {1: name}, 9: "r/evil:1", **more.get("status", {})}, 2: {"info": info}})


# Who is there; the name that the alert has then; whether that is a fault of his.
BEHAVIOURS = {
    "refuses": (refusing, (), None, True),
    "hangs": (raw, (b"", True), None, False),
    "closes": (raw, (b"", False), None, True),
    "speaks TLS": (raw, (b"\x15\x03\x01\x00\x02\x02\x50", False), None, True),
    "speaks HTTP/1": (raw, (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", False), None, True),
    "sends zeros": (raw, (bytes(1 << 20), False), None, True),
    "sends half a frame": (raw, (b"\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00\x03", True), None, False),
    "errs": (speaking, (grpc.StatusCode.INTERNAL,), None, True),
    "says nothing": (speaking, (lambda i: b"",), None, True),
    "says nonsense": (speaking, (lambda i: b"\xff" * 1000,), None, True),
    "says too much": (speaking, (lambda i: about(i, "x" * (3 << 20)),), None, True),
    "means another": (speaking, (lambda i: about("ab" * 32),), None, False),
    "nests JSON": (speaking, (lambda i: about(i, info='{"config":' + "[" * 200000),), "evil", False),
    "lies in JSON": (speaking, (lambda i: about(i, info=json.dumps(
        {"sandboxID": 7, "config": [], "privileged": "yes", "runtimeSpec": {"process": {"user": {"uid": 1e300}}}})),), "evil", False),
    "has many labels": (speaking, (lambda i: about(i, status={12: {f"k{n}": "v" * 90 for n in range(9000)}}),), "evil", False),
    "has an odd name": (speaking, (lambda i: about(i, "a\nb\u202e\u0000"),), "a\nb\u202e", False),
}


@pytest.mark.parametrize("what", BEHAVIOURS)
def test_anything_behind_the_socket(what, sensor, actor, rules_file, tmp_path):
    make, args, name, fault = BEHAVIOURS[what]
    path, port, ident = tmp_path / "crio.sock", any_free_port(), os.urandom(32).hex()
    with make(path, *args), hierarchy("v2", tmp_path) as top:
        s = sensor([rules_file(RULES)], f"pid:{actor.pid}", extra=[w for o in (
            "webserver.enabled=true", "webserver.prometheus_metrics_enabled=true", "webserver.listen_address=127.0.0.1",
            f"webserver.listen_port={port}", "metrics.enabled=true", "metrics.interval=1h") for w in ("-o", o)], config=f"""
container_engines:
  docker: {{enabled: false}}
  podman: {{enabled: false}}
  cri: {{enabled: true, sockets: [{path}]}}
""")
        s.wait_log(f"container runtime at {path}")
        run_in(actor, top, f"kubepods.slice/kubepods-pod1.slice/crio-{ident}.scope", ["/bin/true", "inside"])
        actor.do("import subprocess; subprocess.run(['/bin/true', 'outside'])")
        fields = s.wait_alert(lambda a: a["rule"] == "inside", 30)[0]["output_fields"]
        assert fields["container.id"] == ident[:12] and fields["container.name"] == name
        assert s.wait_alert(lambda a: a["rule"] == "outside", 30)
        # They are counted once a second.
        wait_for(lambda: World.metrics_at(port)["tiercel_container_waits_total"] >= 1)
        if fault:
            wait_for(lambda: World.metrics_at(port)['tiercel_runtime_errors_total{runtime="cri"}'] >= 1)
        assert sum(WHINES in line for line in s.log) <= 1
