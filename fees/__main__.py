"""`python -m fees`: the fee function as a local Function URL."""

from argparse import ArgumentDefaultsHelpFormatter, ArgumentParser

from fees.server import serve


def main() -> None:
    """Serve as the command line says."""
    parser = ArgumentParser("fees", description=__doc__, formatter_class=ArgumentDefaultsHelpFormatter)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", default=8003, type=int, help="port to listen on; 0 takes a free one")
    options = parser.parse_args()
    serve(host=options.host, port=options.port)


if __name__ == "__main__":
    main()
