# SPDX-License-Identifier: Apache-2.0
"""Every rule of the default policy, all levels, raised by what an intruder would really do, on a stage where it harms nothing."""
import contextlib

import yaml

import policies
from host import ROOT
from stages import CONTAINER, HOST, Stages

# Where, and a statement of the stage (stage.py) there.
DEEDS = {
    # credential access
    "Sensitive file read": (HOST, "run(['cat', '/etc/shadow'])"),
    "Sensitive file refused": (HOST, "run(['cat', '/etc/shadow'], user=65534)"),
    "SSH private key read": (HOST, "made('/root/.ssh/id_stage'); run(['cat', '/root/.ssh/id_stage'])"),
    "Cloud credentials read": (HOST, "made('/root/.aws/credentials'); run(['cat', '/root/.aws/credentials'])"),
    "Private keys searched for": (HOST, "run(['find', TMP, '-name', 'id_rsa'])"),
    "Cloud metadata asked by a script": (CONTAINER, "connect('169.254.169.254', 80)"),
    "Symbolic link to a sensitive file": (HOST, "os.symlink('/etc/shadow', TMP + '/l')"),
    "Hard link to a sensitive file": (HOST, "libc.link(b'/etc/shadow', b'/etc/shadow.stage')"),
    "Environment of another process read": (
        HOST, "v = subprocess.Popen(['sleep', '9']); run(['cat', '/proc/%d/environ' % v.pid]); v.kill(); v.wait()"),
    # persistence
    "Linker preload changed": (HOST, "made('/etc/ld.so.preload'); os.unlink('/etc/ld.so.preload')"),
    "Account database changed": (HOST, "open('/etc/passwd', 'a').close()"),
    "Login setup changed": (HOST, "made('/etc/pam.d/stage')"),
    "SSH login key added": (HOST, "made('/root/.ssh/authorized_keys')"),
    "Scheduled job planted": (HOST, "made('/etc/cron.d/stage')"),
    "Service planted": (HOST, "made('/etc/systemd/system/stage.service')"),
    "Shell start-up file changed": (HOST, "open('/root/.bashrc', 'a').close()"),
    "Configuration written below etc": (HOST, "made('/etc/stage')"),
    "Program written into a system directory": (HOST, "made('/usr/local/bin/stage')"),
    "Web page program written by a web server": (HOST, "named('nginx', 'open(\"/srv/x.php\", \"w\").close()')"),
    "Accounts managed in a container": (CONTAINER, "tool('useradd', 'eve')"),
    # privilege escalation
    "Set-user-id bit set": (HOST, "made(TMP + '/s'); os.chmod(TMP + '/s', 0o4755)"),
    "Process taken over with ptrace": (
        HOST, "v = subprocess.Popen(['sleep', '9']); libc.ptrace(16, v.pid, 0, 0); v.kill(); v.wait()"),
    "Memory of another process written": (HOST, "os.close(os.open('/proc/%d/mem' % os.getpid(), os.O_RDWR))"),
    "Root taken by a user": (
        HOST, "named('pet', 'os.setgid(65534); os.setresuid(65534, 65534, 0); os.setresuid(0, 0, 0)')"),
    "Library preloaded from a temporary place": (HOST, "run(['true'], env={'LD_PRELOAD': '/tmp/stage/none.so'})"),
    "User namespace made": (HOST, "forked(lambda: (os.setresuid(65534, 65534, 65534), libc.unshare(0x10000000)))"),
    "Kernel hook written from a container": (CONTAINER, "made(TMP + '/release_agent')"),
    "Container runtime reached from a container": (CONTAINER, "talk(TMP + '/docker.sock')"),
    "Container tool run in a container": (CONTAINER, "tool('docker', 'ps')"),
    # defense evasion
    "Program run from memory": (
        HOST, "m = os.memfd_create('x', 0); os.write(m, open('/bin/true', 'rb').read()); "
              "run(['/proc/self/fd/%d' % m], pass_fds=[m])"),
    "Memory file made by a script": (HOST, "os.close(os.memfd_create('y', 0))"),
    "System program renamed or removed": (HOST, "made('/usr/local/bin/old'); os.unlink('/usr/local/bin/old')"),
    "Directory made among system files": (HOST, "os.mkdir('/usr/lib/stage')"),
    "Hidden directory made in a temporary place": (HOST, "os.mkdir('/tmp/.stage')"),
    "Dropped file made executable": (CONTAINER, "made(TMP + '/x'); os.chmod(TMP + '/x', 0o755)"),
    "Shell history removed": (HOST, "made('/root/.bash_history'); os.unlink('/root/.bash_history')"),
    "Log file removed": (HOST, "made('/var/log/stage.log'); os.unlink('/var/log/stage.log')"),
    "Program evades debuggers": (HOST, "named('pet', 'ctypes.CDLL(None).ptrace(0, 0, 0, 0)')"),
    "Firewall switched off": (HOST, "tool('iptables', '-F')"),
    "Watcher of the host stopped": (HOST, "tool('systemctl', 'stop', 'tiercel')"),
    "Immutable flag changed": (HOST, "tool('chattr', '+i', '/root/x')"),
    "File time forged": (HOST, "tool('touch', '-r', '/usr/bin/ls', '/usr/bin/lss')"),
    # Two instructions, "return 0", for a socket filter that is attached to nothing.
    "Kernel program loaded": (
        HOST, "code = ctypes.create_string_buffer(bytes.fromhex('b700000000000000' '9500000000000000')); "
              "text = ctypes.create_string_buffer(b'GPL'); "
              "attr = struct.pack('IIQQ', 1, 2, ctypes.addressof(code), ctypes.addressof(text)).ljust(128, bytes(1)); "
              "os.close(libc.syscall(321, 5, attr, len(attr)))"),
    # initial access, execution
    "Shell started by a server": (HOST, "named('nginx', 'os.system(\":\")')"),
    "Program run from a temporary place": (HOST, "shutil.copy('/bin/true', '/dev/shm/x'); run(['/dev/shm/x'])"),
    "Connection made standard input or output": (
        HOST, "l = socket.create_server(('127.0.0.1', 0)); c = socket.create_connection(l.getsockname()); "
              "forked(lambda: os.dup2(c.fileno(), 0))"),
    "Network tool gives a shell away": (HOST, "tool('ncat', '-e', 'sh')"),
    "Program started by a database": (HOST, "named('postgres', 'subprocess.run([\"/bin/true\"])')"),
    "Encoded command run": (HOST, "run(['sh', '-c', 'echo aWQ= | base64 -d'])"),
    "Shell with a terminal in a container": (
        CONTAINER, "named('runc', 'import pty; pty.spawn([\"/bin/sh\", \"-c\", \":\"])')"),
    "Program added to a container run": (
        CONTAINER, "shutil.copy('/bin/true', '/usr/local/bin/dropped'); run(['/usr/local/bin/dropped'])"),
    # discovery, lateral movement, collection
    "Host looked over by a server": (HOST, "named('nginx', 'subprocess.run([\"/usr/bin/id\"], stdout=-3)')"),
    "Network tool run in a container": (CONTAINER, "tool('nmap', '10.0.0.0/8')"),
    "Packet socket in a container": (CONTAINER, "socket.socket(socket.AF_PACKET, socket.SOCK_RAW).close()"),
    "Network sniffer started": (HOST, "tool('tcpdump', '-i', 'lo')"),
    "Container boundaries looked at": (CONTAINER, "run(['cat', '/proc/1/cgroup'])"),
    "SSH started by a server": (
        HOST, "link('ssh', '/bin/true'); named('nginx', 'subprocess.run([\"/tmp/stage/ssh\", \"x\"])')"),
    "SSH out of a container": (CONTAINER, "connect('8.8.8.8', 22)"),
    "SSH agent of others used": (HOST, "os.mkdir('/tmp/ssh-stage'); talk('/tmp/ssh-stage/agent.1')"),
    "Remote execution kit run": (HOST, "tool('nxc', 'smb')"),
    "Keyboard device read": (HOST, "made('/dev/input/event0'); open('/dev/input/event0').close()"),
    "Secrets packed into an archive": (HOST, "tool('tar', 'czf', 'x.tgz', '/root/.ssh')"),
    "Database files copied": (HOST, "made('/var/lib/mysql/stage/t.ibd'); run(['cat', '/var/lib/mysql/stage/t.ibd'])"),
    # command and control, exfiltration, impact
    "Script waits for connections": (HOST, "named('nc', 'socket.create_server((\"127.0.0.1\", 0))')"),
    "Package manager run in a container": (CONTAINER, "tool('apt', 'install', 'x')"),
    "File dropped into the root directory": (
        HOST, "named('bash', 'open(\"/stage-drop\", \"w\").close()', start_new_session=True)"),
    "Tunnel program started": (HOST, "tool('chisel', 'client', 'x')"),
    "Download started by a server": (
        HOST, "link('curl', '/bin/true'); named('nginx', 'subprocess.run([\"/tmp/stage/curl\", \"x\"])')"),
    "Anonymous network used": (HOST, "tool('tor')"),
    "File sent out": (HOST, "tool('curl', '-T', 'x', 'ftp://x/')"),
    "Data wiped": (HOST, "tool('shred', '-u', TMP + '/x')"),
    "Coin miner started": (HOST, "tool('xmrig')"),
    "Mining pool contacted": (HOST, "connect('8.8.8.8', 3333)"),
}

# And those for which no action is safe, with the reason.
CANNOT = {"Kernel module loaded": "a module that was loaded is in the machine's kernel, which the stage shares"}

PRELUDE = """
def made(path):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    open(path, 'a').close()
def talk(path):
    with socket.socket(socket.AF_UNIX) as l, socket.socket(socket.AF_UNIX) as s:
        l.bind(path); l.listen(); s.connect(path)
"""


def test_every_rule_has_a_deed():
    named = {item["rule"] for name in policies.FILES.values()
             for item in yaml.safe_load((ROOT / "rules" / name).read_text()) if "rule" in item}
    assert set(DEEDS) | set(CANNOT) == named and not set(DEEDS) & set(CANNOT)


def test_every_deed_is_seen(tmp_path):
    with contextlib.ExitStack() as ends:
        stages = Stages(tmp_path, ends, [ROOT / "rules"])
        for where in (HOST, CONTAINER):
            stages.do(where, f"exec({PRELUDE!r}, globals())")
        missed = [rule for rule, deed in DEEDS.items() if not stages.does_raise(rule, *deed)]
        assert not missed, f"{missed}\n" + "\n".join(stages.sensor.log[-30:])
