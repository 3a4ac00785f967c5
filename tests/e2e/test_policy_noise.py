# SPDX-License-Identifier: Apache-2.0
"""
What the default policy says about ordinary work: a compile, a package installed and purged, a login by SSH, a
container started. Nothing of it deserves an alert of the stable level; the table shows all levels.
"""
import collections
import contextlib
import secrets
import time

import pytest
import yaml

import engines
import policies
from host import ROOT, Actor, Sensor
from stages import HOST, Stages

COMPILE = """
os.makedirs(TMP + '/src')
for i in range(3):
    open(TMP + '/src/part%d.c' % i, 'w').write('int part%d(int x) { return x + %d; }' % (i, i))
open(TMP + '/src/main.c', 'w').write('#include <stdio.h>\\nint main(void) { return puts("built") < 0; }')
open(TMP + '/src/Makefile', 'w').write('prog: main.o part0.o part1.o part2.o\\n\\t$(CC) -O2 -o $@ $^\\n'
                                       'install: prog\\n\\tinstall -D prog $(DESTDIR)/bin/prog\\n')
checked(['make', '-C', TMP + '/src', '-j2', 'install', 'DESTDIR=' + TMP + '/dest'])
checked([TMP + '/dest/bin/prog'])
"""

# A service with a program that has the set-user-id bit, a unit, a cron job, a PAM file and an account of its own.
PACKAGE = """
pkg = TMP + '/pkg'
def part(path, text, mode=0o644):
    os.makedirs(os.path.dirname(pkg + path), exist_ok=True)
    open(pkg + path, 'w').write(text)
    os.chmod(pkg + path, mode)
part('/DEBIAN/control', 'Package: tiercel-noise\\nVersion: 1\\nArchitecture: all\\nMaintainer: nobody <n@example.org>\\n'
                        'Description: what packages bring\\n')
part('/DEBIAN/conffiles', '/etc/cron.d/tiercel-noise\\n/etc/pam.d/tiercel-noise\\n/etc/tiercel-noise.conf\\n')
part('/DEBIAN/postinst', '#!/bin/sh\\nset -e\\nuseradd --system tiercel-noise || true\\nldconfig\\nchmod 4755 /usr/bin/tiercel-noise\\n'
                         'update-rc.d tiercel-noise defaults >/dev/null 2>&1 || true\\n', 0o755)
part('/DEBIAN/postrm', '#!/bin/sh\\nset -e\\n[ "$1" != purge ] || userdel tiercel-noise\\nrm -rf /var/log/tiercel-noise\\n', 0o755)
part('/usr/bin/tiercel-noise', '#!/bin/sh\\nexit 0\\n', 0o755)
part('/usr/lib/tiercel-noise/x.so', 'x')
part('/lib/systemd/system/tiercel-noise.service', '[Service]\\nExecStart=/usr/bin/tiercel-noise\\n')
part('/etc/cron.d/tiercel-noise', '# nothing\\n')
part('/etc/pam.d/tiercel-noise', '# nothing\\n')
part('/etc/tiercel-noise.conf', 'x\\n')
part('/var/log/tiercel-noise/log', 'x\\n')
os.chmod(TMP, 0o755)
checked(['dpkg-deb', '--root-owner-group', '-b', pkg, TMP + '/noise.deb'])
checked(['apt-get', '-y', 'install', TMP + '/noise.deb'], env={**os.environ, 'DEBIAN_FRONTEND': 'noninteractive'})
checked(['apt-get', '-y', 'purge', 'tiercel-noise'], env={**os.environ, 'DEBIAN_FRONTEND': 'noninteractive'})
checked(['dpkg', '-i', TMP + '/noise.deb'])
checked(['dpkg', '--purge', 'tiercel-noise'])
"""

