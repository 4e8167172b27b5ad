"""What one model sends and another refuses is found, wherever in a message it is."""

from enum import StrEnum
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, create_model

from microstore.messaging.json_schemas import find_refusals


class Paint(StrEnum):
    RED = "red"
    GREEN = "green"


class Red(StrEnum):
    RED = "red"


class Leg(BaseModel):
    length: int


class LegOfWood(BaseModel):
    length: int
    wood: str


class LegOfText(BaseModel):
    length: str


class Box(BaseModel):
    """A box may be in a box."""

    inside: "Box | None" = None
    weight: int = 0


class HeavyBox(BaseModel):
    inside: "HeavyBox | None" = None
    weight: Annotated[int, Field(ge=10)] = 0


Text500, Text5 = (Annotated[str, Field(max_length=length)] for length in (500, 5))
Code = Annotated[str, Field(pattern="^[A-Z]+$")]
NARROWED = {
    "a nullable text shortened": (Text500 | None, Text5 | None, "`part` may be outside of maxLength 5"),
    "a nullable text is no longer null": (Text5 | None, Text5, "`part` may be null"),
    "a nullable enum shortened": (Paint | None, Red | None, "`part` may be other than 'red'"),
    "a literal shortened": (Literal["a", "b"] | None, Literal["a"] | None, "`part` may be other than 'a'"),
    "a pattern for a nullable text": (str | None, Code | None, "`part` may have another pattern"),
    "a bound within a union": (
        int | str,
        Annotated[int, Field(ge=1)] | str,
        "`part` may be outside of minimum",
    ),
    "a union without a type": (int | str | None, int | None, "`part` may be string"),
    "a nested field that is required": (Leg, LegOfWood, "`part.wood` is required and not sent"),
    "a nested type": (Leg, LegOfText, "`part.length` may be integer"),
    "a nested field in a list": (list[Leg], list[LegOfWood], "`part[].wood` is required"),
    "a nested type in a nullable list": (list[Leg] | None, list[LegOfText] | None, "`part[].length` may be"),
    "a nested type in a dictionary": (dict[str, Leg], dict[str, LegOfText], "`part.*.length` may be integer"),
    "values of a dictionary": (dict[str, str], dict[str, int], "`part.*` may be string"),
    "values of a dictionary that may be anything": (
        dict[str, Any],
        dict[str, int],
        "`part.*` may be anything",
    ),
    "a dictionary in place of a model": (Leg, dict[str, str], "`part.*` may be integer"),
    "a model in place of a dictionary": (dict[str, str], Leg, "`part.length` is required"),
    "an item of a tuple": (tuple[int, str], tuple[int, int], "`part[1]` may be string"),
    "a longer tuple": (tuple[int, str], tuple[int, str, str], "`part` may be outside of minItems 3"),
    "a tuple in place of a list": (list[int], tuple[int, int], "`part` may be outside of minItems 2"),
    "a multiple": (int, Annotated[int, Field(multiple_of=5)], "`part` may be no multiple of 5"),
    "another multiple": (
        Annotated[int, Field(multiple_of=5)],
        Annotated[int, Field(multiple_of=10)],
        "`part` may be no multiple of 10",
    ),
    "a set in place of a list": (list[int], set[int], "`part` may have another uniqueItems"),
    "a bound deep in a model that holds itself": (Box, HeavyBox, "`part.weight` may be outside of minimum"),
    "keywords that are not known": (
        Annotated[str, Field(json_schema_extra={"contentEncoding": "base64"})],
        str,
        "`part` has another contentEncoding",
    ),
    "fewer entries": (
        dict[str, int],
        Annotated[dict[str, int], Field(max_length=3)],
        "outside of maxProperties",
    ),
}


def schema_of(annotation: Any, *default: Any) -> dict[str, Any]:
    model = create_model("Crate", part=(annotation, *(default or (...,))))
    schema: dict[str, Any] = model.model_json_schema()
    return schema


@pytest.mark.parametrize("change", NARROWED)
def test_what_the_receiver_has_narrowed_is_found(change: str) -> None:
    wide, narrow, says = NARROWED[change]
    faults = list(find_refusals(schema_of(wide), schema_of(narrow)))
    assert any(says in fault for fault in faults), faults


@pytest.mark.parametrize("change", NARROWED)
def test_equal_ones_refuse_nothing(change: str) -> None:
    for annotation in NARROWED[change][:2]:
        assert list(find_refusals(schema_of(annotation), schema_of(annotation))) == []


@pytest.mark.parametrize(
    ("narrow", "wide"),
    [
        (Text5 | None, Text500 | None),
        (str, str | None),
        (str, int | str | None),
        (Red | None, Paint | None),
        (Code | None, str | None),
        (list[LegOfWood], list[Leg]),
        (dict[str, int], dict[str, int | str]),
        (dict[str, int], dict[str, Any]),
        (tuple[int, int], list[int]),
        (set[int], list[int]),
        (Annotated[int, Field(multiple_of=10)], Annotated[int, Field(multiple_of=5)]),
        (int, float),
        (HeavyBox, Box),
        (Leg, Any),
    ],
)
def test_what_the_receiver_has_widened_is_no_refusal(narrow: Any, wide: Any) -> None:
    assert list(find_refusals(schema_of(narrow), schema_of(wide))) == []


def test_another_default_is_another_meaning_of_what_was_left_out() -> None:
    faults = list(find_refusals(schema_of(int, 1), schema_of(int, 2)))
    assert faults == ["`part` is 1 by default and 2 to the receiver"]
