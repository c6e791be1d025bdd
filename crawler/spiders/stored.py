"""The job of a store as a spider: what it is to crawl is in its record, so a worker needs no file of a recipe.

The job itself comes along as `stored_job` of the spider's class, which spares the worker to look for it again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from crawler.recipe.loader import load_recipe_text
from crawler.spiders.loader import spider_of

if TYPE_CHECKING:
    from scrapy import Spider
    from scrapy.settings import BaseSettings
    from scrapy.spiderloader import SpiderLoaderProtocol

    from crawler.jobs.model import Job
    from crawler.spiders.recipe import RecipeSpider

#: The one name by which any job of a store is crawled: `scrapy crawl job -a job=ID`.
GENERIC: Final = "job"


def spider_of_job(job: Job, loader: SpiderLoaderProtocol) -> tuple[type[Spider], dict[str, Any]]:
    """The spider of a job, and the arguments that it is crawled with.

    Args:
        job: as stored.
        loader: finds the ordinary spider that a job without a recipe names.

    Raises:
        RecipeError: its recipe cannot be used.
        InputError: its inputs do not fit the recipe.
        KeyError: the project has no spider of that name.
    """
    if not job.recipe_text:
        spidercls = loader.load(job.spider)
        ordinary = type(spidercls.__name__, (spidercls,), {"__module__": spidercls.__module__, "stored_job": job})
        return ordinary, dict(job.inputs)
    recipe = load_recipe_text(job.recipe_text, name=job.recipe or f"the recipe of job {job.id}")
    recipe.inputs.resolve(job.inputs)
    base = spider_of(recipe)
    of_job: type[RecipeSpider] = type(base.__name__, (base,), {"__doc__": base.__doc__, "stored_job": job})
    return of_job, {}


def apply_job_limits(settings: BaseSettings, job: Job) -> None:
    """Lowers the deployment's limits to those of the job; what `-s` says wins, as over a recipe's."""
    wanted = {
        "REQUESTS_LIMIT": job.limits.requests,
        "ITEMS_LIMIT": job.limits.items,
        "DURATION_LIMIT": job.limits.duration_s,
    }
    for name, limit in wanted.items():
        present = settings.getfloat(name)
        if limit is not None and (not present or limit < present):
            settings.set(name, limit, priority="project")