LOGIN = """
os.makedirs('/run/sshd', exist_ok=True)
os.makedirs(TMP + '/ssh', mode=0o700)
for key in ('host', 'user'):
    checked(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', TMP + '/ssh/' + key])
shutil.copy(TMP + '/ssh/user.pub', TMP + '/ssh/allowed')
open(TMP + '/ssh/config', 'w').write('Port 2222\\nListenAddress 127.0.0.1\\nHostKey %s/ssh/host\\n'
    'AuthorizedKeysFile %s/ssh/allowed\\nStrictModes no\\nPidFile none\\nUsePAM yes\\nPermitRootLogin prohibit-password\\n' % (TMP, TMP))
sshd = subprocess.Popen(['/usr/sbin/sshd', '-D', '-e', '-f', TMP + '/ssh/config'], stdin=-3, stderr=open(TMP + '/ssh/log', 'w'))
for _ in range(200):
    with contextlib.suppress(OSError):
        socket.create_connection(('127.0.0.1', 2222)).close()
        break
    time.sleep(0.05)
try:
    checked(['ssh', '-F', 'none', '-i', TMP + '/ssh/user', '-p', '2222', '-o', 'StrictHostKeyChecking=no', '-o',
             'UserKnownHostsFile=/dev/null', '-tt', 'root@127.0.0.1', 'uname -a; exit'])
finally:
    sshd.terminate()
    sshd.wait()
"""

PRELUDE = """
import contextlib
def checked(args, **kw):
    done = subprocess.run(args, stdin=-3, stdout=-1, stderr=subprocess.STDOUT, timeout=120, **kw)
    assert done.returncode == 0, (args, done.stdout[-800:])
"""


def levels():
    """The level of each rule."""
    return {item["rule"]: level for level, name in policies.FILES.items()
            for item in yaml.safe_load((ROOT / "rules" / name).read_text()) if "rule" in item}


def settled(sensor):
    """All alerts, once no more have come for a while."""
    before, since = -1, time.monotonic()
    while time.monotonic() - since < 1:
        if len(sensor.alerts) != before:
            before, since = len(sensor.alerts), time.monotonic()
        time.sleep(0.05)
    return list(sensor.alerts)


def on_a_stage(tmp, work):
    with contextlib.ExitStack() as ends:
        stages = Stages(tmp, ends, [ROOT / "rules"])
        stages.do(HOST, f"exec({PRELUDE!r}, globals())")
        settled(stages.sensor)
        before = len(stages.sensor.alerts)
        stages.do(HOST, f"exec({work!r}, globals())")
        found = settled(stages.sensor)[before:]
        # It was not silent for want of eyes.
        assert stages.does_raise("Sensitive file read", HOST, "run(['cat', '/etc/shadow'])")
        return found


def container(tmp):
    tag = "tiercel-noise-" + secrets.token_hex(4)
    with contextlib.ExitStack() as ends:
        root = tmp / "image"
        engines.image_root(root)
        actor = Actor()
        ends.callback(actor.stop)
        ends.callback(engines.remove_cgroups, tag)
        docker = engines.Docker(actor, tmp, tag)
        sensor = Sensor(tmp, [ROOT / "rules"], f"pid:{actor.pid}", config=(
            "rule_matching: all\n"
            f"container_engines:\n  docker: {{enabled: true, sockets: [{docker.socket}]}}\n"
            "  podman: {enabled: false}\n  cri: {enabled: false}\n")).wait_ready()
        ends.callback(sensor.stop)
        ends.callback(docker.stop)
        docker.start()
        docker.load(engines.image_tar(root))
        docker.api.wait(docker.api.run(["/bin/true"]))
        found = settled(sensor)
        docker.api.wait(docker.api.run(["/bin/cat", "/etc/shadow"]))
        sensor.wait_alert(lambda a: a["rule"] == "Sensitive file read" and a["output_fields"]["container.id"] != "host")
        return found


WORK = {
    "compile": lambda tmp: on_a_stage(tmp, COMPILE),
    "package": lambda tmp: on_a_stage(tmp, PACKAGE),
    "login": lambda tmp: on_a_stage(tmp, LOGIN),
    "container": container,
}


@pytest.fixture(scope="module")
def table():
    """Filled line by line; printed in the end."""
    lines = []
    yield lines
    print("\n| work | " + " | ".join(policies.LEVELS) + " |\n|---|---|---|---|\n" + "\n".join(lines))


@pytest.mark.parametrize("work", WORK)
def test_ordinary_work_is_no_alert(work, tmp_path, table):
    of = levels()
    counts = collections.Counter(a["rule"] for a in WORK[work](tmp_path))
    cells = [", ".join(f"{n} {rule}" for rule, n in sorted(counts.items()) if of[rule] == level) or "0"
             for level in policies.LEVELS]
    table.append(f"| {work} | " + " | ".join(cells) + " |")
    assert {rule for rule in counts if of[rule] == "stable"} == set()
