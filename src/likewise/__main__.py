"""``python -m likewise``."""

import sys

from likewise.cli import main

sys.exit(main())
