"""What requests are signed by: credentials and a clock, which workers are told of."""

from datetime import timedelta

from asyncup.core.identity import Identity
from asyncup.edges.s3_clock import SigningClock
from asyncup.edges.s3_credentials import CredentialChain, ToldCredentials


class Signatory:
    """Signs the requests of one client."""

    def __init__(self, chain: CredentialChain) -> None:
        self.chain = chain
        self.clock = SigningClock()

    async def identity(self) -> Identity:
        """Return what a request is to be signed with now, wherever that is done.

        Raises:
            S3Error: the credentials have run out, and no others are to be had.
        """
        return Identity(await self.chain.keys(), self.clock.ahead.total_seconds())


class ToldSignatory(Signatory):
    """Signs as it is told by another process."""

    def __init__(self, chain: ToldCredentials) -> None:
        super().__init__(chain)
        self._told = chain
        self._ahead = 0.0

    def adopt(self, identity: Identity) -> None:
        """Sign with this from now on."""
        self._told.tell(identity.keys)
        if identity.ahead != self._ahead:
            # Only if it is news: meanwhile, the clock may have been corrected here.
            self._ahead = identity.ahead
            self.clock.ahead = timedelta(seconds=identity.ahead)
