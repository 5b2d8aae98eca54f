"""The command `uwsgi-wsgi`, also as `python -m uwsgi_wsgi`."""

import sys

from uwsgi_wsgi.cli import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())
