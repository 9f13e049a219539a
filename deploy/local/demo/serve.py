"""The query API with the demo page beside it: `python -m deploy.local.demo.serve --port PORT`, for the local stack."""

import argparse

from deploy.local.demo.page import mount_demo
from deploy.local.layout import DEFAULT_PORT_BASE, HOST, Ports
from query_api.app import create_app_from_environment
from query_api.server import run
from query_api.settings import load_settings


def main() -> None:
    """Serve until the process is told to end."""
    parser = argparse.ArgumentParser(prog="python -m deploy.local.demo.serve", description="The API and the demo page.")
    parser.add_argument(
        "--port", type=int, default=Ports.from_base(DEFAULT_PORT_BASE).query_api, help="where to listen"
    )
    arguments = parser.parse_args()
    run(mount_demo(create_app_from_environment(), load_settings()), host=HOST, port=arguments.port)


if __name__ == "__main__":
    main()
