"""Tests that run a program under mpirun (run_mpi.sh)."""

# As mpi_jobs.py has them.
_PROGRAMS = [
    "//control/daemon:tombolod",
    "//control/cli:tombolo",
    "//mpi_btl/component:mca_btl_tombolo.so",
    "//mpi_btl/mpool:mca_mpool_tombolo.so",
]

def _quoted(words):
    return ["'%s'" % word for word in words]

def mpi_test(name, program, args = [], program_args = [], expect = [], btl = "self,vader", daemon = True, preload = False, data = [], sanitize = False, **kwargs):
    """Runs `program`.

    Args:
      name: of the test.
      program: label of the binary.
      args: options of run_mpi.sh.
      program_args: arguments of the program.
      expect: regular expressions; a line of the output has to match each.
      btl: Open MPI's transports; `tombolo` may be among them.
      daemon: whether a tombolod runs for `tombolo`.
      preload: whether the ranks' malloc is that of libtombolo_malloc.so.
      data: further files.
      sanitize: whether it also runs under ASan and UBSan, where it takes several times as long.
      **kwargs: of sh_test.
    """
    all_args = ["$(location %s)" % program, "--btl", btl] + args
    all_data = data + [program, ":fake_node.sh"]
    if "tombolo" in btl:
        all_args += ["--component", "$(location //mpi_btl/component:mca_btl_tombolo.so)"]
        all_args += ["--mpool", "$(location //mpi_btl/mpool:mca_mpool_tombolo.so)"]
        all_data += ["//mpi_btl/component:mca_btl_tombolo.so", "//mpi_btl/mpool:mca_mpool_tombolo.so"]
    if "tombolo" in btl and daemon:
        all_args += ["--daemon", "$(location //control/daemon:tombolod)"]
        all_data.append("//control/daemon:tombolod")
    if preload:
        all_args += ["--preload", "$(location //mpi_btl/preload:libtombolo_malloc.so)"]
        all_data.append("//mpi_btl/preload:libtombolo_malloc.so")
    for regex in expect:
        all_args += ["--expect"] + _quoted([regex])
    native.sh_test(
        name = name,
        size = "medium",
        srcs = ["run_mpi.sh"],
        args = all_args + (["--"] + program_args if program_args else []),
        data = all_data,
        # Ranks spin, on two cores or on all there are. TSan does not see what another process writes.
        tags = [
            "cpu:2",
            "no_tsan",
        ] + ([] if sanitize else ["no_asan"]),
        **kwargs
    )

def mpi_script_test(name, src, program, args = [], data = [], **kwargs):
    """Runs a script in Python, on mpi_jobs.py, with jobs of `program` over `tombolo`.

    Args:
      name: of the test.
      src: the script; its first arguments are those of _PROGRAMS and of `program`.
      program: label of the binary.
      args: of the script.
      data: further files.
      **kwargs: of sh_test.
    """
    programs = _PROGRAMS + [program]
    native.sh_test(
        name = name,
        size = "medium",
        srcs = [src],
        args = ["$(location %s)" % label for label in programs] + args,
        data = data + programs + [
            ":fake_node.sh",
            ":mpi_jobs.py",
            "//tests/support:forwarding",
            "//tests/support:tombolod",
        ],
        tags = [
            "cpu:2",
            "no_asan",
            "no_tsan",
        ],
        **kwargs
    )

def mpi_check_test(name, np = 2, nodes = 1, args = [], expect = [], **kwargs):
    """Passes when mpi_check does, with `np` ranks that Open MPI takes to be on `nodes` nodes."""
    mpi_test(
        name = name,
        program = ":mpi_check",
        args = ["--np", str(np), "--nodes", str(nodes)] + args,
        expect = expect + ["%d ranks on %d nodes: [0-9]* checks passed" % (np, nodes)],
        **kwargs
    )
