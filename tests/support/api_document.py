"""The API's own description. Making it takes two seconds, so the tests of a process share one."""

from api.app import create_app
from engine.settings import Settings

DOCUMENT = create_app(Settings()).openapi()
