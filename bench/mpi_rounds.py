"""Rounds of measurements over several jobs: whatever is compared was measured in the same second."""

from dataclasses import dataclass

from mpi_jobs import Answer, Job, JobFailed
from series import Series, undisturbed

AIM_NS = 2e6  # Of one repetition: well below a time slice.
LONG_NS = 4 * AIM_NS  # No repetition goes on as long undisturbed on a machine with other work.
MOST_TIMES = 10000
FIRST_TIMES = 4
CALIBRATIONS = 3
ATTEMPTS = 3

# By transport, then by measurement.
AllSeries = dict[str, dict[str, Series]]


@dataclass(frozen=True)
class Measurement:
    name: str
    command: str  # With {count} in it.
    units: int = 1  # Of what the value is the time of, done each time.
    aim_ns: float = AIM_NS
    count: int | None = None  # Instead of as often as fits into aim_ns.
    unit: str = "ns"
    of_first_only: bool = False  # It has nothing to do with the transport.


def measure(jobs: list[Job], measurements: list[Measurement], rounds: int) -> AllSeries:
    """A transport whose job fails has no series; one that cannot do something has no series of that."""
    tables = [_Table(job, measurements if job is jobs[0] else _of_all(measurements)) for job in jobs]
    for round_index in range(-1, rounds):
        for measurement in measurements:
            # Nobody always comes first, or behind the same other one.
            turn = max(round_index, 0) % len(tables)
            for table in tables[turn:] + tables[:turn]:
                table.calibrate(measurement) if round_index < 0 else table.measure(measurement)
    return {table.transport: table.series() for table in tables}


def _of_all(measurements: list[Measurement]) -> list[Measurement]:
    return [one for one in measurements if not one.of_first_only]


class _Table:
    """What one job measured."""

    def __init__(self, job: Job, measurements: list[Measurement]):
        self.transport = job.transport.key
        self._job = job
        self._rows: dict[Measurement, list[dict]] = {one: [] for one in measurements}
        self._counts: dict[Measurement, int] = {}

    def calibrate(self, measurement: Measurement) -> None:
        if measurement.count is not None:
            self._counts[measurement] = measurement.count
            return
        count = FIRST_TIMES
        for _ in range(CALIBRATIONS):
            answer = self._ask(measurement, count)
            if answer is None:
                return
            fitting = measurement.aim_ns / (answer.value * measurement.units)
            count = int(min(max(fitting, 2), MOST_TIMES))
        self._counts[measurement] = count

    def measure(self, measurement: Measurement) -> None:
        answer = None
        for _ in range(ATTEMPTS):
            if measurement not in self._rows or measurement not in self._counts:
                return
            answer = self._ask(measurement, self._counts[measurement])
            if answer is None or not self._is_disturbed(measurement, answer):
                break
        if answer is not None:
            disturbed = self._is_disturbed(measurement, answer)
            self._rows[measurement].append({"name": measurement.name, "value": answer.value, "disturbed": disturbed})

    def series(self) -> dict[str, Series]:
        return {one.name: Series(one.name, one.unit, undisturbed(rows)) for one, rows in self._rows.items() if rows}

    def _is_disturbed(self, measurement: Measurement, answer: Answer) -> bool:
        """Ranks that share cores lose them all the time, and so do those that take long."""
        is_long = answer.value * measurement.units * self._counts[measurement] > LONG_NS
        return answer.preempted and not self._job.is_crowded and not is_long

    def _ask(self, measurement: Measurement, count: int) -> Answer | None:
        """None: the job cannot do it, and is not asked again."""
        if measurement not in self._rows:
            return None
        try:
            answer = self._job.ask(measurement.command.format(count=count))
        except JobFailed as failure:
            print(f"warning: left out: {failure}", flush=True)
            self._rows.clear()
            return None
        if answer.value is None:
            print(f"remark: {self._job.transport.title} has no {measurement.name}", flush=True)
            del self._rows[measurement]
            return None
        return answer
