"""What a policy has to allow, by the requests that are made, and the policy that allows it.

The actions: https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
"""

import json
import re
from dataclasses import dataclass

from asyncup.core.model import ObjectURI

_ACTIONS = {
    "HeadObject": ("s3:GetObject", "s3:ListBucket"),
    "GetObject": ("s3:GetObject",),
    "ListObjectsV2": ("s3:ListBucket",),
    "ListMultipartUploads": ("s3:ListBucketMultipartUploads",),
    "ListParts": ("s3:ListMultipartUploadParts",),
    "AbortMultipartUpload": ("s3:AbortMultipartUpload",),
    "DeleteObject": ("s3:DeleteObject",),
    "GetBucketLifecycleConfiguration": ("s3:GetLifecycleConfiguration",),
}

_OF_BUCKETS = {"s3:ListBucket", "s3:ListBucketMultipartUploads", "s3:GetLifecycleConfiguration"}
"""Actions on a bucket; all others here are on its objects."""

_OF_KMS = ("kms:GenerateDataKey", "kms:Decrypt")
"""An upload in parts needs both:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html#mpuAndPermissions.
"""

_DENIED = re.compile(r'to perform: (?P<action>\w+:\w+) on resource: "?(?P<resource>[^\s"]+)"?')
_EXPLICITLY = "explicit deny"


@dataclass(frozen=True, slots=True)
class Denial:
    """What AWS says of a request that it denies; `is_explicit`: allowing it elsewhere is no use."""

    action: str
    resource: str
    is_explicit: bool

    @property
    def is_of_kms(self) -> bool:
        """Whether it is the key that may not be used."""
        return self.action.startswith("kms:")


def read_denial(message: str) -> Denial | None:
    """Read the message of an AccessDenied; None if it does not name an action."""
    found = _DENIED.search(message)
    if found is None:
        return None
    return Denial(found["action"], found["resource"], _EXPLICITLY in message)


def actions_for(operation: str) -> tuple[str, ...]:
    """Return what a policy has to allow for a request."""
    return _ACTIONS.get(operation, ("s3:PutObject",))


def hint_for(operation: str, denial: Denial | None) -> str:
    """Say what has to allow a request that was denied; what a denial names counts more."""
    if denial is not None and denial.is_explicit:
        return (
            f"a policy denies {denial.action} explicitly: that of the bucket, of the "
            "organization, of a VPC endpoint or of these credentials; to allow it "
            "elsewhere is no use"
        )
    whose, actions = "the policy of these credentials", actions_for(operation)
    if denial is not None and denial.is_of_kms:
        whose, actions = "the policy of the KMS key, or of these credentials,", _OF_KMS
    elif denial is not None:
        actions = (denial.action,)
    return f"{whose} has to allow {' and '.join(actions)}: see docs/iam.md"


def policy_for(operation: str, uri: ObjectURI, denial: Denial | None, region: str | None) -> str:
    """Return an IAM policy, as JSON, that allows a request about what is below `uri`.

    What a denial names counts more than what such requests mostly want.
    """
    arn = f"arn:{_partition(region)}:s3:::{uri.bucket}"
    if denial is not None and denial.is_of_kms:
        statements = [_allow(list(_OF_KMS), denial.resource)]
    else:
        actions = actions_for(operation) if denial is None else (denial.action,)
        statements = [
            _allow([action], arn if action in _OF_BUCKETS else f"{arn}/{uri.key}*")
            for action in actions
        ]
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def _allow(actions: list[str], resource: str) -> dict[str, object]:
    return {"Effect": "Allow", "Action": actions, "Resource": resource}


def _partition(region: str | None) -> str:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html."""
    named = {"cn": "aws-cn", "us-gov": "aws-us-gov"}
    begun = (each for each in named if (region or "").startswith(f"{each}-"))
    return named.get(next(begun, ""), "aws")
