"""How many files, and so connections, a process may have open."""

import resource

ENOUGH = 65_536  # not all that are allowed: Erlang sets aside memory for each


def allow_many_connections() -> None:
    """Have this process and its children take a thousand browsers, which a shell's usual 1,024 would not."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = ENOUGH if hard == resource.RLIM_INFINITY else min(ENOUGH, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
