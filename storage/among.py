"""The condition that something is one of many, for statements that are made once and asked in every batch."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class among(FunctionElement[bool]):  # written where SQL has an operator
    """Whether a column has one of the values that are bound, as a list or set, under a name.

    PostgreSQL gets them as one array: a statement that names each of a hundred and more would be written,
    sent, parsed and planned anew for every number of them.
    """

    type = sa.Boolean()
    inherit_cache = True

    def __init__(self, column: Any, name: str) -> None:
        super().__init__(column, sa.bindparam(name, expanding=True, type_=column.type))

    def self_group(self, against: object = None) -> among:
        """It is a condition as it stands: SQLite finds no index behind "… IN (…) = 1"."""
        return self


@compiles(among, "postgresql")
def _any(element: among, compiler: SQLCompiler, **how: Any) -> str:
    column, values = element.clauses
    assert isinstance(values, sa.BindParameter)
    listed: sa.BindParameter[Any] = sa.bindparam(values.key, type_=ARRAY(column.type))
    return f"{compiler.process(column, **how)} = ANY ({compiler.process(listed, **how)})"


@compiles(among)
def _in(element: among, compiler: SQLCompiler, **how: Any) -> str:
    column, values = element.clauses
    return str(compiler.process(column.in_(values), **how))
