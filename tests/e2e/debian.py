# SPDX-License-Identifier: Apache-2.0
"""
The Debian package, and a fresh Debian to put it on: a root file system by debootstrap that has a repository of
its own with what the package depends on, so that installing it asks no network. Both are made once in the build directory.
"""
import glob
import hashlib
import os
import shutil
import subprocess

from host import ROOT

BUILD = os.environ.get("TIERCEL_BUILD_ROOT", str(ROOT / "build"))
SUITE = os.environ.get("TIERCEL_SUITE", "bookworm")
# Beyond the essential ones: what boots, and what the image's Dockerfile adds.
INCLUDE = "systemd-sysv,dbus,ca-certificates,curl"


def run(*command, **more):
    done = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          stdin=subprocess.DEVNULL, check=False, **more)
    assert done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout[-4000:]}"
    return done.stdout


def package():
    """The path of the package, up to date with the tree."""
    where = os.path.join(BUILD, "package")
    shutil.rmtree(where, ignore_errors=True)
    run(ROOT / "dev", "package", where, timeout=1500)
    return glob.glob(os.path.join(where, "tiercel_*.deb"))[0]


def field(deb, name):
    return run("dpkg-deb", "-f", deb, name).strip()


def root_tar(deb):
    """The path of the root file system as a tar file; another for other dependencies."""
    key = hashlib.sha256(f"{SUITE} {INCLUDE} {field(deb, 'Depends')}".encode()).hexdigest()[:16]
    path = os.path.join(BUILD, f"root-{SUITE}-{key}.tar")
    if not os.path.exists(path):
        for old in glob.glob(os.path.join(BUILD, f"root-{SUITE}-*")):
            shutil.rmtree(old) if os.path.isdir(old) else os.unlink(old)
        root = path.removesuffix(".tar")
        # In namespaces of its own, so that no mount and no process of a maintainer script stays.
        inside("debootstrap", "--variant=minbase", f"--include={INCLUDE}", SUITE, root, timeout=900)
        shutil.copy("/etc/resolv.conf", f"{root}/etc/resolv.conf")
        shutil.copy(deb, f"{root}/root/package.deb")
        inside("chroot", root, "apt-get", "-q", "install", "-y", "--no-install-recommends", "--download-only",
               "/root/package.deb", timeout=600)
        os.unlink(f"{root}/root/package.deb")
        offline(root)
        run("tar", "-C", root, "-cf", path + ".new", ".")
        os.rename(path + ".new", path)
        shutil.rmtree(root)
    return path


def offline(root):
    """What was fetched becomes the one place that apt looks at."""
    os.makedirs(f"{root}/srv/packages")
    for path in glob.glob(f"{root}/var/cache/apt/archives/*.deb"):
        shutil.move(path, f"{root}/srv/packages")
    with open(f"{root}/srv/packages/Packages", "w", encoding="utf-8") as index:
        subprocess.run(["dpkg-scanpackages", "--multiversion", "."], cwd=f"{root}/srv/packages", stdout=index,
                       stderr=subprocess.DEVNULL, check=True)
    with open(f"{root}/etc/apt/sources.list", "w", encoding="utf-8") as sources:
        sources.write("deb [trusted=yes] file:/srv/packages ./\n")
    inside("chroot", root, "apt-get", "-q", "update")


def inside(*command, **more):
    return run("unshare", "--mount", "--pid", "--fork", "--kill-child", *command,
               env={**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}, **more)


def unpack(deb, where):
    """A fresh root file system."""
    os.makedirs(where)
    run("tar", "-C", where, "-xf", root_tar(deb), timeout=300)
    with open(f"{where}/etc/hosts", "w", encoding="ascii") as hosts:  # as an installer writes it
        hosts.write("127.0.0.1 localhost\n")
    return where
