"""A repository rule that tells where scripts/arm64_sysroot.sh unpacks Debian's libraries for arm64."""

_BUILD = """
# What `bazel test --config=arm64` runs tests with.
sh_binary(
    name = "run",
    srcs = ["run.sh"],
    visibility = ["//visibility:public"],
)
"""

_RUN = """#!/bin/sh
exec qemu-aarch64-static -L '{sysroot}' "$@"
"""

def _arm64_sysroot_impl(ctx):
    home = ctx.os.environ.get("HOME", "/root")
    cache = ctx.os.environ.get("XDG_CACHE_HOME") or home + "/.cache"
    sysroot = cache + "/tombolo-lab/arm64"
    ctx.file("sysroot.bzl", "SYSROOT = '{}'\n".format(sysroot))
    ctx.file("run.sh", _RUN.format(sysroot = sysroot))
    ctx.file("BUILD", _BUILD)

# It need not be there: who builds for this machine alone has none.
arm64_sysroot = repository_rule(
    implementation = _arm64_sysroot_impl,
    local = True,
    environ = [
        "HOME",
        "XDG_CACHE_HOME",
    ],
)
