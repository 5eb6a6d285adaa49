"""The examples of how several processes are run hold to their schemas, and to what the bot knows."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from bot.__main__ import _parser
from bot.settings import PREFIX, read_settings

ROOT = Path(__file__).parent.parent
SCHEMAS = Path(__file__).parent / "schemas"
COMPOSE = ROOT / "compose.yaml"
KUBERNETES = ROOT / "docs" / "kubernetes.yaml"


def schema(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((SCHEMAS / name).read_text())
    return found


def kubernetes() -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(KUBERNETES.read_text()))


def of_kubernetes(resource: dict[str, Any]) -> None:
    """Raise jsonschema.ValidationError where a resource is not as Kubernetes knows its kind."""
    known = schema("kubernetes.json")
    kind = known["kinds"][f"{resource['apiVersion']} {resource['kind']}"]
    jsonschema.Draft7Validator({"$ref": f"#/$defs/{kind}", "$defs": known["$defs"]}).validate(resource)


def test_the_compose_file_holds_to_its_schema() -> None:
    jsonschema.Draft202012Validator(schema("compose.json")).validate(yaml.safe_load(COMPOSE.read_text()))


@pytest.mark.parametrize("number", range(len(kubernetes())))
def test_each_resource_of_kubernetes_holds_to_its_schema(number: int) -> None:
    of_kubernetes(kubernetes()[number])


def test_what_is_wrong_is_noticed() -> None:
    deployment = next(each for each in kubernetes() if each["kind"] == "Deployment")
    deployment["spec"]["template"]["spec"]["containers"][0]["arguments"] = ["run"]
    with pytest.raises(jsonschema.ValidationError):
        of_kubernetes(deployment)
    services = yaml.safe_load(COMPOSE.read_text())
    services["services"]["worker"]["replicas"] = 2
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(schema("compose.json")).validate(services)


def commands() -> Iterator[list[str]]:
    services = yaml.safe_load(COMPOSE.read_text())["services"]
    yield from (service["command"] for name, service in services.items() if name != "database")
    for resource in kubernetes():
        if resource["kind"] == "Deployment":
            yield resource["spec"]["template"]["spec"]["containers"][0]["args"]


def test_every_process_is_started_in_a_role_that_there_is() -> None:
    roles = [_parser().parse_args(command).role for command in commands()]
    assert roles == ["worker", "gateway"] * 2


@pytest.mark.parametrize("path", [COMPOSE, KUBERNETES], ids=["compose", "kubernetes"])
def test_every_setting_that_is_named_is_one(path: Path) -> None:
    named = set(re.findall(rf"{PREFIX}\w+", path.read_text()))
    explained = (ROOT / ".env.example").read_text()
    assert named
    assert not [each for each in named if each not in explained]


def test_the_values_of_the_example_are_settings_that_the_bot_takes() -> None:
    (values,) = (each["data"] for each in kubernetes() if each["kind"] == "ConfigMap")
    nested: dict[str, Any] = {}
    for name, value in values.items():
        group, _, part = name.removeprefix(PREFIX).lower().rpartition("__")
        (nested.setdefault(group, {}) if group else nested)[part] = value
    assert read_settings(None, **nested).telegram.webhook_url.startswith("https://")
