"""The smallest Flask application."""

import flask

application = flask.Flask(__name__)


@application.get("/")
def hello():
    return "Hello, World!\n"
