"""Values that fit a schema: checked by pydantic itself, and by a validator of JSON Schema."""

from __future__ import annotations

import datetime as dt
import json
import re
from decimal import Decimal
from enum import Enum
from ipaddress import IPv4Address, IPv4Network, IPv6Address
from typing import Annotated, Any, Literal, Union
from uuid import UUID

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import (
    AnyUrl,
    BaseModel,
    ConfigDict,
    Field,
    HttpUrl,
    Json,
    PositiveFloat,
    RootModel,
    StringConstraints,
    TypeAdapter,
)

from linus_nb.errors import ModelError
from linus_nb.testing import smallest_instance
from linus_nb.testing.patterns import matching_text


class Colour(Enum):
    TEAL = "teal"
    RED = "red"


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: Annotated[int, Field(ge=1, le=9)]


class Dog(BaseModel):
    kind: Literal["dog"]
    name: Annotated[str, Field(min_length=2, max_length=4)]


class Tree(BaseModel):
    value: int
    left: Tree | None
    right: Tree | None


class Branching(BaseModel):
    """Recursive in the branch that comes first."""

    then: Union[Branching, Literal["leaf"]]  # noqa: UP007


class Chapter(BaseModel):
    title: Annotated[str, StringConstraints(pattern=r"^[A-Z][a-z]+ \d{1,3}$")]
    parts: list[Chapter] = []


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")
    pet: Annotated[Cat | Dog, Field(discriminator="kind")]
    colour: Colour
    also: Colour = Field(description="the same definition again")


class Base(BaseModel):
    colour: Colour


class Report(Base):
    chapters: Annotated[list[Chapter], Field(min_length=2)]
    by_name: dict[str, Strict]
    when: dt.datetime | None


TYPES = [
    int, str, float, bool, None, Any, bytes, list[int], dict[str, int],
    Colour, Cat, Dog, Tree, Branching, Chapter, Strict, Report, RootModel[list[Cat]],
    Literal["a", 1, None], Cat | Dog, int | None, list[Cat | None],
    tuple[int, str, bool], tuple[int, ...], set[int],
    Annotated[set[int], Field(min_length=3)], Annotated[set[bool], Field(min_length=2)],
    Annotated[frozenset[str], Field(min_length=40)], Annotated[set[tuple[int, str]], Field(min_length=4)],
    Annotated[list[Annotated[str, Field(min_length=3)]], Field(min_length=2, max_length=2)],
    Annotated[dict[str, int], Field(min_length=2)],
    Annotated[dict[Annotated[str, StringConstraints(pattern="^k_[0-9]$")], int], Field(min_length=1)],
    Annotated[dict[Colour, int], Field(min_length=2)],
    Annotated[int, Field(gt=3, lt=5)], Annotated[int, Field(le=-7)], Annotated[int, Field(gt=10, multiple_of=7)],
    Annotated[float, Field(gt=0, lt=1)], Annotated[float, Field(gt=0.5)], PositiveFloat, Annotated[float, Field(lt=-2)],
    Annotated[float, Field(ge=0.1, multiple_of=0.25)],
    Decimal, Annotated[Decimal, Field(gt=2, max_digits=4)],
    Annotated[str, StringConstraints(pattern=r"^\+\d{2} \(\d\) [^a-z]{2,}$", min_length=12)],
    dt.date, dt.datetime, dt.time, dt.timedelta, UUID, AnyUrl, HttpUrl, IPv4Address, IPv6Address, IPv4Network,
    Json[list[int]],
]  # fmt: skip


@pytest.mark.parametrize("kind", TYPES, ids=str)
def test_pydantic_takes_the_value_that_fits_its_own_schema(kind):
    adapter = TypeAdapter(kind)
    schema = adapter.json_schema()
    value = smallest_instance(schema)
    adapter.validate_json(json.dumps(value))
    jsonschema.validate(value, schema)


@pytest.mark.parametrize(
    ("schema", "instance"),
    [
        ({"allOf": [{"properties": {"a": {"minimum": 3}}}, {"properties": {"a": {"type": "integer"}}}],
          "required": ["a"]}, {"a": 3}),
        ({"type": "integer", "allOf": [{"minimum": 2}, {"minimum": 5}, {"maximum": 9}]}, 5),
        ({"oneOf": [{"type": "string", "const": 3}, {"const": "b"}]}, "b"),
        ({"anyOf": [{"minimum": 4}, {"maximum": 2}], "type": "integer", "maximum": 3}, 0),
        ({"type": ["string", "null"], "enum": [3, None, "a"]}, None),
        ({"$ref": "#/definitions/a~1b", "definitions": {"a/b": {"type": "boolean"}}}, False),
        ({"$ref": "#/$defs/A", "minLength": 2, "$defs": {"A": {"type": "string", "maxLength": 3}}}, "xx"),
        ({"type": "array", "prefixItems": [{"const": 1}, {"const": "b"}], "items": False, "minItems": 2}, [1, "b"]),
        ({"type": "array", "items": {"enum": [1, 2]}, "uniqueItems": True, "minItems": 2}, [1, 2]),
        ({"type": "object", "properties": {"a": {}, "b": {}}, "minProperties": 1}, {"a": "x"}),
        ({"minimum": 0.2, "maximum": 0.8, "type": "number"}, 0.5),
        ({"properties": {"next": {"$ref": "#"}, "n": {"const": 1}}, "required": ["n"]}, {"n": 1}),
        ({"default": 5, "type": "integer"}, 5),
        (True, "x"),
    ],
)  # fmt: skip
def test_what_other_writers_of_schemas_use_is_understood(schema, instance):
    assert smallest_instance(schema) == instance


