"""What botocore knows of S3: found without a look at other services, and kept for all files."""

import os
from pathlib import Path
from typing import Any

import pytest
from botocore.loaders import Loader

from asyncup.edges.s3_models import S3Models

RULES = "endpoint-rule-set-1"


def names_in(rules: Any) -> set[str]:  # noqa: ANN401 - JSON
    """Return the parameters that rules refer to."""
    if isinstance(rules, list):
        return set().union(*map(names_in, rules))
    if not isinstance(rules, dict):
        return set()
    return set().union({rules["ref"]} if "ref" in rules else (), *map(names_in, rules.values()))


def test_models_are_those_of_botocore() -> None:
    """The model of S3 is botocore's own, and so are the rules, but for one parameter of theirs."""
    theirs, ours = Loader(), S3Models.below(None)
    assert ours.load_service_model("s3", "service-2") == theirs.load_service_model(
        "s3", "service-2"
    )
    known = theirs.load_service_model("s3", RULES)
    assert known["parameters"].pop("Key")
    assert ours.load_service_model("s3", RULES) == known


def test_rules_do_not_ask_for_the_key() -> None:
    """Where a request goes depends on the bucket, and on no key: what is left out is of no use."""
    rules = Loader().load_service_model("s3", RULES)["rules"]
    assert "Bucket" in names_in(rules)
    assert "Key" not in names_in(rules)


def test_other_services_are_not_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the directories of botocore's hundreds of services, only that of S3 is read."""
    listed: list[str] = []
    listdir = os.listdir

    def watched(path: str) -> list[str]:
        listed.append(Path(path).name)
        return listdir(path)

    monkeypatch.setattr(os, "listdir", watched)
    S3Models.below(None).load_service_model("s3", "service-2")
    assert set(listed) == {"s3"}


def test_it_is_asked_as_botocores_own(tmp_path: Path) -> None:
    """By the name that botocore has for what it wants; rules without parameters are rules, too."""
    rules = tmp_path / "s3" / "2999-01-01" / f"{RULES}.json"
    rules.parent.mkdir(parents=True)
    rules.write_text('{"rules": []}')
    models = S3Models.below(str(tmp_path))
    assert models.list_available_services(type_name=RULES) == ["s3"]
    assert models.load_service_model("s3", RULES)["rules"] == []


def test_the_users_data_path_counts(tmp_path: Path) -> None:
    """AWS_DATA_PATH is where models are looked for first, as in every AWS tool."""
    model = tmp_path / "s3" / "2999-01-01" / "service-2.json"
    model.parent.mkdir(parents=True)
    model.write_text('{"metadata": {"uid": "theirs"}}')
    found = S3Models.below(str(tmp_path)).load_service_model("s3", "service-2")
    assert found["metadata"]["uid"] == "theirs"
