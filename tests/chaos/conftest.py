"""Crawls whose workers and stores are killed. Slow: a slice of them is part of the suite, the rest is a campaign."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
