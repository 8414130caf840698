"""What the tests of commands share: a command is run in this process, as a user would type it."""

import pytest

from graphmml.cli import main as cli


@pytest.fixture
def graphmml(request, capsys, monkeypatch):
    """Run a command as wide as asked, or as the module's WIDTH says; return (exit code, stdout, stderr)."""

    usual = getattr(request.module, "WIDTH", 200)

    def run(*words, width=usual):
        monkeypatch.setattr("sys.argv", ["graphmml", *map(str, words)])
        monkeypatch.setenv("COLUMNS", str(width))
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        said = capsys.readouterr()
        return stopped.value.code or 0, said.out, said.err

    return run
