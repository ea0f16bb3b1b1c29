"""The recorder as a client of TLS: what it shows and whom it believes, as settings and certificates are now."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Collection, Coroutine, Sequence
from functools import partial
from typing import Any

from device.certificates.contexts import client_context
from device.certificates.store import CertificateLost, Certificates
from device.certificates.uses import refuse_unknown
from device.settings.store import Changed, Store
from device.settings.tls import Tls

AGAIN = 30.0  #: seconds until certificates are tried again that cannot be used


class ClientTls:
    """TLS of all that goes out by certificates of the settings."""

    def __init__(self, settings: Store, certificates: Certificates) -> None:
        """From now on settings name no certificate that is not there."""
        self._settings = settings
        self._certificates = certificates
        settings.check(partial(refuse_unknown, certificates))

    def context(self, authorities: Sequence[str], identity: str) -> ssl.SSLContext:
        """As `client_context`. Raises CertificateLost."""
        policy = self._settings.get(Tls).policy
        return client_context(self._certificates, authorities, identity, policy)

    async def renewed(
        self,
        authorities: Sequence[str],
        identity: str,
        lost: Callable[[str], None],
        work: Callable[[ssl.SSLContext], Coroutine[Any, Any, None]],
    ) -> None:
        """For ever: do `work` with a context of these certificates, and begin anew whenever it is another. `lost` is
        told why there is none."""
        while True:
            try:
                context = self.context(authorities, identity)
            except CertificateLost as error:
                lost(str(error))
                await asyncio.sleep(AGAIN)
                continue
            await self.lasting({identity, *authorities}, work(context))

    async def lasting(self, ids: Collection[str], work: Coroutine[Any, Any, None]) -> None:
        """Do `work` as long as a context of these certificates is what it was when it began."""
        other = asyncio.Event()

        def certificate(id_: str) -> None:
            if id_ in ids:
                other.set()

        def policy(changed: Changed) -> None:
            if changed.section == Tls.about.section and "policy" in changed.fields:
                other.set()

        ends = [self._certificates.subscribe(certificate), self._settings.subscribe(policy)]
        tasks: list[asyncio.Task[Any]] = [asyncio.create_task(work), asyncio.create_task(other.wait())]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for end in ends:
                end()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
