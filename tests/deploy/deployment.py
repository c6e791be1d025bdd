"""What is in the files that deploy Crawlery, as values: Dockerfile, Compose file, Kubernetes base, workflows."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

ROOT = Path(__file__).resolve().parents[2]
BASE = ROOT / "k8s" / "base"

_CHOICE = re.compile(r"\$\$|\$\{(?P<name>[A-Z0-9_]+)(?:(?P<how>:?-)(?P<default>[^}]*))?\}")

#: What a Dockerfile can say, as far as ours does.
_INSTRUCTION = re.compile(r"(?P<word>[A-Z]+)\s+(?P<rest>.*)", re.DOTALL)


@cache
def compose_file(name: str = "docker-compose.yml", **chosen: str) -> dict[str, Any]:
    """The file, with what `.env` may choose filled in as Compose does it."""

    def value(match: re.Match[str]) -> str:
        if match[0] == "$$":
            return "$"
        given = chosen.get(match["name"])
        if given is None or (not given and match["how"] == ":-"):
            assert match["how"], f"{match['name']} has no default"
            return match["default"]
        return given

    def filled(part: Any) -> Any:
        if isinstance(part, dict):
            return {key: filled(member) for key, member in part.items()}
        if isinstance(part, list):
            return [filled(member) for member in part]
        return _CHOICE.sub(value, part) if isinstance(part, str) else part

    return filled(yaml.safe_load((ROOT / name).read_text(encoding="utf-8")))


def services() -> dict[str, dict[str, Any]]:
    return compose_file()["services"]


def variables_of_compose() -> set[str]:
    """Names that `.env` may give."""
    text = "".join(
        (ROOT / name).read_text(encoding="utf-8") for name in ("docker-compose.yml", "docker-compose.local.yml")
    )
    return {match["name"] for match in _CHOICE.finditer(text) if match["name"]}


@cache
def manifests() -> list[dict[str, Any]]:
    """All resources of the base, as its list has them."""
    kustomization = yaml.safe_load((BASE / "kustomization.yaml").read_text(encoding="utf-8"))
    texts = [(BASE / name).read_text(encoding="utf-8") for name in kustomization["resources"]]
    return [resource for text in texts for resource in yaml.safe_load_all(text)]


def of_kind(*kinds: str) -> dict[str, dict[str, Any]]:
    """Resources by name."""
    return {resource["metadata"]["name"]: resource for resource in manifests() if resource["kind"] in kinds}


class Stage(NamedTuple):
    """One FROM of the Dockerfile with what follows it, in order; JSON lists are lists."""

    name: str
    base: str
    steps: list[tuple[str, Any]]

    def all(self, word: str) -> list[Any]:
        return [rest for name, rest in self.steps if name == word]


@cache
def stages() -> dict[str, Stage]:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    text = re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE)
    lines = text.replace("\\\n", " ").splitlines()
    found: dict[str, Stage] = {}
    stage = Stage("", "", [])  # of ARGs before the first FROM
    for line in filter(str.strip, lines):
        match = _INSTRUCTION.fullmatch(line.strip())
        assert match, line
        word, rest = match["word"], re.sub(r"\s+", " ", match["rest"].strip())
        if word == "FROM":
            base, _, name = rest.partition(" AS ")
            found[name] = stage = Stage(name, base, [])
            continue
        if word == "HEALTHCHECK":
            rest = rest.partition(" CMD ")[2]
        stage.steps.append((word, json.loads(rest) if rest.startswith("[") else rest))
    return found


@cache
def workflows() -> dict[str, dict[Any, Any]]:
    return {
        path.name: yaml.safe_load(path.read_text(encoding="utf-8"))
        for path in sorted((ROOT / ".github" / "workflows").glob("*.yml"))
    }
