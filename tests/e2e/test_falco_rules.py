# SPDX-License-Identifier: Apache-2.0
"""
Falco's own rules, stable and incubating, all enabled: each is raised by what it is meant to find, done for real
on the host or in a container (a process in a container's control group on an overlay; only the runtime that
says who it is stands in for Docker). A rule without a row here fails the test.
"""
import contextlib
import re

from host import ROOT
from stages import HOST, Stages

RULES = [ROOT.parent / "shared" / "falco-rules" / name
         for name in ("falco_rules.yaml", "falco-incubating_rules.yaml")]

# Where, and a statement of the stage (stage.py) there.
DEEDS = {
    # falco_rules.yaml
    "Directory traversal monitored file read": ("host", "open('/etc/../etc/../etc/hostname').close()"),
    "Read sensitive file untrusted": ("host", "run(['cat', '/etc/shadow'])"),
    "Run shell untrusted": ("host", "named('nginx', 'os.system(\":\")')"),
    "System user interactive": ("host", "named('sshd', 'subprocess.run([\"/bin/true\"], user=1)')"),
    "Terminal shell in container": (
        "container", "named('runc', 'import pty; pty.spawn([\"/bin/sh\", \"-c\", \":\"])')"),
    "Netcat Remote Code Execution in Container": ("container", "tool('nc', '-e', 'sh')"),
    "Search Private Keys or Passwords": ("host", "run(['grep', 'BEGIN PRIVATE', '/dev/null'])"),
    "Clear Log Activities": ("host", "open('/var/log/syslog', 'w').close()"),
    "Remove Bulk Data from Disk": ("host", "tool('shred', '-u', TMP + '/x')"),
    "Create Symlink Over Sensitive Files": ("host", "os.symlink('/etc/shadow', TMP + '/l')"),
    "Create Hardlink Over Sensitive Files": (
        "host", "libc.link(b'/etc/shadow', b'/etc/shadow.stage')"),
    "Packet socket created in container": (
        "container", "socket.socket(socket.AF_PACKET, socket.SOCK_RAW).close()"),
    "Redirect STDOUT/STDIN to Network Connection in Container": (
        "container", "l = socket.create_server(('127.0.0.1', 0)); "
                     "c = socket.create_connection(l.getsockname()); forked(lambda: os.dup2(c.fileno(), 0))"),
    "Linux Kernel Module Injection Detected": ("container", "libc.syscall(175, 0, 0, b'')"),
    "Debugfs Launched in Privileged Container": ("privileged", "tool('debugfs')"),
    "Detect release_agent File Container Escapes": (
        "container", "open(TMP + '/release_agent', 'w').close()"),
    "PTRACE attached to process": (
        "host", "v = subprocess.Popen(['sleep', '9']); libc.ptrace(16, v.pid, 0, 0); v.kill(); v.wait()"),
    "PTRACE anti-debug attempt": ("host", "named('pet', 'ctypes.CDLL(None).ptrace(0, 0, 0, 0)')"),
    "Find AWS Credentials": ("host", "run(['find', '/dev/null', '-path', '/x/.aws/credentials'])"),
    "Execution from /dev/shm": (
        "host", "shutil.copy('/bin/true', '/dev/shm/x'); run(['/dev/shm/x'])"),
    "Drop and execute new binary in container": (
        "container", "shutil.copy('/bin/true', '/usr/local/bin/dropped'); run(['/usr/local/bin/dropped'])"),
    "Disallowed SSH Connection Non Standard Port": (
        "host", "l = socket.create_server(('8.8.8.8', 443)); "
                "named('ssh', 's = socket.socket(); s.connect((\"8.8.8.8\", 443))'); l.close()"),
    "Fileless execution via memfd_create": (
        "host", "m = os.memfd_create('x', 0); os.write(m, open('/bin/true', 'rb').read()); "
                "run(['/proc/self/fd/%d' % m], pass_fds=[m])"),
    # falco-incubating_rules.yaml
    "Modify Shell Configuration File": ("host", "open(TMP + '/.bashrc', 'w').close()"),
    "Schedule Cron Jobs": ("host", "os.makedirs('/etc/cron.d', exist_ok=True); open('/etc/cron.d/x', 'w').close()"),
    "Read ssh information": (
        "host", "os.makedirs('/root/.ssh', exist_ok=True); open('/root/.ssh/id', 'a').close(); "
                "open('/root/.ssh/id').close()"),
    "DB program spawned process": ("host", "named('postgres', 'subprocess.run([\"/bin/true\"])')"),
    "Change thread namespace": (
        "host", "n = os.open('/proc/self/ns/net', os.O_RDONLY); libc.setns(n, 0); os.close(n)"),
    "Change namespace privileges via unshare": (
        "container", "forked(lambda: (os.setresuid(65534, 65534, 65534), libc.unshare(0x10000000)))"),
    "Launch Privileged Container": ("privileged", "forked(first_process)"),
    "Launch Excessively Capable Container": ("container", "forked(first_process)"),
    "System procs network activity": (
        "host", "l = socket.create_server(('8.8.8.8', 444)); "
                "named('tail', 's = socket.socket(); s.connect((\"8.8.8.8\", 444))'); l.close()"),
    "Program run with disallowed http proxy env": ("host", "tool('curl', env={'HTTP_PROXY': 'http://x'})"),
    "Unexpected UDP Traffic": ("host", "connect('8.8.8.8', 5555, socket.SOCK_DGRAM)"),
    "Non sudo setuid": ("host", "forked(lambda: (os.setresuid(1, 1, 1), libc.setuid(2)))"),
    "User mgmt binaries": ("host", "tool('useradd', 'eve')"),
    "Create files below dev": ("host", "open('/dev/stage', 'w').close()"),
    "Contact EC2 Instance Metadata Service From Container": ("container", "connect('169.254.169.254', 80)"),
    "Contact cloud metadata service from container": ("container", "connect('169.254.169.254', 80)"),
    "Launch Package Management Process in Container": ("container", "tool('apt', 'install', 'x')"),
    "Launch Suspicious Network Tool in Container": ("container", "tool('nmap', '10.0.0.0/8')"),
    "Launch Suspicious Network Tool on Host": ("host", "tool('nmap', '10.0.0.0/8')"),
    "Delete or rename shell history": (
        "host", "open(TMP + '/.bash_history', 'w').close(); os.unlink(TMP + '/.bash_history')"),
    "Set Setuid or Setgid bit": ("host", "open(TMP + '/s', 'w').close(); os.chmod(TMP + '/s', 0o4755)"),
    "Launch Remote File Copy Tools in Container": ("container", "tool('rsync', 'a', 'b:')"),
    "Contact K8S API Server From Container": ("container", "connect('127.0.0.1', 7443)"),
    "Network Connection outside Local Subnet": ("container", "connect('8.8.8.8', 7777)"),
    "Mount Launched in Privileged Container": ("privileged", "tool('mount', '/dev/sda1', '/mnt')"),
    "Launch Ingress Remote File Copy Tools in Container": ("container", "tool('wget', 'http://x/')"),
    "Read environment variable from /proc files": ("container", "open('/proc/self/environ').close()"),
    "Exfiltrating Artifacts via Kubernetes Control Plane": (
        "container", "open(TMP + '/secret', 'w').write('x'); named('runc', "
                     "'subprocess.run([\"tar\", \"cf\", \"/tmp/stage/x.tar\", \"/tmp/stage/secret\"], start_new_session=True)')"),
    "Adding ssh keys to authorized_keys": (
        "host", "os.makedirs('/root/.ssh', exist_ok=True); open('/root/.ssh/authorized_keys', 'a').close()"),
    "Potential Local Privilege Escalation via Environment Variables Misuse": (
        "host", "run(['/bin/true'], env={'GLIBC_TUNABLES': 'glibc.malloc.mxfast=1'})"),
    "Backdoored library loaded into SSHD (CVE-2024-3094)": (
        "host", "open(TMP + '/liblzma.so.5.6.0', 'w').close(); "
                "named('sshd', 'open(\"/tmp/stage/liblzma.so.5.6.0\").close()')"),
    "BPF Program Not Profiled": ("host", "libc.syscall(321, 5, 0, 0)"),
    # Of a server that has been running for five seconds: last, as it waits.
    "Read sensitive file trusted after startup": (
        "host", "time.sleep(max(0, begun + 5.2 - time.monotonic())); "
                "old.stdin.close(); old.wait(20)"),
}

