#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# deb.sh BUILD-DIRECTORY OUT-DIRECTORY: a Debian package of what `meson install` installs, with what a package
# needs beside it. dpkg's own tools find what the program depends on.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=$(realpath "$1")
mkdir -p "$2"
out=$(realpath "$2")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root

DESTDIR=$root meson install -C "$build" --quiet --no-rebuild
version=$(meson introspect "$build" --projectinfo | sed 's/.*"version": "\([^"]*\)".*/\1/')
arch=$(dpkg --print-architecture)

strip --strip-unneeded --remove-section=.comment "$root"/usr/bin/*
find "$root/usr/share/man" -type f -exec gzip -9n {} +
doc=$root/usr/share/doc/tiercel
mkdir -p "$doc"
cp "$here/../LICENSE" "$doc/copyright"
cp -r "$here/../docs" "$doc/docs" 2>/dev/null
find "$doc/docs" -type f ! -name '*.md' ! -name '*.svg' ! -path '*/examples/*' -delete
chmod -R u=rwX,go=rX "$root"

mkdir -p "$work/debian" "$root/DEBIAN"
echo "Source: tiercel" >"$work/debian/control"
depends=$(cd "$work" && dpkg-shlibdeps -O "$root"/usr/bin/* 2>/dev/null | sed 's/^shlibs:Depends=//')
[ -n "$depends" ] || { echo "deb.sh: dpkg-shlibdeps found no dependencies" >&2; exit 1; }
size=$(du -sk --exclude=DEBIAN "$root" | cut -f1)
sed "s/@VERSION@/$version/; s/@ARCH@/$arch/; s/@DEPENDS@/$depends/; s/@SIZE@/$size/" \
	"$here/debian/control.in" >"$root/DEBIAN/control"
cp "$here/debian/conffiles" "$root/DEBIAN/"
install -m755 "$here/debian/postinst" "$here/debian/prerm" "$here/debian/postrm" "$root/DEBIAN/"
(cd "$root" && find . -path ./DEBIAN -prune -o -type f -printf '%P\0' | sort -z | xargs -0 md5sum) >"$root/DEBIAN/md5sums"
dpkg-deb --root-owner-group --build "$root" "$out/tiercel_${version}_$arch.deb"
