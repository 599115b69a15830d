"""`python -m hub` is the `hub` command."""

import sys

from hub.command import main

sys.exit(main())
