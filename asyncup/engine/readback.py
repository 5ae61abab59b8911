"""Reading an object back, where nothing less shows what it is."""

from asyncup.core.checksums import RunningChecksums
from asyncup.core.model import ChecksumAlgorithm, ObjectURI
from asyncup.engine.runtime import Runtime


async def read_back(runtime: Runtime, uri: ObjectURI) -> bytes:
    """Return the CRC64NVME of an object's bytes, as a download gives them.

    Raises:
        ObjectMissing: there is no such object.
    """

    async def attempt(_: int) -> bytes:
        running = RunningChecksums()
        async with runtime.gateway.get_object(uri) as blocks:
            async for block in blocks:
                running.update(block)
        return running.result()[ChecksumAlgorithm.CRC64NVME]

    return await runtime.retry(attempt, uri)
