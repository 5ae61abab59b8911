"""What botocore knows of S3, read once, and without what it knows of four hundred other services.

Measured: to see whether there is an S3 at all, botocore lists the directories of all services,
twice; and to find by its rules where a request goes takes longer than to sign it.
"""

from collections.abc import Sequence
from typing import Any, Self

from botocore.loaders import Loader, create_loader

_RULES = "endpoint-rule-set-1"


class S3Models(Loader):  # type: ignore[misc] # botocore ships no types
    """Loads the models of S3, for a session that has clients of nothing else."""

    @classmethod
    def below(cls, data_path: str | None) -> Self:
        """Make one that looks where the user's AWS_DATA_PATH says as well, if it is set."""
        paths = create_loader(data_path).search_paths
        return cls(extra_search_paths=paths, include_default_search_paths=False)

    def list_available_services(
        self,
        type_name: str,  # noqa: ARG002 - botocore's, which may be given by name
    ) -> Sequence[str]:
        """Say that there is S3."""
        return ["s3"]

    def load_service_model(
        self, service_name: str, type_name: str, api_version: str | None = None
    ) -> Any:  # noqa: ANN401 - JSON
        """Load a model; of the rules for endpoints, without the parameter that none of them names.

        What the rules give is cached by all parameters: with the key, no two files share it.
        """
        model = super().load_service_model(service_name, type_name, api_version)
        if type_name == _RULES:
            model.get("parameters", {}).pop("Key", None)
        return model
