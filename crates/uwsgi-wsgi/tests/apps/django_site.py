"""A Django project in one file, with its database in a temporary directory: the admin, and a form of its own."""

# Django has no type hints.
# mypy: disable-error-code="import-untyped,untyped-decorator"

from __future__ import annotations

import os
import tempfile
import threading

import django
from django.conf import settings

_directory = tempfile.TemporaryDirectory(prefix="uwsgi-wsgi-django-")

settings.configure(
    SECRET_KEY="only for tests",
    ROOT_URLCONF=__name__,
    ALLOWED_HOSTS=["127.0.0.1", "localhost"],
    INSTALLED_APPS=[
        "django.contrib.admin",
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "django.contrib.messages",
    ],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
    ],
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "APP_DIRS": True,
            "OPTIONS": {
                "context_processors": [
                    "django.template.context_processors.request",
                    "django.contrib.auth.context_processors.auth",
                    "django.contrib.messages.context_processors.messages",
                ]
            },
        }
    ],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": os.path.join(_directory.name, "db.sqlite3"),
            # A connection lives as long as its thread.
            "CONN_MAX_AGE": None,
        }
    },
    # The real ones are slow on purpose.
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    STATIC_URL="/static/",
    USE_TZ=True,
)
django.setup()

# Django can be imported in full only now.
from django.contrib import admin  # noqa: E402
from django.contrib.auth.models import User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.db import connection, connections  # noqa: E402
from django.http import FileResponse, HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse  # noqa: E402
from django.template import engines  # noqa: E402
from django.urls import path  # noqa: E402
from django.views.decorators.http import require_POST  # noqa: E402

CONTENT = bytes(number % 251 for number in range(200_000))

call_command("migrate", verbosity=0)
User.objects.create_superuser("ada", "ada@example.org", "secret")
with open(os.path.join(_directory.name, "content.bin"), "wb") as _file:
    _file.write(CONTENT)
# The threads that answer make connections of their own.
connections.close_all()

FORM = engines["django"].from_string('<form method="post">{% csrf_token %}<input name="title"></form><p>{{ said }}</p>')


def form(request: HttpRequest) -> HttpResponse:
    said = f"Thank you for {request.POST['title']}" if request.method == "POST" else ""
    return HttpResponse(FORM.render({"said": said}, request))


@require_POST
def change(request: HttpRequest) -> HttpResponse:
    return HttpResponse("changed")


def users(request: HttpRequest) -> JsonResponse:
    """Asks the database, and tells which connection this thread has."""
    count = User.objects.count()
    return JsonResponse({"count": count, "connection": id(connection.connection), "thread": threading.get_ident()})


def file(request: HttpRequest) -> FileResponse:
    return FileResponse(open(os.path.join(_directory.name, "content.bin"), "rb"))


def stream(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(f"row {number}\n".encode() for number in range(1000))


urlpatterns = [
    path("admin/", admin.site.urls),
    path("form", form),
    path("change", change),
    path("users", users),
    path("file", file),
    path("stream", stream),
]

app = get_wsgi_application()
