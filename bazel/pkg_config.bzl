"""A repository rule for a library of the system, described by pkg-config."""

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

def _pkg_config_library_impl(ctx):
    cflags = _query(ctx, "--cflags")
    includes = []
    for flag in cflags:
        if flag.startswith("-I"):
            link = "include%d" % len(includes)
            ctx.symlink(flag[2:], link)
            includes.append(link)
    ctx.file("BUILD", _BUILD.format(
        name = ctx.name,
        headers = ["%s/**/*.h*" % link for link in includes],
        includes = includes,
        defines = [flag[2:] for flag in cflags if flag.startswith("-D")],
        linkopts = _without_repeats(_query(ctx, "--libs") + ctx.attr.extra_linkopts),
    ))

pkg_config_library = repository_rule(
    implementation = _pkg_config_library_impl,
    local = True,
    attrs = {
        "packages": attr.string_list(mandatory = True),
        "extra_linkopts": attr.string_list(),
    },
    doc = "The union of some pkg-config packages as one cc_library, named as the repository.",
)