# A list that is empty as shipped, and without which its rule can never hold; a name that can be looked up here.
OVERRIDE = """
- macro: k8s_api_server
  condition: (fd.sip.name = localhost)
  override: {condition: replace}
- list: namespace_scope_network_only_subnet
  items: [shop]
  override: {items: append}
"""


def rule_names():
    return [name.strip().strip("\"'") for path in RULES
            for name in re.findall(r"^- rule: (.*)$", path.read_text(), re.M)]


if all(path.exists() for path in RULES):
    def test_every_rule_has_a_deed():
        assert sorted(DEEDS) == sorted(rule_names())

    def test_every_deed_is_seen(tmp_path):
        override = tmp_path / "override.yaml"
        override.write_text(OVERRIDE)
        with contextlib.ExitStack() as ends:
            stages = Stages(tmp_path, ends, [*RULES, override])
            stages.do(HOST, "begun = time.monotonic(); old = subprocess.Popen([link('nginx', PYTHON), '-c', "
                            "'import sys; sys.stdin.read(); open(\"/etc/shadow\").close()'], stdin=-1)")
            missed = [rule for rule, deed in DEEDS.items() if not stages.does_raise(rule, *deed)]
            assert not missed, f"{missed}\n" + "\n".join(stages.sensor.log[-30:])
