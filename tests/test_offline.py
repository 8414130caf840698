"""Nothing leaves the machine: fit, predict, cross-validation and report run with the network refused, workers too."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

REFUSE = """
import os, sys

def watch(event, arguments):
    # bind is let be: urllib3, when it is loaded, binds a local port and closes it to see whether there is IPv6
    reached = event in ("socket.connect", "socket.sendto") and isinstance(arguments[1], tuple)
    if reached or event.startswith(("socket.get", "socket.gethost", "urllib.", "http.client.connect")):
        with open(os.environ["REACHED"], "a") as log:
            log.write(f"{event}\\n")
        raise RuntimeError(f"the network was reached for: {event}")

sys.addaudithook(watch)
"""
SCRIPT = """
import sys
from pathlib import Path
import graphmml as gm
from graphmml.data.synthetic import write_demo

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    write_demo(folder / "demo", patients=60)
    cohort = gm.read_cohort(folder / "demo")
    gm.check(cohort)
    model = gm.GraphClassifier(gm.Neighbours("labs", k=3), members=1, training=gm.Training(epochs=2))
    gm.save(gm.CalibratedClassifier(model, gm.HeldOut(0.3)).fit(cohort), folder / "model")
    gm.prediction_frame(gm.load(folder / "model"), cohort)
    gm.cross_validate(model, cohort, gm.Folds(2), jobs=2, run=folder / "run")
    gm.report_on(cohort, gm.diagnose(cohort, model.links), run=folder / "run").save(folder / "report.html")
"""


def offline(tmp_path, script):
    """Run a script in a Python, and in workers that it starts, for which the network is refused and noted."""
    (tmp_path / "sitecustomize.py").write_text(REFUSE)
    (tmp_path / "script.py").write_text(script)
    home = Path(__file__).parents[1]
    found = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(tmp_path), str(home)]),
        "REACHED": str(tmp_path / "reached"),
    }
    words = [sys.executable, str(tmp_path / "script.py"), str(tmp_path)]
    done = subprocess.run(words, env=found, capture_output=True, text=True, check=False)
    reached = tmp_path / "reached"
    return done, reached.read_text() if reached.exists() else ""


@pytest.mark.slow
def test_the_whole_way_from_tables_to_report_reaches_for_no_network(tmp_path):
    done, reached = offline(tmp_path, SCRIPT)
    assert done.returncode == 0, done.stderr
    assert reached == ""
    assert (tmp_path / "report.html").exists()


@pytest.mark.parametrize(
    "attempt",
    [
        "import socket; socket.socket().connect(('127.0.0.1', 9))",
        "import socket; socket.getaddrinfo('localhost', 80)",
        "import urllib.request; urllib.request.urlopen('http://localhost:9')",
        "import joblib, socket\nif __name__ == '__main__':\n"
        "    joblib.Parallel(2)(joblib.delayed(socket.getaddrinfo)('localhost', 80) for _ in range(2))",
    ],
    ids=["socket", "name", "url", "worker"],
)
def test_the_test_would_notice(tmp_path, attempt):
    done, reached = offline(tmp_path, attempt)
    assert done.returncode != 0
    assert reached
