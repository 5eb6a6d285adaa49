"""The condition that something is one of many, for statements that are made once and asked in every batch.

A statement that names each of a hundred and more values would be written, sent, parsed and planned anew
for every number of them. So all of them are bound as one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy import Dialect
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import UserDefinedType


class among(FunctionElement[bool]):  # written where SQL has an operator
    """Whether a column has one of the values that are bound, as a list or set, under a name."""

    type = sa.Boolean()
    inherit_cache = True

    def __init__(self, column: Any, name: str) -> None:
        super().__init__(column, sa.bindparam(name, expanding=True, type_=column.type))

    def self_group(self, against: object = None) -> among:
        """It is a condition as it stands: SQLite finds no index behind "… IN (…) = 1"."""
        return self


class _JsonArray(UserDefinedType[Collection[Any]]):
    """Many values as one text, which SQLite takes apart again."""

    cache_ok = True

    def __init__(self, of: sa.types.TypeEngine[Any]) -> None:
        self.of = of

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], str]:
        process = self.of.dialect_impl(dialect).bind_processor(dialect)
        if process is None:
            return lambda values: orjson.dumps(list(values)).decode()
        return lambda values: orjson.dumps([process(value) for value in values]).decode()


@compiles(among, "postgresql")
def _in_array(element: among, compiler: SQLCompiler, **how: Any) -> str:
    column, values = _sides(element)
    array: sa.BindParameter[Any] = sa.bindparam(values.key, type_=ARRAY(column.type))
    return f"{compiler.process(column, **how)} = ANY ({compiler.process(array, **how)})"


@compiles(among, "sqlite")
def _in_json(element: among, compiler: SQLCompiler, **how: Any) -> str:
    column, values = _sides(element)
    if isinstance(column.type, sa.LargeBinary):  # JSON has no bytes
        return str(compiler.process(column.in_(values), **how))
    array: sa.BindParameter[Any] = sa.bindparam(values.key, type_=_JsonArray(column.type))
    each = f"SELECT value FROM json_each({compiler.process(array, **how)})"
    return f"{compiler.process(column, **how)} IN ({each})"


def _sides(element: among) -> tuple[Any, sa.BindParameter[Any]]:
    column, values = element.clauses
    assert isinstance(values, sa.BindParameter)
    return column, values
