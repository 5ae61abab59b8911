"""Upload with boto3's transfers by the CRT."""

import os

import botocore.session
from awscrt.auth import AwsCredentialsProvider
from s3transfer.crt import BotocoreCRTRequestSerializer, CRTTransferManager, create_s3_crt_client

from benchmarks.speed.libraries.asked import BUCKET, PART_SIZE, read


def main() -> None:
    """Upload all files; how many parts travel at once, the CRT decides."""
    url, certificate, files = read()
    region = os.environ["AWS_REGION"]
    # As boto3 makes it; only that a certificate can be told.
    client = create_s3_crt_client(
        region,
        AwsCredentialsProvider.new_static(
            os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"]
        ),
        part_size=PART_SIZE,
        use_ssl=url.startswith("https:"),
        verify=str(certificate),
    )
    serializer = BotocoreCRTRequestSerializer(
        botocore.session.Session(), {"region_name": region, "endpoint_url": url}
    )
    with CRTTransferManager(client, serializer) as manager:
        futures = [manager.upload(str(path), BUCKET, key) for key, path in files.items()]
        for future in futures:
            future.result()


main()
