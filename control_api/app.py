"""The app: everything put together. There is no app of a module: whoever wants one makes it.

    create_app(read_api_config())

makes its services from the configuration; tests may hand in their own.
"""

from __future__ import annotations

from functools import cache, partial, update_wrapper
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from control_api import cors, gate, openapi, problems, request_log
from control_api.access.views import clients, keys, me
from control_api.audit.views import audit
from control_api.bodies import BoundedRequest
from control_api.fleet_views import nodes, ready
from control_api.gate import ANY_KEY, OPEN, needs
from control_api.jobs.feeds import Feeds, most_streams
from control_api.jobs.views import jobs
from control_api.readiness import watch_storage, watch_store
from control_api.recipe_shelf import RecipeShelf
from control_api.recipes.preview import RecipeNameConverter
from control_api.recipes.views import recipes
from control_api.replaced.views import old_recipes, scrape
from control_api.services import EXTENSION, Services
from control_api.store_thread import StoreThread
from control_api.system_views import described, system
from crawler.exports.storage import object_store_of
from crawler.peppers import Peppers

if TYPE_CHECKING:
    from crawler.config import ApiConfig

_BLUEPRINTS: Final = (jobs, recipes, nodes, clients, keys, audit, me, ready, system, scrape, old_recipes)

_DOCS: Final = {"open": OPEN, "key": ANY_KEY}


def create_app(config: ApiConfig, **given: Any) -> Flask:
    """The app of a configuration.

    Args:
        config: see `crawler.config.read_api_config`.
        given: services by name, in place of those that the configuration says.

    Raises:
        ConfigError: a value cannot be used; says which.
    """
    app = Flask("control_api", static_folder=None)
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False  # it would redirect who has shown no key yet
    app.request_class = BoundedRequest
    app.config["MAX_CONTENT_LENGTH"] = config.max_body_bytes + 1  # see BoundedRequest
    app.json.sort_keys = False  # type: ignore[attr-defined]  # Flask's own provider has it
    app.extensions[EXTENSION] = services_of(config, **given)
    app.extensions["crawlery-end-streams"] = app.extensions[EXTENSION].feeds.end
    if config.proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=config.proxies, x_proto=config.proxies)  # type: ignore[method-assign]  # as Werkzeug says to
    request_log.install(app)
    cors.install(app, config.cors_origins)
    gate.install(app, config)
    problems.register(app)
    api = _described(app)
    if config.docs in _DOCS:
        app.register_blueprint(described)
        for name in ("described.openapi", "described.docs"):
            view: Any = app.view_functions[name]  # belongs to every app of this process, so it is not marked itself
            own: Any = update_wrapper(partial(view), view)
            app.view_functions[name] = needs(_DOCS[config.docs])(own)
    app.extensions["crawlery-spec"] = cache(lambda: openapi.described(app, api))
    return app


def description() -> dict[str, Any]:
    """What every app says of itself at /openapi.json; asks no configuration and no service."""
    app = Flask("control_api", static_folder=None)
    return openapi.described(app, _described(app))


def _described(app: Flask) -> openapi.Api:
    """All views, and the description that they make."""
    app.url_map.converters["recipe"] = RecipeNameConverter
    api = openapi.configure(app, version("crawlery"))
    for blueprint in _BLUEPRINTS:
        api.register_blueprint(blueprint)
    return api


def services_of(config: ApiConfig, **given: Any) -> Services:
    """The services that a configuration says, but for those that are given.

    Raises:
        ConfigError: a value cannot be used.
    """
    peppers = given.get("peppers") or Peppers.of(config.key_peppers)
    store = given.get("store") or StoreThread(config.base.redis_url)
    objects = given.get("objects") or object_store_of(config.base, impatient=True)
    return Services(
        config=config,
        peppers=peppers,
        store=store,
        objects=objects,
        recipes=given.get("recipes") or RecipeShelf(config.base.recipes_paths),
        feeds=given.get("feeds") or Feeds(store, peppers, most=most_streams(config.threads)),
        store_watch=given.get("store_watch") or watch_store(store),
        storage_watch=given.get("storage_watch") or watch_storage(objects),
    )
