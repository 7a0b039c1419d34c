"""One fuzz target: NAME_target.cc, which defines what target.h declares."""

def fuzz_target(name, deps, hostile = False, test_tags = []):
    """Makes the libFuzzer program and the test of the seeds.

    Args:
      name: of the target; its code is in NAME_target.cc.
      deps: of that code.
      hostile: whether `./dev fuzz` runs it a second time with hostile loads.
      test_tags: of NAME_seeds_test.
    """
    native.cc_library(
        name = name + "_target",
        testonly = True,
        srcs = [name + "_target.cc"],
        deps = deps + [
            ":input",
            ":target",
        ],
    )

    # Needs --config=fuzz: scripts/fuzz.py finds it by its tag.
    native.cc_binary(
        name = name + "_fuzz",
        testonly = True,
        srcs = ["fuzz_main.cc"],
        linkopts = ["-fsanitize=fuzzer"],
        tags = ["fuzz", "manual"] + (["hostile"] if hostile else []),
        deps = [
            ":" + name + "_target",
            ":input",
            ":target",
        ],
    )
    native.cc_test(
        name = name + "_seeds_test",
        srcs = ["seeds_test.cc"],
        tags = test_tags,
        deps = [
            ":" + name + "_target",
            ":target",
            "@gtest",
        ],
    )
