"""Running MicroStore on one machine: its servers, its processes, one demonstration purchase."""
