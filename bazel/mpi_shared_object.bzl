"""The shared objects that an MPI process loads by name, and how those of Open MPI's own interface are compiled."""

load("@rules_cc//cc:defs.bzl", "cc_binary")

# For what includes Open MPI's internal headers.
OPENMPI_INTERNAL_COPTS = [
    "-fvisibility=hidden",
    # What Open MPI's macros do.
    "-Wno-missing-field-initializers",
    "-Wno-sign-conversion",
] + select({
    "//bazel/arm64:is_arm64": [],
    # opal_lifo.h compares and swaps 16 bytes.
    "//conditions:default": ["-mcx16"],
})

def shared_object(name, deps, linkopts = []):
    """NAME.so with everything that it needs of ours in it; it shows what exports.lds beside it names, and nothing else.

    Args:
      name: of the file, with .so.
      deps: what is in it, with alwayslink.
      linkopts: more than those of all.
    """
    cc_binary(
        name = name,
        additional_linker_inputs = ["exports.lds"],
        linkopts = [
            "-Wl,--as-needed",
            "-Wl,--no-undefined",
            "-Wl,-z,now",
            "-Wl,--version-script=$(location exports.lds)",
        ] + linkopts,
        linkshared = True,
        visibility = [
            "//:mpi_btl",
            "//:tests",
        ],
        deps = deps,
    )
