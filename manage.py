#!/usr/bin/env python
"""Django's command line for the service that MICROSTORE_SERVICE names."""

import os
import sys

from django.core.management import execute_from_command_line

from microstore.environment import read_settings
from microstore.service import ensure_own_command

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "microstore.settings")
    read_settings()
    ensure_own_command(sys.argv)
    execute_from_command_line(sys.argv)
