"""Several processes that do the same thing at the same moment."""

import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).parents[1]
_READY = "import sys; print('ready', flush=True); sys.stdin.readline()"


def together(prepare: str, act: str, *arguments: str, count: int = 2) -> list[str]:
    """Run Python code in `count` processes; `act` begins in all of them when `prepare` is through in all of them.

    Return what `act` printed. `sys.argv` holds the number of the process and the arguments.
    """
    script = f"{prepare}\n{_READY}\n{act}"
    pipe = subprocess.PIPE
    started = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(number), *arguments],
            cwd=CHECKOUT,
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            text=True,
        )
        for number in range(count)
    ]
    for process in started:
        assert process.stdout is not None
        process.stdout.readline()
    for process in started:  # each waits in its readline
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    ended = [(*process.communicate(timeout=60), process.returncode) for process in started]
    for _, errors, code in ended:
        assert (errors, code) == ("", 0), errors
    return [output for output, _, _ in ended]
