"""What holds for the whole process; set it once at the top of a notebook."""

from __future__ import annotations

from dataclasses import dataclass, field

SECRET_FIELDS = (
    "access_token api_key api_secret api_token apikey auth_token authorization client_secret passphrase passwd "
    "password private_key refresh_token secret secret_access_key secret_key session_token token"
)


@dataclass
class Settings:
    """Settings of this process: ``linus_nb.settings.live = True``.

    Attributes:
        live: ``await dag`` shows the run while it goes on, as ``await dag.watch()`` does.
        secret_fields: What stands in a field of one of these names is masked wherever it is shown or saved, be it a key
            of a mapping or ``name=value`` in a text: ``linus_nb.settings.secret_fields.add("iban")``. ``api_key`` also
            means ``OPENAI_API_KEY``, ``X-Api-Key`` and ``apiKey``.
    """

    live: bool = False
    secret_fields: set[str] = field(default_factory=lambda: set(SECRET_FIELDS.split()))


settings = Settings()
