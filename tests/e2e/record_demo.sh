#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Records docs/demo.tcap anew: an attacker's afternoon in private mounts, with nothing of this machine in
# it: a clean environment, a made-up host name and an empty list of older processes. As root:
#	tests/e2e/record_demo.sh
set -euo pipefail
cd "$(dirname "$0")/../.."
TIERCEL=${TIERCEL:-$PWD/build/server/tiercel}
work=$(mktemp -d /tmp/demo-XXXXXX)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/host/proc" "$work/host/etc" "$work/etc"
cp -a /etc/. "$work/etc/"
cp /usr/share/base-passwd/passwd.master "$work/host/etc/passwd"
cp /usr/share/base-passwd/group.master "$work/host/etc/group"
mkfifo "$work/go"

cat >"$work/actor" <<'END'
read -r _ <"$1/go"
mount --make-rprivate /
mount --bind "$1/etc" /etc
mount -t tmpfs none /root
mount -t tmpfs none /var/tmp
cd /var/tmp
mkdir -p /root/.ssh && echo key >/root/.ssh/id_rsa && touch /root/.bash_history
python3 -ISc 'open("/etc/shadow").read()'
cat /etc/gshadow >/dev/null
python3 -ISc 'open("/proc/self/root/etc/shadow").read()'
ln -s /etc/shadow innocent; python3 -ISc 'open("innocent").read()'
cp /bin/true /var/tmp/payload && chmod u+s /var/tmp/payload && ./payload
echo '* * * * * root /var/tmp/payload' >/etc/cron.d/update
echo 'ssh-ed25519 AAAA attacker' >>/root/.ssh/authorized_keys
echo /var/tmp/x.so >/etc/ld.so.preload; rm -f /etc/ld.so.preload
rm -f /root/.bash_history
grep -rl PRIVATE /root/.ssh >/dev/null || true
find /root -name 'id_rsa*' >/dev/null 2>&1 || true
python3 -IS - <<'PY'
import ctypes, os, socket
fd = os.memfd_create("x")
os.write(fd, open("/bin/true", "rb").read())
if os.fork() == 0:
    os.execve("/proc/self/fd/%d" % fd, ["true"], {})
os.wait()
a, b = socket.socketpair()
if os.fork() == 0:
    s = socket.socket(); l = socket.socket(); l.bind(("127.0.0.1", 0)); l.listen()
    s.connect(l.getsockname())
    for i in (0, 1, 2):
        os.dup2(s.fileno(), i)
    os.execve("/bin/sh", ["sh", "-c", "exit 0"], {})
os.wait()
pid = os.fork()
if pid == 0:
    import time; time.sleep(0.3); os._exit(0)
ctypes.CDLL(None).ptrace(16, pid, 0, 0)
os.kill(pid, 9); os.waitpid(pid, 0)
PY
for i in $(seq 100); do ls /usr/lib/x86_64-linux-gnu >/dev/null; head -c 10 /etc/services >/dev/null; done
END

env -i -C / PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root unshare -m sh "$work/actor" "$work" &
actor=$!
cat >"$work/falco.yaml" <<END
rules_files: [rules]
log_stderr: true
stdout_output: {enabled: true}
tiercel: {scope: 'pid:$actor'}
END
FALCO_HOSTNAME=demo HOST_ROOT=$work/host "$TIERCEL" record docs/demo.tcap -c "$work/falco.yaml" \
	>"$work/out" 2>"$work/log" &
sensor=$!
until grep -q ready "$work/log"; do sleep 0.1; done
echo go >"$work/go"
wait "$actor" || true
sleep 1
kill "$sensor"
wait "$sensor"
cat "$work/out"
ls -l docs/demo.tcap
