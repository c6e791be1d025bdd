"""What the pages about the API show, read from its description: calls, their parameters, bodies, answers and examples.

Knows nothing of how a page is written: `reference_html` and `reference_markdown` do, and read nothing else.
"""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from control_api.openapi_examples import resolved
from control_api.problems import CONTENT_TYPE

if TYPE_CHECKING:
    from collections.abc import Iterator

_METHODS: Final = frozenset({"get", "post", "put", "patch", "delete"})

#: A longer pattern says less to people than what stands beside it.
_MAX_PATTERN: Final = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """What a value may be.

    Attributes:
        words: such as "integer" or "list of".
        name: of the object that the words lead to; "" if there is none.
        limits: such as "1 to 100" or "default 50".
        pattern: of texts; "" if there is none.
    """

    words: str
    name: str = ""
    limits: str = ""
    pattern: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """A parameter, a header, or a member of an object; `place` is path, query, header, or "" for a member."""

    name: str
    kind: Kind
    description: str
    is_required: bool
    place: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """A JSON object by name, with its members."""

    name: str
    description: str
    members: tuple[Member, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """An answer of a call. Problems have `codes`, others may have a shape, or are of another content type."""

    status: int
    description: str
    headers: tuple[Member, ...]
    content_type: str
    shape: Shape | None = None
    example: Any = None
    codes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One call. `scope` is what its key needs; "" if it needs no key."""

    id: str
    method: str
    path: str
    summary: str
    description: str
    scope: str
    parameters: tuple[Member, ...]
    body: Shape | None
    body_example: Any
    curl: str
    answers: tuple[Answer, ...]
    problems: tuple[Answer, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """Calls that belong together."""

    name: str
    description: str
    calls: tuple[Call, ...]

    @property
    def title(self) -> str:
        """Its name as a heading."""
        return self.name.replace("_", " ").capitalize()


@dataclass(frozen=True, kw_only=True, slots=True)
class Reference:
    """All of it."""

    title: str
    version: str
    description: str
    groups: tuple[Group, ...]
    shapes: tuple[Shape, ...]
    problems: tuple[tuple[str, int, str], ...] = field(default=())


def contents(spec: dict[str, Any]) -> Reference:
    """What a description says.

    Args:
        spec: OpenAPI 3.1, as `control_api.openapi.described` makes it.
    """
    return _Reader(spec).read()


class _Reader:
    def __init__(self, spec: dict[str, Any]) -> None:
        self._spec = spec
        self._schemas: dict[str, Any] = spec["components"]["schemas"]

    def read(self) -> Reference:
        info = self._spec["info"]
        calls = [(operation["tags"][0], call) for operation, call in self._calls()]
        return Reference(
            title=info["title"],
            version=info["version"],
            description=info["description"],
            groups=tuple(
                Group(
                    name=tag["name"],
                    description=tag["description"],
                    calls=tuple(call for name, call in calls if name == tag["name"]),
                )
                for tag in self._spec["tags"]
            ),
            shapes=tuple(self._shape(name) for name in self._schemas),
            problems=tuple(sorted(self._problems(), key=lambda each: each[1:])),
        )

    def _calls(self) -> Iterator[tuple[dict[str, Any], Call]]:
        for path, item in self._spec["paths"].items():
            for method, operation in item.items():
                if method in _METHODS:
                    yield operation, self._call(path, method, operation, item.get("parameters", []))

    def _call(self, path: str, method: str, operation: dict[str, Any], shared: list[dict[str, Any]]) -> Call:
        parameters = [*shared, *operation.get("parameters", ())]
        body = operation.get("requestBody", {}).get("content", {}).get("application/json")
        answers = [self._answer(int(status), answer) for status, answer in operation["responses"].items()]
        return Call(
            id=operation["operationId"],
            method=method.upper(),
            path=path,
            summary=operation["summary"].rstrip("."),
            description=operation.get("description", ""),
            scope=operation.get("x-scope", ""),
            parameters=tuple(self._member(each["name"], each, place=each["in"]) for each in parameters),
            body=self._shape_of(body["schema"]) if body else None,
            body_example=body["example"] if body else None,
            curl=_curl(path, method, operation, parameters, body),
            answers=tuple(answer for answer in answers if answer.status < 400),
            problems=tuple(answer for answer in answers if answer.status >= 400),
        )

    def _answer(self, status: int, answer: dict[str, Any]) -> Answer:
        if "$ref" in answer:
            answer = self._spec["components"]["responses"][answer["$ref"].rpartition("/")[2]]
        contents: dict[str, dict[str, Any]] = answer.get("content", {})
        content_type, media = next(iter(contents.items()), ("", {}))
        return Answer(
            status=status,
            description=answer["description"],
            headers=tuple(self._header(name, each) for name, each in answer.get("headers", {}).items()),
            content_type=content_type,
            shape=self._shape_of(media.get("schema", {})),
            example=media.get("example"),
            codes=tuple(media.get("examples", ())),
        )

    def _header(self, name: str, said: dict[str, Any]) -> Member:
        if "$ref" in said:
            said = self._spec["components"]["headers"][said["$ref"].rpartition("/")[2]]
        return self._member(name, said, place="header")

    def _member(self, name: str, said: dict[str, Any], *, place: str) -> Member:
        return Member(
            name=name,
            kind=self._kind(said["schema"]),
            description=said["description"],
            is_required=said.get("required", False),
            place=place,
        )

    def _shape_of(self, schema: dict[str, Any]) -> Shape | None:
        return self._shape(schema["$ref"].rpartition("/")[2]) if "$ref" in schema else None

    def _shape(self, name: str) -> Shape:
        schema = self._schemas[name]
        required = schema.get("required", ())
        return Shape(
            name=name,
            description=schema.get("description", ""),
            members=tuple(
                Member(
                    name=member,
                    kind=self._kind(said),
                    description=said.get("description", ""),
                    is_required=member in required,
                )
                for member, said in schema["properties"].items()
            ),
        )

    def _kind(self, schema: dict[str, Any]) -> Kind:
        whole, name = resolved(schema, self._schemas), schema.get("$ref", "").rpartition("/")[2]
        if name:
            return Kind(words="object", name=name, limits=_limits(schema))
        types = whole.get("type", "any value")
        names = [types] if isinstance(types, str) else list(types)
        or_null = " or null" if "null" in names else ""
        kind = next(each for each in names if each != "null")
        if kind == "array":
            item = self._kind(whole["items"])
            limits = ", ".join(each for each in (item.limits, _limits(whole)) if each)
            return Kind(words=f"list of {item.words}{or_null}", name=item.name, limits=limits, pattern=item.pattern)
        if "enum" in whole:
            words = ", ".join(str(each) for each in whole["enum"] if each is not None)
            return Kind(words=f"{kind}: {words}{or_null}", limits=_limits(whole))
        if whole.get("format") == "date-time":
            return Kind(words=f"time{or_null}", limits=_limits(whole))
        values = whole.get("additionalProperties")
        of = f" of {self._kind(values).words}" if isinstance(values, dict) and values else ""
        return Kind(words=f"{kind}{of}{or_null}", limits=_limits(whole), pattern=_pattern(whole))

    def _problems(self) -> set[tuple[str, int, str]]:
        """Codes with their statuses and titles."""
        return {
            (each["value"]["code"], each["value"]["status"], each["value"]["title"])
            for answer in self._spec["components"]["responses"].values()
            for kind, media in answer["content"].items()
            if kind == CONTENT_TYPE
            for each in media["examples"].values()
        }


def _pattern(schema: dict[str, Any]) -> str:
    pattern: str = schema.get("pattern", "")
    return pattern if len(pattern) <= _MAX_PATTERN else ""


def _limits(schema: dict[str, Any]) -> str:
    """In words: range, length, default."""
    said = []
    if "exclusiveMinimum" in schema:
        said.append(f"above {schema['exclusiveMinimum']}, to {_number(schema['maximum'])}")
    elif "maximum" in schema:
        said.append(f"{_number(schema['minimum'])} to {_number(schema['maximum'])}")
    elif "minimum" in schema:
        said.append(f"from {_number(schema['minimum'])}")
    if "maxLength" in schema:
        said.append(f"{schema.get('minLength', 0):,} to {schema['maxLength']:,} characters")
    if "maxItems" in schema:
        said.append(f"{schema.get('minItems', 0)} to {schema['maxItems']} of them")
    if schema.get("default") is not None:
        said.append(f"default {json.dumps(schema['default'])}")
    return ", ".join(said)


def _number(value: float) -> str:
    return f"{value:,.0f}"


def _curl(
    path: str, method: str, operation: dict[str, Any], parameters: list[dict[str, Any]], body: dict[str, Any] | None
) -> str:
    """The call as a command; $API and $KEY are the reader's."""
    for parameter in parameters:
        if parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", quote(str(parameter["example"])))
    lines = [f'curl {"" if method == "get" else f"-X {method.upper()} "}"$API{path}"']
    for scheme in operation.get("security", ()):
        token = "$KEY" if "key" in scheme else "$METRICS_TOKEN"
        lines.append(f'-H "Authorization: Bearer {token}"')
    lines += [
        "-H " + shlex.quote(f"{parameter['name']}: {parameter['example']}")
        for parameter in parameters
        if parameter["in"] == "header" and "example" in parameter
    ]
    if body:
        lines.append('-H "Content-Type: application/json"')
        lines.append(f"-d {shlex.quote(json.dumps(body['example']))}")
    elif "application/yaml" in operation.get("requestBody", {}).get("content", {}):
        file = path.rpartition("/")[2]
        lines.append(f'-H "Content-Type: application/yaml" --data-binary @{file}.yaml')
    return " \\\n  ".join(lines)
