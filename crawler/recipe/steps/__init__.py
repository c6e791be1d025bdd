"""Steps: what `process` does to a value. Built and checked at load, run on every page.

Pure functions of a value, their argument, the page's base URL and the time at which the site answered; they know
nothing of rules, pages or contracts.
"""

from crawler.recipe.steps.definition import Run, Shape, Step, StepDefinition, StepError, StepFailed, StepInfo
from crawler.recipe.steps.registry import (
    ENTRY_POINT_GROUP,
    Shaped,
    build_step,
    catalogue,
    chain_gives,
    check_chain,
    run_steps,
)

__all__ = [
    "ENTRY_POINT_GROUP",
    "Run",
    "Shape",
    "Shaped",
    "Step",
    "StepDefinition",
    "StepError",
    "StepFailed",
    "StepInfo",
    "build_step",
    "catalogue",
    "chain_gives",
    "check_chain",
    "run_steps",
]
