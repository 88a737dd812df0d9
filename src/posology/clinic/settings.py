"""Where the clinic's data lie, who may reach it and how long a login lasts, from the environment (`POSOLOGY_…`)."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from posology.clinic.roles import known_role


class Settings(BaseSettings):
    """Each field is read from `POSOLOGY_<NAME>`; `POSOLOGY_DATA` is the folder of everything the clinic writes."""

    model_config = SettingsConfigDict(env_prefix="POSOLOGY_", frozen=True, extra="ignore")

    data: Path = Field(default=Path("posology-data"), description="folder of database, uploads and runs")
    database: SecretStr | None = Field(default=None, description="database URL; SQLite inside the data folder unless given")
    session_idle_minutes: int = Field(default=30, ge=1, le=24 * 60, description="a session unused for so long has ended")
    session_hours: int = Field(default=12, ge=1, le=7 * 24, description="a session ends after so long, used or not")
    token_days: int = Field(default=90, ge=1, le=366, description="an API token ends after so long unless asked for less")
    demo: bool = Field(default=False, description="made-up patients, and accounts whose password the login page shows")
    https: bool = Field(default=False, description="a proxy in front speaks TLS: cookies are sent over TLS alone")
    hosts: tuple[str, ...] = Field(default=(), description="host names under which the clinic is reached, besides loopback")
    requests_per_second: float = Field(default=50.0, gt=0, description="of one user, per process; of one address ten times that")
    burst: int = Field(default=300, ge=1, description="requests that one user may make at once, per process")
    logins_per_minute: float = Field(default=20.0, gt=0, description="attempts to log in from one address, half of them at once")
    smart_client_id: str = Field(default="", max_length=200, description="our name at hospitals that launch us (SMART)")
    smart_issuers: tuple[str, ...] = Field(default=(), description="addresses of the FHIR servers that may launch us")
    largest_body: int = Field(default=2_000_000, ge=1000, description="bytes of a request, uploads apart")
    largest_upload: int = Field(default=50_000_000, ge=1000, description="bytes of an uploaded file")
    warm: tuple[str, ...] = Field(default=(), description="JSON list of TREATMENT:POLICY that are compiled when a process begins")
    symptom_rows: int = Field(
        default=100_000, ge=1000, le=1_000_000, description="synthetic patients that the classifiers of symptoms learn from"
    )
    oidc_issuer: str = Field(default="", max_length=500, description="issuer URL of an OpenID provider that users log in through")
    oidc_client_id: str = Field(default="", max_length=500, description="what the provider calls this clinic")
    oidc_client_secret: SecretStr | None = Field(default=None, description="the secret that the provider gave this clinic")
    oidc_scope: str = Field(default="openid profile", max_length=500, description="what the provider is asked for")
    oidc_claim: str = Field(default="groups", max_length=200, description="claim of the ID token that the role follows from")
    oidc_roles: dict[str, str] = Field(
        default_factory=dict, description="JSON: value of the claim to role, the first that fits counts; none fits: no login"
    )

    @field_validator("oidc_roles")
    @classmethod
    def _known(cls, roles: dict[str, str]) -> dict[str, str]:
        for role in roles.values():
            known_role(role)
        return roles

    @property
    def url(self) -> str:
        """URL of the database, with its password."""
        given = self.database.get_secret_value().strip() if self.database else ""
        return given or f"sqlite:///{(self.data / 'posology.db').absolute()}"
