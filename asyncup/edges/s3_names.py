"""Names of buckets, and of what is below a prefix, as far as a person can choose from them."""

from typing import Any

from botocore import exceptions as boto
from botocore.parsers import ResponseParserError

from asyncup.core.errors import Fault
from asyncup.core.options import S3Config
from asyncup.edges.s3_client import open_client
from asyncup.edges.s3_errors import answered, unanswered
from asyncup.edges.s3_foreign import foreign_answer

SCHEME = "s3://"


async def uris_from(config: S3Config, begun: str, limit: int) -> list[str]:
    """Return URIs of buckets, prefixes and objects that begin with one that is begun.

    Raises:
        AsyncupError: S3 does not tell, or cannot be asked.
    """
    bucket, slash, key = begun.removeprefix(SCHEME).partition("/")
    fault = Fault(action=f"list {begun}")
    async with open_client(config, connections=1, agent="asyncup") as client:
        try:
            found = await (
                _below(client, bucket, key, limit) if slash else _buckets(client, bucket)
            )
        except boto.ClientError as error:
            raise answered(error, fault) from error
        except ResponseParserError as error:
            raise foreign_answer(fault) from error
        except boto.BotoCoreError as error:
            raise unanswered(error, fault) from error
    # Not every server counts.
    return found[:limit]


async def _buckets(client: Any, begun: str) -> list[str]:  # noqa: ANN401 - made at run time
    answer = await client.list_buckets()
    names = [str(each.get("Name", "")) for each in answer.get("Buckets", ())]
    return [f"{SCHEME}{name}/" for name in names if name.startswith(begun)]


async def _below(client: Any, bucket: str, begun: str, limit: int) -> list[str]:  # noqa: ANN401 - made at run time
    answer = await client.list_objects_v2(Bucket=bucket, Prefix=begun, Delimiter="/", MaxKeys=limit)
    prefixes = [str(each.get("Prefix", "")) for each in answer.get("CommonPrefixes", ())]
    keys = [str(each.get("Key", "")) for each in answer.get("Contents", ())]
    return [f"{SCHEME}{bucket}/{each}" for each in [*prefixes, *keys]]
