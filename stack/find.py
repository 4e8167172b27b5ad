"""Which servers to use: given ones, Docker's, or Debian's as private processes."""

from stack.compose import find_compose_servers
from stack.debian import install_missing_packages
from stack.given import find_given_servers
from stack.places import make_servers_folder
from stack.services import ServerSet, Services


def find_servers() -> ServerSet:
    """Return the first kind that this machine has, not started yet."""
    return find_given_servers() or find_compose_servers() or find_private_servers()


def find_private_servers() -> Services:
    """Return the private servers with the data kept, their programs installed when missing."""
    install_missing_packages()
    return Services.at(make_servers_folder("services"), with_management=True)
