"""Tests that run mpi_check under mpirun."""

def mpi_check_test(name, args = [], check_args = [], data = [], **kwargs):
    """Passes when mpi_check does; `args` are options of run_mpi_check.sh, `check_args` those of mpi_check."""
    native.sh_test(
        name = name,
        size = "medium",
        srcs = ["run_mpi_check.sh"],
        args = ["$(location :mpi_check)"] + args + (["--"] + check_args if check_args else []),
        data = data + [
            ":fake_node.sh",
            ":mpi_check",
        ],
        # Ranks spin: two cores for themselves, and none of the tests beside them measures time.
        # TSan does not see what another process writes.
        tags = [
            "cpu:2",
            "no_tsan",
        ],
        **kwargs
    )
