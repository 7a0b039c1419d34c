"""A repository rule for a library of the system, described by pkg-config."""

load(":arm64_sysroot.bzl", "arm64_sysroot_path")

_BUILD = """
cc_library(
    name = "{name}",
    hdrs = glob({headers}, allow_empty = True),
    includes = {includes},
    defines = {defines},
    linkopts = {linkopts},
    visibility = ["//visibility:public"],
)
"""

# Of a library whose folders are this processor's; those of arm64 are named alike.
_TWO_BUILDS = """
alias(
    name = "{name}",
    actual = select({{
        "@tombolo//bazel/arm64:is_arm64": ":arm64",
        "//conditions:default": ":host",
    }}),
    visibility = ["//visibility:public"],
)
"""
_HOST_FOLDER = "/x86_64-linux-gnu/"
_ARM64_FOLDER = "/aarch64-linux-gnu/"

def _query(ctx, flag):
    result = ctx.execute(["pkg-config", flag] + ctx.attr.packages)
    if result.return_code:
        fail("`pkg-config {} {}` failed: {}Install what packages.txt lists: ./dev install".format(
            flag,
            " ".join(ctx.attr.packages),
            result.stderr,
        ))
    return [word for word in result.stdout.strip().split(" ") if word]

def _without_repeats(words):
    seen = {}
    for word in words:
        seen[word] = True
    return seen.keys()

# One library; `links` are the names of its folders here.
def _library(ctx, name, links, cflags, libs):
    includes = [flag[2:] for flag in cflags if flag.startswith("-I")]
    folders = ["%s%d" % (links, i) for i in range(len(includes))]
    for i in range(len(includes)):
        ctx.symlink(includes[i], folders[i])
    return _BUILD.format(
        name = name,
        headers = ["%s/**/*.h*" % folder for folder in folders],
        includes = folders,
        defines = [flag[2:] for flag in cflags if flag.startswith("-D")],
        linkopts = _without_repeats(libs),
    )

# The same flags, with the folders of the unpacked packages.
def _for_arm64(ctx, flags):
    sysroot = arm64_sysroot_path(ctx)
    return [
        flag[:2] + sysroot + flag[2:].replace(_HOST_FOLDER, _ARM64_FOLDER) if _HOST_FOLDER in flag else flag
        for flag in flags
    ]

def _pkg_config_library_impl(ctx):
    cflags = _query(ctx, "--cflags")
    libs = _query(ctx, "--libs") + ctx.attr.extra_linkopts
    if not [flag for flag in cflags + libs if _HOST_FOLDER in flag]:
        ctx.file("BUILD", _library(ctx, ctx.name, "include", cflags, libs))
        return
    ctx.file("BUILD", _TWO_BUILDS.format(name = ctx.name) +
                      _library(ctx, "host", "include", cflags, libs) +
                      _library(ctx, "arm64", "arm64_include", _for_arm64(ctx, cflags), _for_arm64(ctx, libs)))

pkg_config_library = repository_rule(
    implementation = _pkg_config_library_impl,
    local = True,
    environ = [
        "HOME",
        "XDG_CACHE_HOME",
    ],
    attrs = {
        "packages": attr.string_list(mandatory = True),
        "extra_linkopts": attr.string_list(),
    },
    doc = "The union of some pkg-config packages as one cc_library, named as the repository.",
)
