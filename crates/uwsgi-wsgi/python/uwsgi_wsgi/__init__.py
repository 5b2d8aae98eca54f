"""A WSGI server for applications behind a front end that speaks the uwsgi protocol, such as nginx with `uwsgi_pass`.

The command is `uwsgi-wsgi`, or `python -m uwsgi_wsgi`. Its option `--help` lists the options.
"""

__version__ = "0.1.0"
