"""What was sent wrongly is named in the language of whoever sent it."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from pydantic import Field, field_validator

from hub.texts import load_texts
from kit.http import Schema, add_error_handlers


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class KettleIn(Schema):
    id: UUID | None = None
    name: Annotated[str, Field(min_length=2, max_length=4)] = "ab"
    litres: Annotated[float, Field(gt=0, le=3)] = 1.0
    cups: int = 1
    colour: Colour = Colour.RED
    lids: Annotated[list[Annotated[int, Field(ge=1)]], Field(default_factory=list)]
    maker: Annotated[str, Field(pattern="^[a-z]+$")] = "x"
    word: str = ""

    @field_validator("word")
    @classmethod
    def _is_polite(cls, value: str) -> str:
        if value == "no":
            raise ValueError("say please")
        return value


@pytest.fixture
def client() -> httpx.AsyncClient:
    app = FastAPI()
    add_error_handlers(app, texts=load_texts(), status={})

    @app.post("/kettles")
    async def kettle(kettle: KettleIn, site: UUID | None = None) -> None: ...

    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://hub")


@pytest.mark.parametrize(
    ("body", "chinese", "english"),
    [
        ('{"id": "x"}', "id: 不是有效的编号（UUID）", "id: not a valid id (UUID)"),
        ('{"name": "a"}', "name: 至少 2 个字符", "name: at least 2 characters"),
        ('{"name": "abcde"}', "name: 最多 4 个字符", "name: at most 4 characters"),
        ('{"litres": 0}', "litres: 应大于 0.0", "litres: must be greater than 0.0"),
        ('{"litres": 9}', "litres: 应不大于 3.0", "litres: must be at most 3.0"),
        ('{"litres": "much"}', "litres: 应为数字", "litres: must be a number"),
        ('{"cups": "two"}', "cups: 应为整数", "cups: must be a whole number"),
        ('{"colour": "green"}', "colour: 应为 'red', 'blue' 之一", "colour: must be one of 'red', 'blue'"),
        ('{"lids": [1, 0]}', "lids.1: 应不小于 1", "lids.1: must be at least 1"),
        ('{"steam": 1}', "steam: 没有这个字段", "steam: there is no such field"),
        ('{"maker": "{0}"}', "maker: 格式不符（^[a-z]+$）", "maker: not in the right form (^[a-z]+$)"),
        ('{"word": "no"}', "word: 值不合要求（say please）", "word: not acceptable (say please)"),
        ("", "body: 必填", "body: required"),
    ],
)
async def test_the_field_and_what_is_wrong(client: httpx.AsyncClient, body: str, chinese: str, english: str) -> None:
    assert await said(client, body, "zh-CN") == chinese
    assert await said(client, body, "en") == english


async def test_a_body_that_is_no_json(client: httpx.AsyncClient) -> None:
    assert (await said(client, "{", "zh-CN")).startswith("body: 不是有效的 JSON（")
    assert (await said(client, "{", "en")).startswith("body: not valid JSON (")


async def test_at_most_five_are_named(client: httpx.AsyncClient) -> None:
    assert await said(client, '{"lids": {}}', "zh-CN") == "lids: 应为列表"
    many = '{"id": [], "name": [], "litres": [], "cups": [], "colour": [], "lids": 3, "maker": 3}'
    assert len((await said(client, many, "en")).split("; ")) == 5


async def said(client: httpx.AsyncClient, body: str, language: str) -> str:
    headers = {"Accept-Language": language, "Content-Type": "application/json"}
    answer = await client.post("/kettles", content=body, headers=headers)
    assert answer.status_code == 422
    detail: str = answer.json()["facts"]["detail"]
    assert detail in answer.json()["message"]
    return detail
