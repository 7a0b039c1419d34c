#!/usr/bin/env bash
# Makes Debian packages of what Bazel has built, in out/deb, and shows them to lintian; `./dev deb` calls it. No network.
#
# It fills a folder with all that is installed, and dist/debian as its debian/: dpkg-buildpackage then only puts things into their
# places. The version is that of control/words/version.h; times are those of the last commit, so the same commit gives the same
# packages.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."

out=out/deb
version=$(sed -n 's/.*kVersion\[\] = "\(.*\)";/\1/p' control/words/version.h)
multiarch=$(dpkg-architecture -qDEB_HOST_MULTIARCH)
# A tree without its history is as old as its files.
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct 2>/dev/null || stat -c %Y WORKSPACE)
export SOURCE_DATE_EPOCH
stage=$out/tombolo-$version
[ -n "$version" ] || { echo "error: control/words/version.h names no kVersion." >&2; exit 1; }

fill_programs() {
  install -D -m 755 -t "$stage/programs" \
    bazel-bin/control/{daemon/tombolod,agent/tombolo-agent,cli/tombolo,flat/tombolo-flat,ivshmem_v2/tombolo-ivshmem2} \
    bazel-bin/kvcache/server/tombolo-kv bazel-bin/mpi_btl/{component/mca_btl_tombolo.so,mpool/mca_mpool_tombolo.so,preload/libtombolo_malloc.so} \
    bazel-bin/dist/libtombolo/libtombolo.so.0
}

fill_completions() {
  mkdir "$stage/completions"
  "$stage/programs/tombolo" completion bash > "$stage/completions/tombolo"
  "$stage/programs/tombolo" completion zsh > "$stage/completions/_tombolo"
  "$stage/programs/tombolo" completion fish > "$stage/completions/tombolo.fish"
}

fill_library() {
  local file
  install -D -m 644 -t "$stage/include/tombolo" transport/c/tombolo.h kvcache/client/kvcache.h
  mkdir "$stage/include/examples" "$stage/libtombolo"
  sed 's|"transport/c/tombolo.h"|<tombolo/tombolo.h>|' examples/hello.c > "$stage/include/examples/hello.c"
  for file in dist/libtombolo/*.in; do
    sed -e "s|@VERSION@|$version|" -e "s|@MULTIARCH@|$multiarch|" "$file" > "$stage/libtombolo/$(basename "$file" .in)"
  done
}

fill_documents() {
  mkdir -p "$stage/doc/"{kvcache,mpi_btl}
  cp README.md SECURITY.md "$stage/doc"
  cp kvcache/README.md "$stage/doc/kvcache"
  cp mpi_btl/README.md "$stage/doc/mpi_btl"
  cp -r docs "$stage/doc"
  rm "$stage/doc/docs/BUILD"
}

# The module's source, as DKMS wants it.
fill_module() {
  local kind source="usr/src/tombolo-$version"
  install -D -m 644 -t "$stage/module" guest/module/{Kbuild,Makefile,README.md} guest/module/*.[ch]
  install -D -m 755 -t "$stage/bind" guest/module/tombolo-bind
  sed "s|^PACKAGE_VERSION=.*|PACKAGE_VERSION=\"$version\"|" guest/module/dkms.conf > "$stage/debian/tombolo-dkms.dkms"
  printf '%s\n' "module/* $source" "bind/tombolo-bind usr/lib/tombolo" > "$stage/debian/tombolo-dkms.install"
  cp guest/module/60-tombolo.rules "$stage/debian/tombolo-dkms.udev"
  for kind in service init; do
    sed 's|/usr/local/sbin|/usr/lib/tombolo|' "guest/module/tombolo-module.$kind" > "$stage/debian/tombolo-dkms.tombolo-module.$kind"
  done
  cp dist/sysusers/tombolo.conf "$stage/debian/tombolo-dkms.sysusers"
}

# unit PACKAGE NAME; a unit that is not in the tree is left out.
unit() {
  [ ! -e "dist/systemd/$2.service" ] || cp "dist/systemd/$2.service" "$stage/debian/$1.$2.service"
}

fill_debian() {
  cp -r dist/debian "$stage/debian"
  unit tombolo tombolod
  unit tombolo tombolo-host-agent
  unit tombolo tombolo-ivshmem2@
  unit tombolo-agent tombolo-agent
  unit tombolo-agent tombolo-net
  unit tombolo-kv tombolo-kv
  cp dist/sysusers/tombolo-host.conf "$stage/debian/tombolo.sysusers"
  cp dist/sysusers/tombolo.conf "$stage/debian/tombolo-agent.sysusers"
  cp dist/sysusers/tombolo-kv.conf "$stage/debian/tombolo-kv.sysusers"
  cat > "$stage/debian/changelog" <<CHANGELOG
tombolo ($version) unstable; urgency=medium

  * Made from commit $(git rev-parse --short=12 HEAD 2>/dev/null || echo "that is not known").

 -- $(sed -n 's/^Maintainer: //p' dist/debian/control)  $(date -u -R -d "@$SOURCE_DATE_EPOCH")
CHANGELOG
}

rm -rf "$out"
mkdir -p "$stage/man" "$stage/etc"
fill_programs
fill_completions
fill_library
fill_documents
dist/man/make_pages.sh "$PWD/$stage/programs" "$version" "$stage/man"
cp -r dist/grafana dist/prometheus "$stage"
cp examples/tombolo.toml "$stage/etc"
fill_debian
fill_module
(cd "$stage" && dpkg-buildpackage --build=binary --no-sign --no-check-builddeps) > "$out/build.log" 2>&1 ||
  { tail -n 20 "$out/build.log" >&2; echo "error: dpkg-buildpackage failed; its log is $out/build.log." >&2; exit 1; }
lintian --allow-root --fail-on error,warning --tag-display-limit 0 "$out"/*.changes
ls -s --block-size=KiB "$out"/*.deb
