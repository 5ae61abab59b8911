"""Profiles as they stand in the files of the AWS configuration."""

from pathlib import Path

import pytest
from botocore.session import Session

from asyncup.edges.aws_files import profile_names

CONFIG = """
[default]
region = eu-west-1
[profile prod]
s3 =
    addressing_style = path
[profile 'with space']
[profile "unended]
[profile]
[profile a b]
[profile prod]
[sso-session corporate]
[services local]
"""

CREDENTIALS = """
[default]
aws_access_key_id = x
[old]
aws_access_key_id = x
"""


def test_profiles_of_both_files(own_environment: None, tmp_path: Path) -> None:
    """Sections of the configuration that are profiles, and all of the credentials."""
    del own_environment
    (tmp_path / "home" / "aws-config").write_text(CONFIG, encoding="utf-8")
    (tmp_path / "home" / "aws-credentials").write_text(CREDENTIALS, encoding="utf-8")
    assert profile_names() == ["default", "old", "prod", "with space"]


def test_botocore_sees_the_same(own_environment: None, tmp_path: Path) -> None:
    """What is told without botocore is what it would tell."""
    del own_environment
    config = CONFIG.replace("[profile prod]\n[sso", "[sso").replace('[profile "unended]\n', "")
    (tmp_path / "home" / "aws-config").write_text(config, encoding="utf-8")
    (tmp_path / "home" / "aws-credentials").write_text(CREDENTIALS, encoding="utf-8")
    assert profile_names() == sorted(Session().available_profiles)


@pytest.mark.parametrize("text", [b"\xff\xfe", b"no section", b"[default]\n[a"])
def test_files_that_cannot_be_read(own_environment: None, tmp_path: Path, text: bytes) -> None:
    """What is no configuration has no profiles, and neither has what is not there."""
    del own_environment
    (tmp_path / "home" / "aws-credentials").write_bytes(text)
    assert profile_names() == []