@pytest.mark.parametrize(
    "schema",
    [
        False,
        {"enum": []},
        {"type": "integer", "minimum": 3, "maximum": 2},
        {"type": "integer", "exclusiveMinimum": 1, "exclusiveMaximum": 2},
        {"allOf": [{"const": 1}, {"const": 2}]},
        {"allOf": [{"type": "string"}, {"type": "null"}]},
        {"type": "array", "items": {"type": "boolean"}, "uniqueItems": True, "minItems": 3},
        {"$ref": "#/$defs/A", "$defs": {"A": {"properties": {"a": {"$ref": "#/$defs/A"}}, "required": ["a"]}}},
        {"type": "object", "properties": {"a": {"allOf": [{"$ref": "#"}]}}, "required": ["a"]},
        {"type": "string", "pattern": "(?=b)a"},
        {"type": "string", "pattern": "^a$", "minLength": 2},
    ],
)
def test_a_schema_that_nothing_fits_says_so(schema):
    with pytest.raises(ModelError, match=r"found no value that fits the schema .*; give the scripted model a reply"):
        smallest_instance(schema)


def test_a_reference_that_leads_nowhere_says_so():
    with pytest.raises(ModelError, match="refers to '#/\\$defs/B', which is not in it"):
        smallest_instance({"$ref": "#/$defs/B", "$defs": {}})


bounds = st.integers(-20, 20)
leaves = st.one_of(
    st.fixed_dictionaries({"type": st.just("integer")}, optional={"minimum": bounds, "maximum": bounds}),
    st.fixed_dictionaries(
        {"type": st.just("number")}, optional={"exclusiveMinimum": bounds, "exclusiveMaximum": bounds}
    ),
    st.fixed_dictionaries(
        {"type": st.just("string")}, optional={"minLength": st.integers(0, 5), "maxLength": st.integers(0, 5)}
    ),
    st.fixed_dictionaries({"enum": st.lists(st.integers(0, 3) | st.text("ab", max_size=2), min_size=1)}),
    st.sampled_from([{"type": "boolean"}, {"type": "null"}, {"type": ["null", "integer"]}, {"const": "c"}, {}]),
)


def grown(parts):
    properties = st.dictionaries(st.sampled_from("abc"), parts, min_size=1)
    objects = properties.map(lambda p: {"type": "object", "properties": p, "required": sorted(p)[:2]})
    arrays = st.builds(
        lambda items, low, extra, unique: {
            "type": "array", "items": items, "minItems": low, "maxItems": low + extra, "uniqueItems": unique,
        },
        parts, st.integers(0, 3), st.integers(0, 2), st.booleans(),
    )  # fmt: skip
    branches = st.lists(parts, min_size=1, max_size=3)
    return (
        objects | arrays | branches.map(lambda b: {"anyOf": b}) | objects.flatmap(lambda o: st.just({"allOf": [o, o]}))
    )


@settings(max_examples=300, deadline=None)
@given(st.recursive(leaves, grown, max_leaves=8))
def test_whatever_is_found_fits(schema):
    try:
        value = smallest_instance(schema)
    except ModelError:
        return
    jsonschema.validate(value, schema)


@pytest.mark.parametrize(
    "pattern",
    [r"^\d{4}-\d{2}-\d{2}$", "a|b", "^(?:x|y)+z?$", r"^(\w)\1$", "^[^a-zA-Z]{3}$", r"^\S+@\S+\.[a-z]{2,}$", "^.{7}$",
     "^[\\w.+-]+$", r"^(?!x)[a-z]{2}$", r"^[^\d\s]$", "(?P<year>[0-9]+)", r"^a*?b{2,3}?$", "", r"^\D\W\S\s$"],
)  # fmt: skip
@pytest.mark.parametrize("least", [0, 1])
def test_a_text_is_found_for_a_pattern(pattern, least):
    text = matching_text(pattern, least)
    assert re.search(pattern, text)
    assert len(text) >= least


def test_a_pattern_that_python_cannot_read_has_no_text():
    assert matching_text(r"\p{L}") is None


def test_a_text_for_a_pattern_keeps_to_its_lengths():
    assert matching_text("^[ab]+$", 4, 6) == "aaaa"
    assert matching_text("ab", 4) == "abxx"
    assert matching_text("^a{5}$", 0, 4) is None
