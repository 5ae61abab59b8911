"""What a policy has to allow: by the request that was denied, or by what AWS says of it."""

import json

import pytest

from asyncup.core.model import ObjectURI
from asyncup.core.permissions import Denial, actions_for, hint_for, policy_for, read_denial

PLACE = ObjectURI("films", "new/")
OBJECTS = "arn:aws:s3:::films/new/*"
BUCKET = "arn:aws:s3:::films"
NOT = "User: arn:aws:iam::1:user/u is not authorized to perform:"
KMS_NEEDS = "has to allow kms:GenerateDataKey and kms:Decrypt"
EXPLICIT = (
    "a policy denies s3:PutObject explicitly: that of the bucket, of the organization, of a VPC "
    "endpoint or of these credentials; to allow it elsewhere is no use"
)
KEY = "arn:aws:kms:eu-west-1:123456789012:key/abc"


def allowed(policy: str) -> list[tuple[list[str], str]]:
    """Return the actions and the resource of each statement of a policy."""
    told = json.loads(policy)
    assert told["Version"] == "2012-10-17"
    assert {each["Effect"] for each in told["Statement"]} == {"Allow"}
    return [(each["Action"], each["Resource"]) for each in told["Statement"]]


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        ("ListObjectsV2", [(["s3:ListBucket"], BUCKET)]),
        ("ListMultipartUploads", [(["s3:ListBucketMultipartUploads"], BUCKET)]),
        ("ListParts", [(["s3:ListMultipartUploadParts"], OBJECTS)]),
        ("HeadObject", [(["s3:GetObject"], OBJECTS), (["s3:ListBucket"], BUCKET)]),
        ("UploadPart", [(["s3:PutObject"], OBJECTS)]),
        ("CompleteMultipartUpload", [(["s3:PutObject"], OBJECTS)]),
        ("DeleteObject", [(["s3:DeleteObject"], OBJECTS)]),
        ("GetBucketLifecycleConfiguration", [(["s3:GetLifecycleConfiguration"], BUCKET)]),
    ],
)
def test_a_policy_allows_the_request(operation: str, expected: list[tuple[list[str], str]]) -> None:
    """Just the actions that it wants, on the bucket or on what is below the place, as each is."""
    assert allowed(policy_for(operation, PLACE, None, "eu-west-1")) == expected
    assert list(actions_for(operation)) == [actions[0] for actions, _ in expected]


@pytest.mark.parametrize(
    ("region", "partition"),
    [
        (None, "aws"),
        ("us-east-1", "aws"),
        ("cn-north-1", "aws-cn"),
        ("us-gov-west-1", "aws-us-gov"),
    ],
)
def test_a_policy_is_of_the_partition(region: str | None, partition: str) -> None:
    """China and the government have names of their own."""
    ((_, resource),) = allowed(policy_for("ListObjectsV2", PLACE, None, region))
    assert resource == f"arn:{partition}:s3:::films"


def test_a_key_of_kms_is_what_is_allowed() -> None:
    """Where the key is denied, the policy is about the key, and has both that an upload wants."""
    denial = Denial("kms:GenerateDataKey", KEY, is_explicit=False)
    policy = policy_for("CreateMultipartUpload", PLACE, denial, None)
    assert allowed(policy) == [(["kms:GenerateDataKey", "kms:Decrypt"], KEY)]


def test_what_a_denial_names_counts() -> None:
    """A version of an object is deleted by another action than the object."""
    denial = Denial("s3:DeleteObjectVersion", "x", is_explicit=False)
    policy = policy_for("DeleteObject", PLACE, denial, None)
    assert allowed(policy) == [(["s3:DeleteObjectVersion"], OBJECTS)]


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("Access Denied", None),
        ("", None),
        (
            f'{NOT} s3:PutObject on resource: "arn:aws:s3:::films/a" because no policy allows it',
            Denial("s3:PutObject", "arn:aws:s3:::films/a", is_explicit=False),
        ),
        (
            f"{NOT} kms:GenerateDataKey on resource: {KEY} with an explicit deny in a policy",
            Denial("kms:GenerateDataKey", KEY, is_explicit=True),
        ),
    ],
)
def test_what_a_denial_says(message: str, expected: Denial | None) -> None:
    """The action and the resource, and whether some policy denies it on purpose."""
    assert read_denial(message) == expected


@pytest.mark.parametrize(
    ("denial", "hint"),
    [
        (None, "the policy of these credentials has to allow s3:PutObject: see docs/iam.md"),
        (
            Denial("s3:PutObjectAcl", "arn:aws:s3:::films/a", is_explicit=False),
            "the policy of these credentials has to allow s3:PutObjectAcl: see docs/iam.md",
        ),
        (
            Denial("kms:Decrypt", KEY, is_explicit=False),
            f"the policy of the KMS key, or of these credentials, {KMS_NEEDS}: see docs/iam.md",
        ),
        (Denial("s3:PutObject", "arn:aws:s3:::films/a", is_explicit=True), EXPLICIT),
    ],
)
def test_a_hint_names_what_is_missing(denial: Denial | None, hint: str) -> None:
    """What the denial says it is of, whatever the request mostly wants; or that nothing helps."""
    assert hint_for("CreateMultipartUpload", denial) == hint
