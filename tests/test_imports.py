"""The import table of the design holds."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_the_import_table_holds():
    """Every contract in pyproject.toml is kept."""
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]

    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert result.returncode == 0, result.stdout


def test_the_server_process_loads_no_media():
    """Other people's bytes never meet the API's process: importing the server brings in no decoder."""
    code = "import openmpu.bootstrap, openmpu.cli, sys; print([m for m in ('av', 'numpy', 'cv2', 'aiortc') if m in sys.modules])"

    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert result.stdout.strip() == "[]"
