"""What single pages say is so: options, permissions, servers."""

import ast
import asyncio
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import typer

import asyncup
from asyncup.cli.main import app
from asyncup.core.options import AddressingStyle, S3Config
from asyncup.core.permissions import _ACTIONS as REQUESTS
from asyncup.core.permissions import actions_for
from asyncup.edges.s3_client import open_client
from asyncup.embedded import EmbeddedServer
from tests.contract.expected import EXPECTED
from tests.pages import section, table, texts
from tests.s3 import config_of

TITLE = "Options of `asyncup put`"
ACTION = r"`(s3:\w+)`"

HABITS = {
    "knows CRC64NVME": "echoes_crc64nvme",
    "lists the checksums of parts": "lists_checksums",
    "takes a part again": "takes_parts_again",
    "ETag made of the parts' MD5s": "keeps_etag",
    "`--overwrite never` holds against others, when completing": "checks_absence_on_complete",
}
COLUMNS = {
    "SeaweedFS": "weed",
    "rclone": "rclone",
    "LocalStack": "localstack",
    "Ceph 16": "ceph",
}


def test_every_option_has_its_row() -> None:
    """No option of `asyncup put` is missing from the table, and none is there that is none."""
    group: Any = typer.main.get_command(app)
    options = [
        {*each.opts, *each.secondary_opts}
        for each in group.commands["put"].params
        if each.param_type_name == "option" and not {"--source", "--destination"} & {*each.opts}
    ]
    cells = [row["option"] for row in table(section("docs/options.md", TITLE))]
    told = set(re.findall(r"(?<![\w-])--[a-z-]+", " ".join(cells)))
    assert [names for names in options if not names & told] == []
    assert told <= set().union(*options)


def hints() -> str:
    """Return all that the code says under a name of which `hint` is a part."""
    told: list[str] = []
    for path in Path(asyncup.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            targets = getattr(node, "targets", [getattr(node, "target", node)])
            names = [getattr(each, key, None) for each in targets for key in ("arg", "name", "id")]
            if any("hint" in str(name).lower() for name in names):
                values = (getattr(each, "value", None) for each in ast.walk(node))
                told += [value for value in values if isinstance(value, str)]
    return "\n".join(told)


def test_what_hints_point_to_is_there() -> None:
    """Commands, options and pages that an error names exist, and the page says what it is to."""
    group: Any = typer.main.get_command(app)
    commands = [*group.commands.values(), *group.commands["config"].commands.values()]
    parameters = [each for command in commands for each in command.params]
    options = {name for each in parameters for name in (*each.opts, *each.secondary_opts)}
    told = hints()
    assert "README" not in told
    assert set(re.findall(r"\basyncup ([a-z]+)", told)) <= {*group.commands}
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", told)) <= options | {"--help"}
    assert set(re.findall(r"\bdocs/[\w.-]+", told)) == {"docs/iam.md"}
    page = (Path(__file__).parents[1] / "docs" / "iam.md").read_text(encoding="utf-8")
    for operation in (*REQUESTS, "PutObject"):
        assert set(actions_for(operation)) <= set(re.findall(ACTION, page)), operation


def policies() -> list[Any]:
    """Return what the page on permissions has in JSON."""
    return [json.loads(each) for each in texts("docs/iam.md", "json")]


def test_policy_has_the_actions_that_errors_name() -> None:
    """The policy allows what the table below it says, and what `asyncup put` is said to need."""
    policy, *_ = policies()
    of_bucket, of_objects = [set(each["Action"]) for each in policy["Statement"]]
    told = set(re.findall(ACTION, str(table(section("docs/iam.md", "To upload")))))
    assert told == of_bucket | of_objects
    put = table(section("docs/iam.md", "Each way to work"))[0]
    assert set(re.findall(ACTION, put["actions on the bucket"])) == of_bucket
    assert set(re.findall(ACTION, put["actions on its objects"])) == of_objects


def test_a_server_takes_the_lifecycle_rule(weed: EmbeddedServer) -> None:
    """What is shown is such a rule as S3 knows it."""
    rule = policies()[-1]

    async def main() -> Any:  # noqa: ANN401 - botocore's
        async with open_client(config_of(weed), connections=1, agent="test") as client:
            await client.create_bucket(Bucket="rule")
            await client.put_bucket_lifecycle_configuration(
                Bucket="rule", LifecycleConfiguration=rule
            )
            return await client.get_bucket_lifecycle_configuration(Bucket="rule")

    told = asyncio.run(main())
    assert told["Rules"][0]["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 30}


@pytest.mark.parametrize("column", COLUMNS)
def test_the_habits_of_servers_are_those_that_the_suite_expects(column: str) -> None:
    """What is said of a server is what the contract suite asserts of it."""
    told = table(habits())
    assert [row[""] for row in told] == list(HABITS)
    for row in told:
        expected = getattr(EXPECTED[COLUMNS[column]], HABITS[row[""]])
        assert row[column] == ("yes" if expected else "no"), row


def habits() -> str:
    """Return the table of what servers do otherwise than AWS."""
    return section("docs/servers.md", "Tried").partition("asserts that it does:")[2]


async def url_of(config: S3Config) -> str:
    """Return the URL of an object, as requests for it have it."""
    async with open_client(config, connections=1, agent="test") as client:
        where = {"Bucket": "films", "Key": "k"}
        return str(await client.generate_presigned_url("get_object", where))


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (S3Config(endpoint_url="https://s3.example.com"), "s3.example.com/films/k"),
        (S3Config(profile="oss"), "films.s3.oss-cn-hangzhou.aliyuncs.com/k"),
        (S3Config(profile="cos"), "films.cos.ap-guangzhou.myqcloud.com/k"),
        (S3Config(region="cn-north-1"), "films.s3.cn-north-1.amazonaws.com.cn/k"),
        (
            S3Config(region="cn-north-1", addressing_style=AddressingStyle.PATH),
            "s3.cn-north-1.amazonaws.com.cn/films/k",
        ),
    ],
)
def test_where_the_bucket_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config: S3Config, expected: str
) -> None:
    """In the path at an endpoint of one's own, else in the host name, unless a profile says so."""
    (profiles,) = texts("docs/servers.md", "ini")
    assert texts("README.zh-CN.md", "ini") == [profiles]
    (tmp_path / "config").write_text(profiles, encoding="utf-8")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    keys = replace(config, access_key_id="a", secret_access_key="b")  # noqa: S106 - no secret
    url = asyncio.run(url_of(keys))
    assert url.startswith(f"https://{expected}?"), url
