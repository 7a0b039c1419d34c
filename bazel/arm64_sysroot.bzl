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

def arm64_sysroot_path(ctx):
    """Where that is, for a repository rule with HOME and XDG_CACHE_HOME in its `environ`.

    Args:
      ctx: of the rule.
    Returns:
      A path, of a folder that need not be there.
    """
    home = ctx.os.environ.get("HOME", "/root")
    cache = ctx.os.environ.get("XDG_CACHE_HOME") or home + "/.cache"
    return cache + "/tombolo-lab/arm64"

def _arm64_sysroot_impl(ctx):
    sysroot = arm64_sysroot_path(ctx)
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
