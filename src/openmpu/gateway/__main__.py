"""`python -m openmpu.gateway`: one gateway; its options come as one JSON line on standard input."""

from __future__ import annotations

import sys

from openmpu.gateway.main import main

sys.exit(main())
